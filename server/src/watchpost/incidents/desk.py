"""From a transition to incidents, timelines and outbox rows. Runs inside the engine's transaction.

1. ``Desk.expect`` reads what a batch of transitions will ask for;
2. ``Desk.handle``: each finding of the verdict joins the open incident the join rule names, or opens one;
   findings that are gone leave; the last one closes the incident, unless it is flapping;
3. ``Desk.write`` stores the lines and messages of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchpost.codes import catalogue, severity_of
from watchpost.core import incident as core
from watchpost.core.bundle import JOIN_WAIT_S
from watchpost.core.family import listed
from watchpost.core.state import Transition
from watchpost.core.title import title
from watchpost.core.track import FLAP_WINDOW
from watchpost.core.types import Finding, Severity
from watchpost.core.words import duration_words
from watchpost.incidents.act import ended_values, swap
from watchpost.incidents.case import Case, Cases, causes_of, core_member
from watchpost.incidents.models import Incident, IncidentMember
from watchpost.incidents.outbox import HELD, Outbox, is_hold_news
from watchpost.monitors.models import Monitor


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
    under: tuple[int, ...] = ()  # monitors whose incident takes it in: parents that explain its being down
    quiet: bool = False  # a parent explains it: people were told of that one
    freed: tuple[int, ...] = ()  # parents that explained it and do no longer: it is told by itself now
    dependents: tuple[str, ...] = ()  # names of those that depend on it, when it falls


class Desk:
    """Deals with the transitions of one transaction, at one moment."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.cases = Cases()
        self.outbox = Outbox(now)
        self.companions: set[int] = set()  # monitors that are still in an incident which another has left

    def expect(self, moves: Iterable[Moved]) -> None:
        """Read at once what they will ask for: a statement for each is what a storm would wait for."""
        joining = [_member(one, finding, self.now) for one in moves for finding in _troubles(one).values()]
        self.cases.expect((one.monitor_id for one in moves), joining)
        self.outbox.expect(self.cases.open_ids)

    def write(self) -> None:
        """Store what was put off until the end. Call it before the transaction ends."""
        self.cases.write()
        self.outbox.write()

    def handle(self, moved: Moved) -> set[int]:
        """Bring the incidents in line with an expected transition; ids of incidents that it opened."""
        wanted = _troubles(moved)
        self.cases.show(moved.monitor_id, moved.transition.after, moved.flapping)
        mine = self._part(moved, self.cases.of_monitor(moved.monitor_id, moved.part))
        present = {(row.code, row.subject) for case in mine for row in _rows_of(case, moved)}
        news = self._join(moved, [f for key, f in wanted.items() if key not in present], mine)
        for case in mine:
            self._reword(case, moved, wanted, news)
            gone = [row for row in _rows_of(case, moved) if (row.code, row.subject) not in wanted]
            if gone:
                self._leave(case, moved, gone, told=case.incident.pk in news)
        for one in news.values():
            self._tell_join(moved, one)
        return {pk for pk, one in news.items() if one.opens}

    def _part(self, moved: Moved, mine: list[Case]) -> list[Case]:
        """It leaves the incidents of the parents that explain it no longer, without a word of recovery."""
        left = []
        for case in mine:
            if not case.has(moved.freed):
                left.append(case)
                continue
            self.cases.leave(case, _rows_of(case, moved), self.now)
            sentence = f"{moved.name} is still down and is told by itself from now on."
            self.outbox.note(case.incident, "left", sentence)
            if not case.is_left:
                self._tell_left(case, f"{moved.name} is told by itself from now on.")
            elif not flap(case.members):
                close(case.incident, case.ended(moved.monitor_id, self.now), self.outbox, case.members)
        return left

    def _reword(
        self, case: Case, moved: Moved, wanted: Mapping[tuple[str, str], Finding], news: dict[int, _News]
    ) -> None:
        """The same trouble with another fix (500 yesterday, 502 now) is told in its new words."""
        for row in _rows_of(case, moved):
            finding = wanted.get((row.code, row.subject))
            if finding is not None and finding.fix != row.fix:
                case.reword(row, finding.sentence, finding.fix)
                self.outbox.note(case.incident, "changed", f"{moved.name}: {finding.sentence}")
                news.setdefault(case.incident.pk, _News(case, finding, False, False, same=True))

    def _join(self, moved: Moved, fresh: Sequence[Finding], mine: Sequence[Case]) -> dict[int, _News]:
        # Slow trouble never absorbs an outage, so its incidents are nobody's home.
        home = next((case for case in mine if any(not row.lasting for row in _rows_of(case, moved))), None)
        told: dict[int, _News] = {}
        for finding in sorted(fresh, key=lambda f: -catalogue()[f.code].rank):
            member = _member(moved, finding, self.now)
            case, reason = self._place(moved, member, home)
            opens = case is None
            if case is None:
                case = self.cases.open(_open(self.cases.monitor(moved.monitor_id), moved, member, self.now))
                self.outbox.expect([case.incident.pk], new=True)
            rise = member.severity > case.incident.severity
            self.cases.add(case, member)
            home = home if member.lasting or home else case
            same = case in mine
            self.outbox.note(case.incident, *_joining(moved, finding, opens, rise, reason, same))
            told.setdefault(case.incident.pk, _News(case, finding, opens, rise, same))
        return told

    def _place(self, moved: Moved, member: core.Member, home: Case | None) -> tuple[Case | None, str]:
        """Where the member belongs: an incident its monitor is in already, else what the join rule says."""
        acute = not member.lasting and member.severity > Severity.WARNING
        if acute and not (home is not None and home.is_down(moved.monitor_id)):
            above = self.cases.of_down(moved.under)
            if above is not None:
                return above, "It depends on what is down there."
        if home is not None and not member.lasting:
            return home, "It is the same monitor."
        alike = {case.incident.pk: case for case in self.cases.like(member) if not case.has(moved.freed)}
        known = [case.snapshot() for case in alike.values()]
        placement = core.place(member, moved.project_id, moved.environment, moved.interval_s, known)
        if placement.incident_id is None:
            return None, placement.reason
        return alike[placement.incident_id], placement.reason

    def _tell_join(self, moved: Moved, news: _News) -> None:
        incident = news.case.incident
        _refresh(news.case)
        self.outbox.tell(
            incident,
            "opened" if news.opens else "updated",
            _reason(moved, news),
            people=news.opens or news.rise
            if moved.quiet
            else _people_hear(incident, moved, news.opens, self.now),
            wait_s=0.0 if news.opens or news.rise else JOIN_WAIT_S,
            members=news.case.members,
        )

    def _leave(self, case: Case, moved: Moved, gone: Sequence[IncidentMember], told: bool) -> None:
        """The monitor's findings that are gone leave; the last one closes the incident. ``told``: a message
        about the incident follows anyway."""
        self.cases.leave(case, gone, moved.transition.began)
        incident = case.incident
        if _rows_of(case, moved):
            sentence = f"{moved.name}, this is over: {' '.join(row.sentence for row in gone)}"
            self.outbox.note(incident, "changed", sentence)
            if not told:
                self._tell_left(case, sentence)
        elif not case.is_left:
            self.companions |= {row.monitor_id for row in case.members if row.left_at is None}
            self.outbox.note(incident, "left", f"{moved.name} is {moved.transition.after} again.")
            self._tell_left(case, f"{moved.name} recovered; others have not.")
        elif moved.flapping or flap(row for row in case.members if row.monitor_id != moved.monitor_id):
            self._hold(case, moved)
        else:
            close(incident, moved.transition.began, self.outbox, case.members)

    def _hold(self, case: Case, moved: Moved) -> None:
        """All are up, but not for good, it seems: people hear that once, so that nobody goes after it."""
        is_one = len({row.monitor_id for row in case.members}) == 1
        who, holds = (f"{moved.name} is", "it holds") if is_one else ("All are", "they hold")
        sentence = f"{who} {HELD} {holds} still."
        self.outbox.note(case.incident, "left", sentence)
        self.outbox.write()  # whether it is news is read from what was told
        self._tell_left(case, sentence, people=is_hold_news(case.incident, self.now))

    def _tell_left(self, case: Case, sentence: str, people: bool = False) -> None:
        _refresh(case)
        wait_s = JOIN_WAIT_S if people else 0.0
        self.outbox.tell(case.incident, "updated", sentence, people, wait_s, case.members)


