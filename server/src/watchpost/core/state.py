"""One track's state machine: a look goes in; state, reason and what to look at next come out.

A track is one (monitor, location, part). Its confirmed severity is the *level*; health follows
from it. Levels rise after ``confirm`` looks in a row, fall after ``recover`` looks in a row, and
nothing counts while an overlay hides the track. All times are aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from watchpost.core.types import Health, Overlay, OwnFault, Severity

FLAP_WINDOW = timedelta(minutes=30)
FLAP_COUNT = 4
RELOOK_DEADLINE_S = 5.0

FINE = "All is well."
PAUSED = "Paused; this look changes nothing."
IN_MAINTENANCE = "In maintenance; this look changes nothing."

LEVELS = (Severity.WARNING, Severity.ERROR, Severity.CRITICAL)
_PRIORITY = {Overlay.NONE: 0, Overlay.UNKNOWN: 1, Overlay.MAINTENANCE: 2, Overlay.PAUSED: 3}
_HEALTH = {
    None: Health.UP,
    Severity.INFO: Health.UP,
    Severity.WARNING: Health.DEGRADED,
    Severity.ERROR: Health.DOWN,
    Severity.CRITICAL: Health.DOWN,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """How many looks in a row count, and how fast an unconfirmed one is repeated (seconds)."""

    confirm: int = 2
    recover: int = 2
    relook_s: float = 3.0
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Streak:
    """Looks in a row on one side of a level. ``count`` stops rising once it can decide nothing more."""

    count: int = 0
    began: datetime | None = None


Streaks = tuple[Streak, Streak, Streak]
_NO_STREAK = Streak()
IDLE: Streaks = (_NO_STREAK, _NO_STREAK, _NO_STREAK)


@dataclass(frozen=True, slots=True)
class Track:
    """What is remembered between looks.

    ``severity`` is the confirmed level, None when up. ``since`` is when the health began.
    ``failing[i]`` counts looks that reached ``LEVELS[i]``, ``recovering[i]`` looks below it.
    ``settled``: the level stands only on findings that needed no confirmation.
    """

    health: Health = Health.NEW
    overlay: Overlay = Overlay.NONE
    severity: Severity | None = None
    since: datetime | None = None
    failing: Streaks = IDLE
    recovering: Streaks = IDLE
    settled: bool = False
    flips: tuple[datetime, ...] = ()

    @property
    def shown(self) -> str:
        """What people see: the overlay if there is one, else the health."""
        return self.overlay.value or self.health.value

    def flapping(self, now: datetime) -> bool:
        """Four changes of health within 30 minutes."""
        return len(_recent(self.flips, now)) >= FLAP_COUNT

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON column."""
        return {
            "health": self.health.value,
            "overlay": self.overlay.value,
            "severity": None if self.severity is None else int(self.severity),
            "since": _text(self.since),
            "failing": [[s.count, _text(s.began)] for s in self.failing],
            "recovering": [[s.count, _text(s.began)] for s in self.recovering],
            "settled": self.settled,
            "flips": [at.isoformat() for at in self.flips],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Track:
        """The inverse of ``to_json``; keys that are missing take their defaults."""
        severity = data.get("severity")
        return cls(
            health=Health(data.get("health", "new")),
            overlay=Overlay(data.get("overlay", "")),
            severity=None if severity is None else Severity(severity),
            since=_time(data.get("since")),
            failing=_streaks(data.get("failing")),
            recovering=_streaks(data.get("recovering")),
            settled=bool(data.get("settled", False)),
            flips=tuple(datetime.fromisoformat(at) for at in data.get("flips", ())),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """One judged look. ``severity`` is its worst finding above info, ``settled`` the worst settled one."""

    at: datetime
    severity: Severity | None
    settled: Severity | None = None
    conclusive: bool = True
    sentence: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Positive evidence that a failure may be ours."""

    kind: OwnFault
    sentence: str


@dataclass(frozen=True, slots=True)
class Transition:
    """A change worth a row: of what is shown, or a rise within down (``before == after``).

    ``began`` is the first look that showed it; for a change of overlay alone it is ``at``.
    """

    before: str
    after: str
    health: Health
    severity: Severity | None
    at: datetime
    began: datetime
    reason: str
    rise: bool


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Look again after ``after_s`` seconds, within ``deadline_s``; resolver 0 is the first, 1 the other."""

    after_s: float
    deadline_s: float
    resolver: int


@dataclass(frozen=True, slots=True)
class Step:
    """What one look, or one change of overlay, came to."""

    track: Track
    transition: Transition | None
    reason: str
    look_again: LookAgain | None


def step(track: Track, reading: Reading, policy: Policy, fault: Fault | None, now: datetime) -> Step:
    """Apply one look."""
    if (  # the common case comes first: it runs for every look of every healthy monitor
        reading.severity is None
        and track.health is Health.UP
        and track.overlay is Overlay.NONE
        and track.failing is IDLE
        and reading.conclusive
        and reading.settled is None
    ):
        return Step(track, None, FINE, None)
    if track.overlay is Overlay.PAUSED:
        return Step(track, None, PAUSED, None)
    if track.overlay is Overlay.MAINTENANCE:
        return Step(track, None, IN_MAINTENANCE, None)
    if not reading.conclusive:
        note = reading.note or "no reason was given"
        return Step(track, None, f"The look was inconclusive and changes nothing: {note}", None)
    if fault is not None and _worst(reading) > 0:
        return _own_fault(track, fault, now)
    return _count(track, reading, policy, now)


def cover(track: Track, overlay: Overlay, reason: str, now: datetime) -> Step:
    """Lay an overlay over the track. A weaker one than the present changes nothing.

    Only one overlay is kept: after ``uncover`` the caller covers again if another still applies.
    """
    if _PRIORITY[overlay] <= _PRIORITY[track.overlay]:
        return Step(track, None, f"Stays {track.shown}; {overlay.value or 'no overlay'} is weaker.", None)
    covered = replace(track, overlay=overlay)
    return Step(covered, _shift(track, covered, now, reason), reason, None)


def uncover(track: Track, reason: str, now: datetime) -> Step:
    """Take the overlay away. Down after maintenance is said again, and looked at again at once."""
    if track.overlay is Overlay.NONE:
        return Step(track, None, "Nothing hid the state; nothing changes.", None)
    bare = replace(track, overlay=Overlay.NONE)
    again = None
    if track.health is Health.DOWN and track.overlay is Overlay.MAINTENANCE:
        since = f" since {track.since:%Y-%m-%d %H:%M:%S} UTC" if track.since else ""
        reason = f"{reason.rstrip('.')}; it is still down{since}; looking again at once"
        again = LookAgain(0.0, RELOOK_DEADLINE_S, 0)
    return Step(bare, _shift(track, bare, now, reason), reason, again)


def _own_fault(track: Track, fault: Fault, now: datetime) -> Step:
    """A failure with evidence against ourselves: unknown, said once, streaks frozen."""
    reason = f"The look failed, but the fault may be ours: {fault.sentence}"
    if track.overlay is Overlay.UNKNOWN:
        return Step(track, None, reason, None)
    covered = replace(track, overlay=Overlay.UNKNOWN)
    return Step(covered, _shift(track, covered, now, reason), reason, None)


def _count(track: Track, reading: Reading, policy: Policy, now: datetime) -> Step:
    """The slow path: count the look, find the level, say what follows."""
    counted = _counted(track, reading, policy)
    old, new = _level(track.severity), _new_level(counted, reading, policy)
    counted = replace(counted, settled=_still_settled(counted, reading, policy, old, new))
    if track.health is Health.NEW and new == 0 and _worst(reading) > 0:
        return _keep(track, counted, reading, policy, now)
    if new == old and track.health is not Health.NEW:
        return _keep(track, counted, reading, policy, now)
    return _move(track, counted, reading, policy, now, new)


def _counted(track: Track, reading: Reading, policy: Policy) -> Track:
    worst, at = _worst(reading), reading.at
    # Beyond the larger threshold a count decides nothing; capping it keeps a long outage's row still.
    cap = max(policy.confirm, policy.recover, 1)
    failing = _advance(track.failing, tuple(worst >= s for s in LEVELS), at, cap)
    level = _level(track.severity)
    recovering = _advance(track.recovering, tuple(worst < s <= level for s in LEVELS), at, cap)
    bare = replace(track, overlay=Overlay.NONE, failing=failing, recovering=recovering)
    return track if bare == track else bare


def _advance(streaks: Streaks, hits: Sequence[bool], at: datetime, cap: int) -> Streaks:
    if not any(hits):
        return IDLE
    a, b, c = (_one(s, hit, at, cap) for s, hit in zip(streaks, hits, strict=True))
    return (a, b, c)


def _one(streak: Streak, hit: bool, at: datetime, cap: int) -> Streak:
    if not hit:
        return _NO_STREAK
    if streak.count >= cap:
        return streak
    return Streak(streak.count + 1, streak.began or at)


def _new_level(track: Track, reading: Reading, policy: Policy) -> int:
    """The level after this look: 0 for none, else the value of a Severity."""
    old, worst = _level(track.severity), _worst(reading)
    confirmed = max(_reached(track.failing, policy.confirm), _level(reading.settled))
    if confirmed >= old or worst >= old:
        return max(confirmed, old)
    need = 1 if track.settled else policy.recover
    if track.recovering[old - 1].count < need:
        return old
    fallen = max(_reached(track.failing, need), confirmed)
    # From critical: one look at error and one good one do not end an outage; that takes `need` good ones.
    if old > Severity.ERROR and track.recovering[Severity.ERROR - 1].count < need:
        fallen = max(fallen, int(Severity.ERROR))
    return fallen


def _reached(streaks: Streaks, need: int) -> int:
    """The highest level whose streak has at least ``need`` looks (one look is the least)."""
    for severity in reversed(LEVELS):
        if streaks[severity - 1].count >= max(need, 1):
            return int(severity)
    return 0


def _still_settled(track: Track, reading: Reading, policy: Policy, old: int, new: int) -> bool:
    """Does the level stand only on settled findings? Once looks in a row carried it, it does not."""
    if new == 0 or _worst(reading) < new:
        return track.settled and new == old
    if _level(reading.settled) < new:
        return False
    return track.settled or (new > old and track.failing[new - 1].count < max(policy.confirm, 2))


def _keep(track: Track, counted: Track, reading: Reading, policy: Policy, now: datetime) -> Step:
    """The level stands. An overlay of unknown is lifted, and an unconfirmed look is repeated."""
    reason, again = _pending(counted, reading, policy)
    lifted = _shift(track, counted, now, reason) if track.shown != counted.shown else None
    return Step(counted, lifted, reason, again)


def _move(track: Track, counted: Track, reading: Reading, policy: Policy, now: datetime, new: int) -> Step:
    """The level changes, or the first good look makes a new track up."""
    old = _level(track.severity)
    severity = Severity(new) if new else None
    health, rise = _HEALTH[severity], new > old
    began = _began(counted, reading, old, new)
    changed = health is not track.health
    reason = _moved_words(counted, reading, old, new)
    moved = replace(
        counted,
        health=health,
        severity=severity,
        since=began if changed else track.since,
        recovering=_upto(counted.recovering, new),
        flips=_flips(track, now) if changed else track.flips,
    )
    pending, again = _pending(moved, reading, policy)
    if again is not None:
        reason = f"{reason} {pending}"
    if not changed and not rise and track.overlay is Overlay.NONE:  # critical to error: still down
        return Step(moved, None, reason, again)
    transition = Transition(track.shown, moved.shown, health, severity, now, began, reason, rise)
    return Step(moved, transition, reason, again)


def _began(counted: Track, reading: Reading, old: int, new: int) -> datetime:
    if new > old:  # each level has its own beginning: degraded hours never back-date an outage
        return counted.failing[new - 1].began or reading.at
    if old == 0:
        return reading.at
    # Leaving down began with the first look below error, even where critical fell to error before.
    left = min(old, int(Severity.ERROR)) if new < Severity.ERROR else old
    return counted.recovering[left - 1].began or reading.at


def _upto(streaks: Streaks, level: int) -> Streaks:
    """Recovery streaks of the levels that still stand; the others are over."""
    if level == 0:
        return IDLE
    a, b, c = (s if i < level else _NO_STREAK for i, s in enumerate(streaks))
    return (a, b, c)


def _pending(track: Track, reading: Reading, policy: Policy) -> tuple[str, LookAgain | None]:
    """The reason when nothing is decided yet, and the look it asks for."""
    level, worst = _level(track.severity), _worst(reading)
    deadline = min(policy.timeout_s, RELOOK_DEADLINE_S)
    wait = f"{policy.relook_s:g} s"
    if worst > level:
        count = track.failing[worst - 1].count
        resolver = count % 2  # the other one first, then in turn
        which = "with another resolver" if resolver else "with the first resolver"
        said = f"{count} of {policy.confirm} looks failed; looking again in {wait} {which}"
        return said, LookAgain(policy.relook_s, deadline, resolver)
    if worst < level:
        count = track.recovering[level - 1].count
        # From critical the streak below critical may be complete while the one below error is not.
        said = f"{min(count, policy.recover)} of {policy.recover} looks were better; looking again in {wait}"
        return said, LookAgain(policy.relook_s, deadline, 0)
    if level == 0:
        return FINE, None
    return f"Still {track.health.value}: {reading.sentence or 'the look found the same trouble'}", None


def _moved_words(track: Track, reading: Reading, old: int, new: int) -> str:
    health = _HEALTH[Severity(new)].value
    if new > old:
        settled = _level(reading.settled) >= new and track.settled
        count = track.failing[new - 1].count
        looks = "1 look" if count == 1 else f"{count} looks in a row"
        how = "needs no second look" if settled else f"{looks} failed"
        said = f": {reading.sentence}" if reading.sentence else "."
        verb = "Now critical" if old >= Severity.ERROR else f"Now {health}"
        return f"{verb}; {how}{said}"
    if old == 0:
        return "The first look was good."
    count = track.recovering[old - 1].count
    return f"Now {health}; {'1 look was' if count == 1 else f'{count} looks in a row were'} better."


def _shift(track: Track, after: Track, now: datetime, reason: str) -> Transition:
    """A change of overlay alone."""
    return Transition(track.shown, after.shown, after.health, after.severity, now, now, reason, False)


def _level(severity: Severity | None) -> int:
    return 0 if severity is None else int(severity)


def _worst(reading: Reading) -> int:
    return max(_level(reading.severity), _level(reading.settled))


def _recent(flips: tuple[datetime, ...], now: datetime) -> tuple[datetime, ...]:
    return tuple(at for at in flips if now - at <= FLAP_WINDOW)


def _flips(track: Track, now: datetime) -> tuple[datetime, ...]:
    if track.health is Health.NEW:  # getting to know a monitor is not a flip
        return track.flips
    return (*_recent(track.flips, now), now)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _streaks(rows: Sequence[Sequence[Any]] | None) -> Streaks:
    if not rows or not any(row[0] for row in rows):
        return IDLE  # the very object: step's fast path compares by identity
    a, b, c = (Streak(int(row[0]), _time(row[1])) if row[0] else _NO_STREAK for row in rows)
    return (a, b, c)
