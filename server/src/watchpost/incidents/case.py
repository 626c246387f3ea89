"""Open incidents with their members as one transaction reads them: each once, however much happens to it.

In a storm hundreds of monitors join one incident; what is told about each join names all members. Reading
them anew for every step of every join would cost the square of their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from watchpost.core import incident as core
from watchpost.core.types import Severity
from watchpost.incidents.models import Incident, IncidentMember, IncidentShare
from watchpost.monitors.models import Monitor

_WITH = "monitor__state"


class Case:
    """One incident and its member rows, in the order of their joining."""

    def __init__(self, incident: Incident, members: Iterable[IncidentMember]) -> None:
        self.incident = incident
        self.members = list(members)
        self._core = {row.pk: core_member(row) for row in self.members}

    @property
    def core_members(self) -> tuple[core.Member, ...]:
        return tuple(self._core.values())

    @property
    def is_left(self) -> bool:
        return all(row.left_at is not None for row in self.members)

    def has(self, monitor_ids: Iterable[int]) -> bool:
        """Whether any of these monitors is or was in it."""
        ids = frozenset(monitor_ids)
        return any(row.monitor_id in ids for row in self.members)

    def is_down(self, monitor_id: int) -> bool:
        """Whether the monitor is in it with an outage."""
        rows = (row for row in self.members if row.monitor_id == monitor_id and row.left_at is None)
        return any(row.severity > Severity.WARNING and not row.lasting for row in rows)

    def ended(self, but: int, now: datetime) -> datetime:
        """When the last of the others recovered."""
        left = (row.left_at for row in self.members if row.monitor_id != but and row.left_at is not None)
        return max(left, default=now)

    def snapshot(self) -> core.OpenIncident:
        return snapshot(self.incident, self.core_members)

    def add(self, member: core.Member) -> None:
        """The member joins, with all by which others may find the incident."""
        self._end_stale(member)
        row = IncidentMember.objects.create(
            incident=self.incident,
            monitor=Monitor.objects.select_related("state").get(pk=member.monitor_id),
            part=member.part,
            code=member.code,
            subject=member.subject[:300],
            severity=int(member.severity),
            rank=member.rank,
            lasting=member.lasting,
            sentence=member.sentence,
            fix=member.fix,
            shares=sorted(member.shares),
            began_at=member.began,
            joined_at=member.joined_at,
        )
        shares = [IncidentShare(incident=self.incident, token=token) for token in sorted(tokens(member))]
        IncidentShare.objects.bulk_create(shares, ignore_conflicts=True)
        self._put(row)

    def _end_stale(self, member: core.Member) -> None:
        """The same trouble may still be in an incident that somebody resolved in the very moment it joined
        (PostgreSQL lets both go on); it is over there."""
        same = {"monitor_id": member.monitor_id, "part": member.part, "code": member.code}
        stale = IncidentMember.objects.filter(**same, subject=member.subject[:300], left_at=None)
        stale.exclude(incident=self.incident).update(left_at=member.joined_at)

    def leave(self, keys: Iterable[int], at: datetime) -> None:
        """These member rows recovered."""
        gone = frozenset(keys)
        IncidentMember.objects.filter(pk__in=gone).update(left_at=at)
        for row in self.members:
            if row.pk in gone:
                row.left_at = at
                self._core[row.pk] = core_member(row)

    def reword(self, row: IncidentMember, sentence: str, fix: str) -> None:
        """The same trouble, told as it is now."""
        row.sentence, row.fix = sentence, fix
        row.save(update_fields=["sentence", "fix"])
        self._core[row.pk] = core_member(row)

    def show(self, monitor_id: int, state: str) -> None:
        """The monitor shows another state since it was read."""
        for row in self.members:
            if row.monitor_id == monitor_id:
                row.monitor.state.shown = state

    def _put(self, row: IncidentMember) -> None:
        self.members.append(row)
        self._core[row.pk] = core_member(row)


class Cases:
    """The open incidents a transaction has to do with."""

    def __init__(self) -> None:
        self._held: dict[int, Case] = {}

    def get(self, incident_ids: Iterable[int]) -> list[Case]:
        """Those of them that are open, oldest first."""
        wanted = sorted(set(incident_ids))
        missing = [pk for pk in wanted if pk not in self._held]
        if missing:
            self._read(missing)
        held = (self._held[pk] for pk in wanted if pk in self._held)
        return [case for case in held if case.incident.state != Incident.State.RESOLVED]

    def of_monitor(self, monitor_id: int, part: str) -> list[Case]:
        """Where the monitor is a member that has not left."""
        rows = IncidentMember.objects.filter(monitor_id=monitor_id, part=part, left_at=None)
        return self.get(rows.values_list("incident_id", flat=True))

    def like(self, member: core.Member) -> list[Case]:
        """Those that have anything in common with the member: in a storm that is few of many."""
        rows = IncidentShare.objects.filter(token__in=tokens(member, seek=True))
        return self.get(rows.values_list("incident_id", flat=True).distinct())

    def of_down(self, monitor_ids: Iterable[int]) -> Case | None:
        """The newest open incident in which one of these monitors is down."""
        ids = frozenset(monitor_ids)
        if not ids:
            return None
        rows = IncidentMember.objects.filter(monitor_id__in=ids, left_at=None, lasting=False)
        found = self.get(rows.filter(severity__gt=Severity.WARNING).values_list("incident_id", flat=True))
        return found[-1] if found else None

    def open(self, incident: Incident) -> Case:
        row = Incident.objects.select_related("project").get(pk=incident.pk)
        case = self._held[row.pk] = Case(row, ())
        return case

    def show(self, monitor_id: int, state: str) -> None:
        for case in self._held.values():
            case.show(monitor_id, state)

    def _read(self, incident_ids: list[int]) -> None:
        by_incident: dict[int, list[IncidentMember]] = {pk: [] for pk in incident_ids}
        members = IncidentMember.objects.filter(incident_id__in=incident_ids).select_related(_WITH)
        for row in members.order_by("id"):
            by_incident[row.incident_id].append(row)
        for incident in Incident.objects.filter(pk__in=incident_ids).select_related("project"):
            self._held[incident.pk] = Case(incident, by_incident[incident.pk])


def tokens(member: core.Member, seek: bool = False) -> set[str]:
    """All by which ``core.incident.place`` may find an incident: what is shared, who and what it is.
    ``seek``: what the incidents of others must have for the member to find them."""
    itself = {f"monitor:{member.monitor_id}", f"trouble:{member.code} {member.subject[:300]}"}
    shares = core.sought(member.shares) if seek else member.shares
    return {token[:400] for token in shares | itself}


def causes_of(members: Sequence[core.Member]) -> list[dict[str, Any]]:
    """As the incident's row holds them: ``code``, ``confidence`` in percent, ``sentence``, ``fix``."""
    return [asdict(cause) for cause in core.causes(members)]


def snapshot(row: Incident, members: tuple[core.Member, ...]) -> core.OpenIncident:
    """The row as the pure core reads it."""
    return core.OpenIncident(
        id=row.pk,
        project_id=row.project_id,
        environment=row.environment,
        state=row.state,
        severity=Severity(row.severity),
        members=members,
        snoozed_until=row.snoozed_until,
        last_told_at=row.last_told_at,
        version=row.version,
    )


def core_member(row: IncidentMember) -> core.Member:
    return core.Member(
        monitor_id=row.monitor_id,
        part=row.part,
        code=row.code,
        subject=row.subject,
        severity=Severity(row.severity),
        sentence=row.sentence,
        fix=row.fix,
        rank=row.rank,
        lasting=row.lasting,
        shares=frozenset(row.shares),
        began=row.began_at,
        joined_at=row.joined_at,
        left_at=row.left_at,
        name=row.monitor.name,
    )