@dataclass(frozen=True, slots=True)
class _News:
    """A finding that joined, and whether that opened the incident or made it worse."""

    case: Case
    finding: Finding
    opens: bool
    rise: bool
    same: bool = False  # its monitor was in the incident already


def _rows_of(case: Case, moved: Moved) -> list[IncidentMember]:
    """The monitor's own rows that have not left."""
    return [
        row
        for row in case.members
        if row.monitor_id == moved.monitor_id and row.part == moved.part and row.left_at is None
    ]


def _reason(moved: Moved, news: _News) -> str:
    if news.opens:
        return f"{moved.transition.reason}{_dependents(moved)}"
    did = "got worse" if news.rise else "is in trouble for another reason now" if news.same else "joined"
    return f"{moved.name} {did}: {news.finding.sentence}"


def _dependents(moved: Moved) -> str:
    count = len(moved.dependents)
    if not count:
        return ""
    names, is_one = listed(moved.dependents, 8), count == 1
    who = "1 monitor depends on it and is" if is_one else f"{count} monitors depend on it and are"
    return f" {who} not told apart while it is down: {names}."


def _people_hear(incident: Incident, moved: Moved, opens: bool, now: datetime) -> bool:
    """Channels for people are spared while an incident is snoozed or its monitor flaps."""
    if opens or moved.transition.rise:
        return True
    snoozed = incident.snoozed_until is not None and incident.snoozed_until > now
    return not snoozed and not moved.flapping


