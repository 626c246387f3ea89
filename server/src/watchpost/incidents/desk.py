"""From a transition to incidents, timelines and outbox rows. Runs inside the engine's transaction.

1. ``worsen``: each finding of the verdict joins the open incident the join rule names, or opens one.
2. ``recover``: the monitor's members leave; the last one closes the incident, unless it is flapping.
3. ``tick``: what only time does: resends, ended snoozes, incidents held open by flapping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from watchpost.codes import catalogue, severity_of
from watchpost.core import incident as core
from watchpost.core.bundle import JOIN_WAIT_S
from watchpost.core.state import Transition
from watchpost.core.types import Finding, Severity
from watchpost.core.words import duration_words
from watchpost.incidents.act import swap
from watchpost.incidents.models import Incident, IncidentMember, IncidentShare
from watchpost.incidents.outbox import note, tell


@dataclass(frozen=True, slots=True)
class Moved:
    """A confirmed change of one monitor, with all that the desk needs to know of it."""

    monitor_id: int
    project_id: int
    environment: str
    interval_s: float
    name: str
    kind: str
    transition: Transition
    findings: tuple[Finding, ...]
    shares: frozenset[str]
    flapping: bool
    part: str = ""


def handle(moved: Moved, now: datetime) -> set[int]:
    """Bring the incidents in line with a transition; ids of incidents that were opened by it."""
    wanted = {(f.code, f.subject): f for f in moved.findings if severity_of(f) > Severity.INFO}
    if moved.transition.severity is None:
        wanted = {}
    mine = list(
        IncidentMember.objects.filter(monitor_id=moved.monitor_id, part=moved.part, left_at=None)
        .exclude(incident__state="resolved")
        .select_related("incident__project")
    )
    home = {member.incident_id: member.incident for member in mine}
    fresh = [f for key, f in wanted.items() if key not in {(m.code, m.subject) for m in mine}]
    opened = _join_all(moved, fresh, home, now)
    _leave(moved, [m for m in mine if (m.code, m.subject) not in wanted], now)
    return opened


def _join_all(moved: Moved, fresh: Sequence[Finding], home: dict[int, Incident], now: datetime) -> set[int]:
    opened: set[int] = set()
    risen: set[int] = set()
    told: dict[int, tuple[str, str]] = {}
    for finding in sorted(fresh, key=lambda f: -catalogue()[f.code].rank):
        member = _member(moved, finding, now)
        incident, reason = _place(moved, member, home)
        if incident is None:
            incident = _open(moved, member, now)
            opened.add(incident.pk)
            event, reason = "opened", f"{moved.name}: {finding.sentence}"
        else:
            event = "updated"
        _store(incident, member)
        home[incident.pk] = incident
        rise = member.severity > incident.severity
        risen |= {incident.pk} if rise else set()
        _note_join(incident, moved, finding, event, rise, reason, now)
        told.setdefault(incident.pk, (event, _reason(moved, finding, rise, event)))
    for pk, (event, reason) in told.items():
        _refresh(home[pk])
        hear = _people_hear(home[pk], moved, event, now)
        wait_s = 0.0 if event == "opened" or pk in risen else JOIN_WAIT_S
        tell(home[pk], event, reason, now, people=hear, wait_s=wait_s)
    return opened


def _reason(moved: Moved, finding: Finding, rise: bool, event: str) -> str:
    if event == "opened":
        return moved.transition.reason
    return (
        f"{moved.name} got worse: {finding.sentence}" if rise else f"{moved.name} joined: {finding.sentence}"
    )


def _people_hear(incident: Incident, moved: Moved, event: str, now: datetime) -> bool:
    """Channels for people are spared while an incident is snoozed or its monitor flaps."""
    if event == "opened" or moved.transition.rise:
        return True
    snoozed = incident.snoozed_until is not None and incident.snoozed_until > now
    return not snoozed and not moved.flapping


def _note_join(
    incident: Incident, moved: Moved, finding: Finding, event: str, rise: bool, reason: str, now: datetime
) -> None:
    kind = "opened" if event == "opened" else "rose" if rise else "joined"
    if event == "opened":
        note(incident, now, kind, f"{moved.name}: {moved.transition.reason}")
    else:
        note(incident, now, kind, f"{moved.name}: {finding.sentence} Same incident because: {reason}")


def _place(moved: Moved, member: core.Member, home: dict[int, Incident]) -> tuple[Incident | None, str]:
    """Where the member belongs: an incident its monitor is in already, else what the join rule says."""
    for incident in home.values():
        if not member.lasting:
            return incident, "another finding of the same monitor"
    rows = {row.pk: row for row in _open_rows(moved, member)}
    placement = core.place(
        member,
        moved.project_id,
        moved.environment,
        moved.interval_s,
        [snapshot(row) for row in rows.values()],
    )
    if placement.incident_id is None:
        return None, placement.reason
    return rows[placement.incident_id], placement.reason


def _open_rows(moved: Moved, member: core.Member) -> Iterable[Incident]:
    """Open incidents that have anything in common with the member: in a storm that is few of many."""
    alike = IncidentShare.objects.filter(token__in=_tokens(member)).values("incident_id")
    return (
        Incident.objects.filter(pk__in=alike, project_id=moved.project_id, environment=moved.environment)
        .exclude(state="resolved")
        .select_related("project")
        .prefetch_related("members")
    )


def _tokens(member: core.Member) -> set[str]:
    """All by which ``core.incident.place`` may find an incident: what is shared, who and what it is."""
    itself = {f"monitor:{member.monitor_id}", f"trouble:{member.code} {member.subject[:300]}"}
    return {token[:400] for token in member.shares | itself}


def snapshot(row: Incident) -> core.OpenIncident:
    """The row as the pure core reads it."""
    return core.OpenIncident(
        id=row.pk,
        project_id=row.project_id,
        environment=row.environment,
        state=row.state,
        severity=Severity(row.severity),
        members=tuple(_core_member(member) for member in row.members.all()),
        snoozed_until=row.snoozed_until,
        last_told_at=row.last_told_at,
        version=row.version,
    )


def _core_member(row: IncidentMember) -> core.Member:
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
    )


def _member(moved: Moved, finding: Finding, now: datetime) -> core.Member:
    entry = catalogue()[finding.code]
    return core.Member(
        monitor_id=moved.monitor_id,
        part=moved.part,
        code=finding.code,
        subject=finding.subject,
        severity=severity_of(finding),
        sentence=finding.sentence,
        fix=finding.fix,
        rank=entry.rank,
        lasting=entry.lasting,
        shares=moved.shares | frozenset(finding.joins),
        began=moved.transition.began,
        joined_at=now,
        name=moved.name,
        kind=moved.kind,
    )


def _open(moved: Moved, member: core.Member, now: datetime) -> Incident:
    row = Incident.objects.create(
        project_id=moved.project_id,
        environment=moved.environment,
        title=f"{moved.name}: {member.sentence}",
        severity=int(member.severity),
        began_at=member.began,
        detected_at=now,
    )
    return Incident.objects.select_related("project").get(pk=row.pk)


def _store(incident: Incident, member: core.Member) -> None:
    IncidentMember.objects.create(
        incident=incident,
        monitor_id=member.monitor_id,
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
    shares = [IncidentShare(incident=incident, token=token) for token in sorted(_tokens(member))]
    IncidentShare.objects.bulk_create(shares, ignore_conflicts=True)


def _refresh(incident: Incident) -> None:
    """Title, causes, severity and beginning follow the members; a lost swap reloads and tries again."""
    for _ in range(5):
        rows = list(incident.members.select_related("monitor").order_by("id"))
        members = tuple(_core_member(row) for row in rows)
        head = core.headline(members)
        name = next(row.monitor.name for row in rows if row.monitor_id == head.monitor_id)
        values = {
            "title": f"{name}: {head.sentence}",
            "severity": max(incident.severity, *(int(m.severity) for m in members if m.left_at is None), 0),
            "began_at": min(m.began for m in members),
            "causes": [
                {"code": c.code, "confidence": c.confidence, "sentence": c.sentence, "fix": c.fix}
                for c in core.causes(members)
            ],
        }
        if swap(incident, values):
            return
        incident.refresh_from_db()


def _leave(moved: Moved, leaving: Sequence[IncidentMember], now: datetime) -> None:
    """The monitor's findings that are gone leave; the last one closes the incident."""
    for pk in {member.incident_id for member in leaving}:
        rows = [member for member in leaving if member.incident_id == pk]
        IncidentMember.objects.filter(pk__in=[row.pk for row in rows]).update(left_at=moved.transition.began)
        incident = rows[0].incident
        if incident.members.filter(left_at=None).exists():
            note(incident, now, "left", f"{moved.name} is {moved.transition.after} again.")
            tell(incident, "updated", f"{moved.name} recovered; others have not.", now, people=False)
        elif moved.flapping:
            sentence = f"{moved.name} is up, but flapping: the incident stays open until it holds still."
            note(incident, now, "left", sentence)
            tell(incident, "updated", sentence, now, people=False)
        else:
            close(incident, moved.transition.began, now)


