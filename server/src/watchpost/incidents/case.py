"""Open incidents with their members as one transaction reads them: each once, however much happens to it.

In a storm hundreds of monitors join one incident; what is told about each join names all members. Reading
them anew for every step of every join would cost the square of their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from watchpost.core import incident as core
from watchpost.core.types import Severity
from watchpost.incidents.models import Incident, IncidentMember, IncidentShare
from watchpost.monitors.models import Monitor

_WITH = "monitor__state"


class Membership(NamedTuple):
    """Of one monitor, in an incident that it has not left."""

    part: str
    code: str
    subject: str
    incident_id: int


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

    def put(self, row: IncidentMember) -> None:
        """One more member, stored already."""
        self.members.append(row)
        self._core[row.pk] = core_member(row)

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


class Cases:
    """The open incidents a transaction has to do with.

    What is expected is read at once and kept as the transaction changes it; only the engine adds members, so
    nothing that matters can be added meanwhile. What was not expected is read when it is asked for.
    """

    def __init__(self) -> None:
        self._held: dict[int, Case] = {}
        self._monitors: dict[int, Monitor] = {}
        self._rows: dict[int, list[IncidentMember]] = {}  # by monitor: where it is or was
        self._within: dict[int, set[Membership]] = {}  # by monitor: what it is in and has not left
        self._sharing: dict[str, set[int]] = {}  # incidents by token
        self._shared: list[IncidentShare] = []

    def expect(self, monitor_ids: Iterable[int], members: Iterable[core.Member]) -> None:
        """Read all that has to do with these monitors and with members who may join, in one go."""
        ids = set(monitor_ids) - self._within.keys()
        sought = {token for member in members for token in tokens(member, seek=True)} - self._sharing.keys()
        self._within |= {pk: set() for pk in ids}
        self._sharing |= {token: set() for token in sought}
        self._monitors |= {
            one.pk: one for one in Monitor.objects.filter(pk__in=ids).select_related("state", "project")
        }
        mine = IncidentMember.objects.filter(monitor_id__in=ids, left_at=None)
        for row in mine.values_list("part", "code", "subject", "incident_id", "monitor_id"):
            self._within[row[4]].add(Membership(*row[:4]))
        shares = IncidentShare.objects.filter(token__in=sought)
        for token, incident_id in shares.values_list("token", "incident_id"):
            self._sharing[token].add(incident_id)
        found = [one.incident_id for each in ids for one in self._within[each]]
        self.get((*found, *(pk for token in sought for pk in self._sharing[token])))

    @property
    def open_ids(self) -> list[int]:
        return [pk for pk, case in self._held.items() if case.incident.state != Incident.State.RESOLVED]

    def monitor(self, monitor_id: int) -> Monitor:
        return self._monitors[monitor_id]

    def write(self) -> None:
        """Store by what others may find the incidents, unless they ended meanwhile."""
        over = {pk for pk, case in self._held.items() if case.incident.state == Incident.State.RESOLVED}
        rows = [row for row in self._shared if row.incident_id not in over]
        IncidentShare.objects.bulk_create(rows, ignore_conflicts=True)
        self._shared = []

    def add(self, case: Case, member: core.Member) -> None:
        """The member joins, with all by which others may find the incident."""
        self._end_stale(case, member)
        row = IncidentMember.objects.create(
            incident=case.incident,
            monitor=self._monitors[member.monitor_id],
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
        self._within[member.monitor_id].add(Membership(row.part, row.code, row.subject, row.incident_id))
        for token in sorted(tokens(member)):
            self._shared.append(IncidentShare(incident=case.incident, token=token))
            if token in self._sharing:
                self._sharing[token].add(case.incident.pk)
        self._rows.setdefault(row.monitor_id, []).append(row)
        case.put(row)

    def leave(self, case: Case, rows: Iterable[IncidentMember], at: datetime) -> None:
        """These member rows recovered."""
        gone = list(rows)
        case.leave([row.pk for row in gone], at)
        for row in gone:
            within = Membership(row.part, row.code, row.subject, row.incident_id)
            self._within.get(row.monitor_id, set()).discard(within)

    def _end_stale(self, case: Case, member: core.Member) -> None:
        """The same trouble may still be in an incident that somebody resolved in the very moment it joined
        (PostgreSQL lets both go on); it is over there."""
        subject = member.subject[:300]
        mine = self._within[member.monitor_id]
        same = (member.part, member.code, subject)
        stale = {one for one in mine if one[:3] == same and one.incident_id != case.incident.pk}
        if stale:
            what = {"monitor_id": member.monitor_id, "part": member.part, "code": member.code}
            rows = IncidentMember.objects.filter(**what, subject=subject, left_at=None)
            rows.exclude(incident=case.incident).update(left_at=member.joined_at)
            mine -= stale

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
        return self.get(one.incident_id for one in self._within[monitor_id] if one.part == part)

    def like(self, member: core.Member) -> list[Case]:
        """Those that have anything in common with the member: in a storm that is few of many."""
        return self.get(pk for token in tokens(member, seek=True) for pk in self._sharing[token])

    def of_down(self, monitor_ids: Iterable[int]) -> Case | None:
        """The newest open incident in which one of these monitors is down."""
        ids = frozenset(monitor_ids)
        if not ids:
            return None
        rows = IncidentMember.objects.filter(monitor_id__in=ids, left_at=None, lasting=False)
        found = self.get(rows.filter(severity__gt=Severity.WARNING).values_list("incident_id", flat=True))
        return found[-1] if found else None

    def open(self, incident: Incident) -> Case:
        """The incident, which has no member yet."""
        case = self._held[incident.pk] = Case(incident, ())
        return case

    def show(self, monitor_id: int, state: str, flapping: bool) -> None:
        """The monitor shows another state since it was read."""
        for monitor in (self._monitors[monitor_id], *(row.monitor for row in self._rows.get(monitor_id, ()))):
            monitor.state.shown, monitor.state.flapping = state, flapping

    def _read(self, incident_ids: list[int]) -> None:
        by_incident: dict[int, list[IncidentMember]] = {pk: [] for pk in incident_ids}
        members = IncidentMember.objects.filter(incident_id__in=incident_ids).select_related(_WITH)
        for row in members.order_by("id"):
            by_incident[row.incident_id].append(row)
            self._rows.setdefault(row.monitor_id, []).append(row)
        for incident in Incident.objects.filter(pk__in=incident_ids).select_related("project"):
            self._held[incident.pk] = Case(incident, by_incident[incident.pk])


def tokens(member: core.Member, seek: bool = False) -> set[str]:
    """All by which ``core.incident.place`` may find an incident: what is shared, who and what it is.
    ``seek``: what the incidents of others must have for the member to find them."""
    itself = {f"monitor:{member.monitor_id}"}
    if member.lasting:  # an outage is never told with another for having the same name
        itself.add(f"trouble:{member.code} {member.subject[:300]}")
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