def _joining(
    moved: Moved, finding: Finding, opens: bool, rise: bool, reason: str, same: bool
) -> tuple[str, str]:
    """Kind and sentence of the timeline's line about a finding that joined."""
    if opens:
        return "opened", f"{moved.name}: {moved.transition.reason}{_dependents(moved)}"
    if same and not rise:
        return "changed", f"{moved.name}: {finding.sentence}"
    return "rose" if rise else "joined", f"{moved.name}: {finding.sentence} {reason}"


def _troubles(moved: Moved) -> dict[tuple[str, str], Finding]:
    """What the incidents must tell of it, by code and subject."""
    if moved.transition.severity is None:
        return {}
    return {(f.code, f.subject[:300]): f for f in moved.findings if severity_of(f) > Severity.INFO}


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


def _open(monitor: Monitor, moved: Moved, member: core.Member, now: datetime) -> Incident:
    return Incident.objects.create(
        project=monitor.project,
        environment=moved.environment,
        title=title((member,)),
        causes=causes_of((member,)),
        severity=int(member.severity),
        began_at=member.began,
        detected_at=now,
    )


def _lately(case: Case) -> list[core.Member]:
    """When all are up again, for the count in the title: their troubles that had an incident of its own."""
    if not case.is_left:
        return []
    rows = IncidentMember.objects.filter(monitor__in={row.monitor_id for row in case.members}, lasting=False)
    last = max(row.began_at for row in case.members)
    rows = rows.filter(left_at__gte=last - FLAP_WINDOW).exclude(incident=case.incident)
    return [core_member(row) for row in rows.select_related("monitor")]


def _refresh(case: Case) -> None:
    """Title, causes, severity and beginning follow the members; a lost swap reloads and tries again."""
    members, incident = case.core_members, case.incident
    for _ in range(5):
        values = {
            "title": title((*members, *_lately(case))),
            "severity": max(incident.severity, *(int(m.severity) for m in members if m.left_at is None), 0),
            "began_at": min(m.began for m in members),
            "causes": causes_of(members),
        }
        same = all(getattr(incident, name) == value for name, value in values.items())
        if same or swap(incident, values):
            return
        incident.refresh_from_db()


def flap(rows: Iterable[IncidentMember]) -> bool:
    """Whether one of these does not hold still."""
    return any(row.monitor.state.flapping for row in rows)


def close(
    incident: Incident,
    ended: datetime,
    outbox: Outbox,
    members: Sequence[IncidentMember] | None = None,
) -> None:
    """Resolve with the true length of the outage: from the first failure to the first good look."""
    length = duration_words(max((ended - incident.began_at).total_seconds(), 0))
    sentence = f"Resolved: the trouble lasted {length}."
    for _ in range(5):
        if swap(incident, ended_values(incident, ended, members)):
            outbox.note(incident, "resolved", sentence)
            outbox.tell(incident, "resolved", sentence, members=members)
            return
        incident.refresh_from_db()
        if incident.state == Incident.State.RESOLVED:
            return