def close(incident: Incident, ended: datetime, now: datetime) -> None:
    """Resolve with the true length of the outage: from the first failure to the first good look."""
    length = duration_words(max((ended - incident.began_at).total_seconds(), 0))
    sentence = f"Resolved: the trouble lasted {length}."
    for _ in range(5):
        if swap(incident, {"state": Incident.State.RESOLVED, "resolved_at": ended, "snoozed_until": None}):
            note(incident, now, "resolved", sentence)
            tell(incident, "resolved", sentence, now)
            return
        incident.refresh_from_db()
        if incident.state == Incident.State.RESOLVED:
            return


def tell_still_down(monitor_id: int, reason: str, now: datetime) -> None:
    """A window ended and the trouble is still there: say so, with the original beginning."""
    for incident in (
        Incident.objects.filter(members__monitor_id=monitor_id, members__left_at=None)
        .exclude(state="resolved")
        .select_related("project")
        .distinct()
    ):
        note(incident, now, "told", reason)
        tell(incident, "updated", reason, now)


def tick(now: datetime) -> None:
    """What only time does to open incidents. Reads everything at once: there may be hundreds."""
    rows = (
        Incident.objects.exclude(state="resolved")
        .select_related("project")
        .prefetch_related("members__monitor__state")
    )
    for row in rows:
        act = _due_act(row, now)
        if act is not None:
            with transaction.atomic():
                act()


