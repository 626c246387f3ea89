"""Which incident a finding belongs to, what heads it, and when it is over or told again.

Pure; times are aware UTC datetimes, durations seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchpost.core.types import Severity

WINDOW_S = 300.0
SLACK_S = 60.0
_KINDS = {
    "host": "the host",
    "addr": "the address",
    "cert": "the certificate",
    "parent": "the parent",
    "over": "the dependency",
    "under": "the dependency",
    "monitor": "the monitor",
}
_ENOUGH = 16  # of a fingerprint, to tell certificates apart
# Of equals, what visitors meet is told before the port and the certificate it stands on: which of them was
# looked at first is chance.
_MET = ("site.unreachable.", "site.address_down")
# A code of this rank or more says why; below it stands what shows that something is wrong.
EXPLAINS = 76


@dataclass(frozen=True, slots=True)
class Member:
    """One trouble of one monitor inside an incident.

    ``rank``: an explanation outranks a symptom. ``lasting``: slow trouble (expiry, drift).
    ``shares`` names what it has in common with others: ``host:...``, ``addr:...``, ``parent:...``.
    ``began`` is the first failing look, ``joined_at`` when it was confirmed and joined.
    """

    monitor_id: int
    part: str
    code: str
    subject: str
    severity: Severity
    sentence: str
    fix: str
    rank: int
    lasting: bool
    shares: frozenset[str]
    began: datetime
    joined_at: datetime
    left_at: datetime | None = None
    name: str = ""
    kind: str = ""

    @property
    def key(self) -> tuple[int, str, str, str]:
        """Unique among the members of open incidents."""
        return (self.monitor_id, self.part, self.code, self.subject)


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An unresolved incident. ``state`` is open or acknowledged; ``version`` is for compare-and-swap."""

    id: int
    project_id: int
    environment: str
    state: str
    severity: Severity
    members: tuple[Member, ...]
    acknowledged_by: str | None = None
    snoozed_until: datetime | None = None
    last_told_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a candidate goes; ``incident_id`` None opens a new incident."""

    incident_id: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Cause:
    """A named explanation with its confidence in percent."""

    code: str
    confidence: int
    sentence: str
    fix: str


def place(
    candidate: Member,
    project_id: int,
    environment: str,
    interval_s: float,
    incidents: Sequence[OpenIncident],
) -> Placement:
    """Choose the open incident the candidate joins, or none.

    In order: where the very same trouble already is or was; for lasting trouble identical code and
    subject, nothing else; where the monitor itself was a member; then whatever shares something
    and whose last join is recent. ``interval_s`` is the cadence of the candidate's monitor.
    """
    near = [i for i in incidents if i.project_id == project_id and i.environment == environment]
    for incident in near:
        if any(m.key == candidate.key and m.lasting == candidate.lasting for m in incident.members):
            return Placement(incident.id, f"{_name(candidate)} was in this incident before.")
    if candidate.lasting:
        return _place_lasting(candidate, near)
    for incident in near:
        if any(_same_monitor(m, candidate) for m in incident.members):
            return Placement(incident.id, f"{_name(candidate)} was in this incident before.")
    return _place_sharing(candidate, interval_s, near)


def _place_lasting(candidate: Member, near: Sequence[OpenIncident]) -> Placement:
    for incident in near:
        if any(m.lasting and _same_trouble(m, candidate) for m in incident.members):
            return Placement(incident.id, f"Same lasting trouble: {candidate.code} on {candidate.subject}.")
    return Placement(None, "Lasting trouble always has its own incident.")


def _place_sharing(candidate: Member, interval_s: float, near: Sequence[OpenIncident]) -> Placement:
    window = timedelta(seconds=max(WINDOW_S, interval_s + SLACK_S))
    best: tuple[timedelta, int, str] | None = None
    late = ""
    for incident in near:
        acute = [m for m in incident.members if not m.lasting]
        shared = sorted({s for m in acute for s in m.shares} & sought(candidate.shares))
        if not shared:
            continue
        gap = _gap(candidate, acute)
        if gap > window:
            late = shared[0]
            continue
        if best is None or (gap, incident.id) < best[:2]:
            best = (gap, incident.id, _common(shared))
    if best is not None:
        return Placement(
            best[1], f"It has {best[2]} in common and began within {_minutes(window)} of the one before."
        )
    if late:
        reason = f"It has {_common([late])} in common but began more than {_minutes(window)} later."
        return Placement(None, reason)
    return Placement(None, "Shares nothing with an open incident.")


def sought(shares: frozenset[str]) -> frozenset[str]:
    """What others must have to share something with this one. A name is shared by all that have it; what
    stands ``under`` a parent shares that only with the parent, which is ``over`` it: neighbours under one
    domain have nothing in common but that."""
    swapped = {"under": "over", "over": "under"}
    return frozenset(
        f"{swapped.get(kind, kind)}:{name}" for kind, _, name in (s.partition(":") for s in shares)
    )


def above(members: Sequence[Member]) -> dict[int, frozenset[int]]:
    """Of every monitor, the others in it that are down and that it depends on, directly or over others."""
    down = {m.monitor_id for m in members if not m.lasting and m.severity > Severity.WARNING}
    found = {m.monitor_id: frozenset[int]() for m in members}
    for m in members:
        names = (s.partition(":") for s in m.shares)
        ids = {int(name) for kind, _, name in names if kind in ("monitor", "under") and name.isdecimal()}
        found[m.monitor_id] |= (ids & down) - {m.monitor_id}
    for one in found:
        line = sorted(found[one])
        for parent in line:  # grows while it is read
            line += [each for each in found[parent] if each not in line]
        found[one] = frozenset(line) - {one}
    return found


def explained(members: Sequence[Member]) -> frozenset[int]:
    """The monitors whose outage follows from that of another member they depend on. In a circle, which nobody
    can declare, nobody is explained by whom it explains."""
    over = above(members)
    return frozenset(one for one, ids in over.items() if any(one not in over[parent] for parent in ids))


def _common(tokens: Sequence[str]) -> str:
    """What is shared, for people: ``host:a``, ``addr:b`` is the host a and the address b."""
    said: dict[str, str] = {}
    for kind, _, name in sorted((token.partition(":") for token in tokens), reverse=True):
        shown = name[:_ENOUGH] if kind == "cert" else name
        said.setdefault(name, f"{_KINDS.get(kind, kind)} {shown}")  # an address as host is said once
    return " and ".join(said.values())


def _gap(candidate: Member, acute: Sequence[Member]) -> timedelta:
    """How far the candidate's beginning lies from the latest join; zero when inside its stretch.

    A join is a stretch from ``began`` to ``joined_at``: confirmation takes time, and a candidate
    that began while the last one was being confirmed belongs to it.
    """
    last = max(acute, key=lambda m: (m.joined_at, m.began))
    start, end = min(last.began, last.joined_at), max(last.began, last.joined_at)
    if candidate.began < start:
        return start - candidate.began
    return max(candidate.began - end, timedelta(0))


def _same_monitor(member: Member, candidate: Member) -> bool:
    return member.monitor_id == candidate.monitor_id and not member.lasting


def _same_trouble(member: Member, candidate: Member) -> bool:
    return (member.code, member.subject) == (candidate.code, candidate.subject)


def present(members: Iterable[Member]) -> tuple[Member, ...]:
    """Those still in, or all when none is."""
    everyone = tuple(members)
    return tuple(m for m in everyone if m.left_at is None) or everyone


def headline(members: Sequence[Member]) -> Member:
    """The member that names the incident: nobody that another explains; then the highest rank, then worst
    severity, then the page that does not answer, then earliest."""
    inside = present(members)
    follows = explained(inside)
    return min(
        (m for m in inside if m.monitor_id not in follows), key=_order, default=min(inside, key=_order)
    )


def causes(members: Sequence[Member]) -> tuple[Cause, ...]:
    """What explains the incident, best first, one per code. What only follows from another is no cause.

    Confidence: 50 % for a lone symptom, more with rank and with members that say the same; for a reason
    (``EXPLAINS``) all speak that are in trouble beside it. None is likelier than one that comes before it.
    """
    found: dict[str, Member] = {}
    inside = sorted(present(members), key=_order)
    follows = explained(inside)
    inside = [m for m in inside if m.monitor_id not in follows] or inside
    for member in inside:
        found.setdefault(member.code, member)
    out: list[Cause] = []
    for code, member in found.items():
        saying = len({m.monitor_id for m in inside if m.code == code or member.rank >= EXPLAINS})
        confidence = min(95, 50 + min(30, max(0, member.rank)) + 5 * (saying - 1))
        confidence = min(confidence, out[-1].confidence) if out else confidence
        out.append(Cause(code, confidence, member.sentence, member.fix))
    return tuple(out)


def severity(members: Sequence[Member]) -> Severity:
    """The worst severity among those still in (or of all when none is)."""
    return max((m.severity for m in present(members)), default=Severity.INFO)


def is_over(members: Sequence[Member], flapping_ids: frozenset[int] | set[int]) -> bool:
    """Everybody left, and no member's monitor is flapping."""
    return all(m.left_at is not None and m.monitor_id not in flapping_ids for m in members)


def tell_again(incident: OpenIncident, resend_s: float, now: datetime) -> bool:
    """Is a resend due? Only while nobody acknowledged and nothing mutes; ``resend_s`` 0 never resends."""
    if incident.state != "open" or resend_s <= 0 or incident.last_told_at is None:
        return False
    if incident.snoozed_until is not None and now < incident.snoozed_until:
        return False
    return now - incident.last_told_at >= timedelta(seconds=resend_s)


def snooze_over(incident: OpenIncident, now: datetime) -> bool:
    """A snooze has run out: tell again, and clear it."""
    return incident.snoozed_until is not None and now >= incident.snoozed_until


def muted(incident: OpenIncident, rise: bool, now: datetime) -> bool:
    """Snoozed, and not broken by a rise in severity."""
    return not rise and incident.snoozed_until is not None and now < incident.snoozed_until


def _order(member: Member) -> tuple[int, int, bool, datetime, int, str]:
    carries = not member.code.startswith(_MET)
    return (-member.rank, -int(member.severity), carries, member.began, member.monitor_id, member.code)


def _name(member: Member) -> str:
    return member.name or f"Monitor {member.monitor_id}"


def _minutes(window: timedelta) -> str:
    return f"{window.total_seconds() / 60:g} min"