def _due_act(row: Incident, now: datetime) -> Callable[[], None] | None:
    """What time asks for, if anything."""
    seen = snapshot(row)
    if all(member.left_at for member in seen.members):
        return None if _still_flapping(row) else lambda: _release(row, seen, now)
    if core.snooze_over(seen, now):
        return lambda: _end_snooze(row, now)
    if core.tell_again(seen, _resend_s(row), now):
        return lambda: _tell_again(row, now)
    return None


def _still_flapping(row: Incident) -> bool:
    return any(member.monitor.state.flapping for member in row.members.all())


def _release(row: Incident, seen: core.OpenIncident, now: datetime) -> None:
    """An incident whose members all left was held open by flapping; they hold still now."""
    close(row, max((m.left_at for m in seen.members if m.left_at), default=now), now)


def _end_snooze(row: Incident, now: datetime) -> None:
    if swap(row, {"snoozed_until": None}):
        note(row, now, "told", "The snooze ended and it is not over.")
        tell(row, "updated", "The snooze ended and it is not over.", now)


def _tell_again(row: Incident, now: datetime) -> None:
    length = duration_words((now - row.began_at).total_seconds())
    sentence = f"Still not over after {length}, and nobody has acknowledged it."
    note(row, now, "told", sentence)
    tell(row, "updated", sentence, now)


def _resend_s(row: Incident) -> float:
    return min(
        (member.monitor.resend_s for member in row.members.all() if member.left_at is None),
        default=4 * 3600.0,
    )
