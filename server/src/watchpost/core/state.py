"""One track's state machine: a look goes in; state, reason and what to look at next come out.

A track is one (monitor, location, part). Its confirmed severity is the *level*; health follows
from it. Levels rise after ``confirm`` looks in a row, fall after ``recover`` looks in a row, and
nothing counts while an overlay hides the track. All times are aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from watchpost.core.track import (
    IDLE,
    NO_STREAK,
    Fault,
    LookAgain,
    Policy,
    Reading,
    Step,
    Streak,
    Streaks,
    Track,
    Transition,
    recent_flips,
)
from watchpost.core.types import Health, Overlay, Severity

__all__ = [
    "Fault",
    "LookAgain",
    "Policy",
    "Reading",
    "Step",
    "Streak",
    "Track",
    "Transition",
    "cover",
    "step",
    "uncover",
]


RELOOK_DEADLINE_S = 5.0

FINE = "All is well."
PAUSED = "Paused; nothing changes."
IN_MAINTENANCE = "In maintenance; nothing changes."

LEVELS = (Severity.WARNING, Severity.ERROR, Severity.CRITICAL)
_PRIORITY = {Overlay.NONE: 0, Overlay.UNKNOWN: 1, Overlay.MAINTENANCE: 2, Overlay.PAUSED: 3}
_HEALTH = {
    None: Health.UP,
    Severity.INFO: Health.UP,
    Severity.WARNING: Health.DEGRADED,
    Severity.ERROR: Health.DOWN,
    Severity.CRITICAL: Health.DOWN,
}


def step(track: Track, reading: Reading, policy: Policy, fault: Fault | None, now: datetime) -> Step:
    """Apply one look."""
    if (  # the common case comes first: it runs for every look of every healthy monitor
        reading.severity is None
        and track.health is Health.UP
        and track.overlay is Overlay.NONE
        and track.failing is IDLE
        and track.hidden is IDLE
        and reading.conclusive
        and reading.settled is None
    ):
        return Step(track, None, FINE, None)
    if track.overlay is Overlay.PAUSED:
        return Step(track, None, PAUSED, None)
    if track.overlay is Overlay.MAINTENANCE:
        return Step(_seen_inside(track, reading, fault), None, IN_MAINTENANCE, None)
    if not reading.conclusive:
        note = reading.note or "no reason was given"
        said = f"The {policy.noun} was inconclusive and changes nothing" if policy.asks else "Nothing changes"
        return Step(track, None, f"{said}: {note}", None)
    if fault is not None and _worst(reading) > 0:
        return _own_fault(track, fault, policy, now)
    return _count(track, reading, policy, now)


def cover(track: Track, overlay: Overlay, reason: str, now: datetime) -> Step:
    """Lay an overlay over the track. A weaker one than the present changes nothing.

    Only one overlay is kept: after ``uncover`` the caller covers again if another still applies.
    """
    if _PRIORITY[overlay] <= _PRIORITY[track.overlay]:
        return Step(track, None, f"Stays {track.shown}; {overlay.value or 'no overlay'} is weaker.", None)
    covered = replace(track, overlay=overlay, covered=now)
    if overlay is Overlay.PAUSED and track.hidden is not IDLE:  # from here on nobody looks
        covered = replace(covered, hidden=IDLE)
    return Step(covered, _shift(track, covered, now, reason), reason, None)


def uncover(track: Track, reason: str, now: datetime, asks: bool = True) -> Step:
    """Take the overlay away. After maintenance it is looked at at once: much may have changed. Down is said
    again; what began to fail inside keeps that beginning when it is confirmed. ``asks`` as of ``Policy``."""
    if track.overlay is Overlay.NONE:
        return Step(track, None, "Nothing hid the state; nothing changes.", None)
    bare = replace(track, overlay=Overlay.NONE, covered=None)
    again = LookAgain(0.0, 0.0, 0) if track.overlay is Overlay.MAINTENANCE else None
    if track.health is Health.DOWN and track.overlay is Overlay.MAINTENANCE:
        since = f" since {track.since:%Y-%m-%d %H:%M:%S} UTC" if track.since else ""
        again_words = "; looking again at once" if asks else "."
        reason = f"{reason.rstrip('.')}; it is still down{since}{again_words}"
        again = LookAgain(0.0, RELOOK_DEADLINE_S, 0)
    return Step(bare, _shift(track, bare, now, reason), reason, again)


def _seen_inside(track: Track, reading: Reading, fault: Fault | None) -> Track:
    """A window hides this look; all that is kept of it is since when looks have failed without a good one."""
    worst = _worst(reading)
    if not reading.conclusive or (fault is not None and worst > 0):
        return track
    hidden = _advance(track.hidden, tuple(worst >= s for s in LEVELS), reading.at, 1)
    return track if hidden is track.hidden else replace(track, hidden=hidden)


def _own_fault(track: Track, fault: Fault, policy: Policy, now: datetime) -> Step:
    """A failure with evidence against ourselves: unknown, said once, streaks frozen."""
    reason = f"The {policy.noun} failed, but the fault may be ours: {fault.sentence}"
    if track.overlay is Overlay.UNKNOWN:
        return Step(track, None, reason, None)
    covered = replace(track, overlay=Overlay.UNKNOWN, covered=now)
    return Step(covered, _shift(track, covered, now, reason), reason, None)


def _count(track: Track, reading: Reading, policy: Policy, now: datetime) -> Step:
    """The slow path: count the look, find the level, say what follows."""
    counted = _counted(track, reading, policy)
    firm = _new_firm(counted, reading, policy)
    if firm != _level(track.firm):
        counted = replace(counted, firm=Severity(firm) if firm else None)
    old, new = _level(track.severity), max(firm, _level(reading.settled))
    if track.settled:  # the settled finding went, but a look as bad is no recovery: the streak goes on
        new = max(new, min(_worst(reading), old))
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
    if track.hidden is not IDLE:
        failing = _since(failing, track.hidden)
    level = _level(track.severity)
    recovering = _advance(track.recovering, tuple(worst < s <= level for s in LEVELS), at, cap)
    same = failing is track.failing and recovering is track.recovering and track.hidden is IDLE
    if same and track.overlay is Overlay.NONE:
        return track
    return replace(
        track, overlay=Overlay.NONE, covered=None, failing=failing, recovering=recovering, hidden=IDLE
    )


def _since(failing: Streaks, hidden: Streaks) -> Streaks:
    """What counts from now on began when it was first seen inside the window."""
    a, b, c = (_earlier(*pair) for pair in zip(failing, hidden, strict=True))
    return (a, b, c)


def _earlier(streak: Streak, inside: Streak) -> Streak:
    if streak.began is None or inside.began is None or streak.began <= inside.began:
        return streak
    return Streak(streak.count, inside.began)


def _advance(streaks: Streaks, hits: Sequence[bool], at: datetime, cap: int) -> Streaks:
    if not any(hits):
        return IDLE
    a, b, c = streaks
    after = (_one(a, hits[0], at, cap), _one(b, hits[1], at, cap), _one(c, hits[2], at, cap))
    same = after[0] is a and after[1] is b and after[2] is c
    return streaks if same else after  # a steady track stays the very object: nothing to write


def _one(streak: Streak, hit: bool, at: datetime, cap: int) -> Streak:
    if not hit:
        return NO_STREAK
    if streak.count >= cap:
        return streak
    return Streak(streak.count + 1, streak.began or at)


def _new_firm(track: Track, reading: Reading, policy: Policy) -> int:
    """The level that looks in a row confirm: 0 for none, else the value of a Severity."""
    old, settled = _level(track.firm), _level(reading.settled)
    confirmed = _reached(track.failing, policy.confirm, settled)
    if confirmed >= old:
        return confirmed
    need = max(policy.recover, 1)
    if track.recovering[old - 1].count < need:
        return old
    fallen = max(_reached(track.failing, need, settled), confirmed)
    # From critical: one look at error and one good one do not end an outage; that takes `need` good ones.
    if old > Severity.ERROR and track.recovering[Severity.ERROR - 1].count < need:
        fallen = max(fallen, int(Severity.ERROR))
    return fallen


def _reached(streaks: Streaks, need: int, above: int) -> int:
    """The highest level above ``above`` whose streak has ``need`` looks (one look is the least).

    What this look reached by a settled finding confirms nothing: it stands by itself, and only
    while it lasts.
    """
    for severity in reversed(LEVELS):
        if severity > above and streaks[severity - 1].count >= max(need, 1):
            return int(severity)
    return 0


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
    reason = _moved_words(counted, reading, policy, old, new)
    moved = replace(
        counted,
        health=health,
        severity=severity,
        since=began if changed else track.since,
        recovering=counted.recovering if new else IDLE,
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


def _pending(track: Track, reading: Reading, policy: Policy) -> tuple[str, LookAgain | None]:
    """The reason when nothing is decided yet, and the look it asks for."""
    level, worst = _level(track.severity), _worst(reading)
    deadline = min(policy.timeout_s, RELOOK_DEADLINE_S)
    wait, many = f"{policy.relook_s:g} s", f"{policy.noun}s"
    if worst > level:
        count = track.failing[worst - 1].count
        resolver = count % 2  # the other one first, then in turn
        which = "with another resolver" if resolver else "with the first resolver"
        said = f"{count} of {policy.confirm} {many} failed; looking again in {wait} {which}"
        return said, LookAgain(policy.relook_s, deadline, resolver)
    if worst < level:
        count = track.recovering[level - 1].count
        # From critical the streak below critical may be complete while the one below error is not.
        said = f"{min(count, policy.recover)} of {policy.recover} {many} were better; looking again in {wait}"
        return said, LookAgain(policy.relook_s, deadline, 0)
    if level == 0:
        return FINE, None
    return (
        f"Still {track.health.value}: {reading.sentence or f'the {policy.noun} found the same trouble'}",
        None,
    )


def _moved_words(track: Track, reading: Reading, policy: Policy, old: int, new: int) -> str:
    health, noun = _HEALTH[Severity(new)].value, policy.noun
    if new > old:
        count = track.failing[new - 1].count
        looks = f"1 {noun}" if count == 1 else f"{count} {noun}s in a row"
        how = f"; needs no second {noun}" if _level(reading.settled) >= new else f"; {looks} failed"
        said = f": {reading.sentence}" if reading.sentence else "."
        verb = "Now critical" if old >= Severity.ERROR else f"Now {health}"
        return f"{verb}{how if policy.asks else ''}{said}"
    if old == 0:
        return f"The first {noun} was good."
    if new >= Severity.ERROR:
        return "Still down, but no longer critical."
    if not policy.asks:
        return f"Now {health}; the last {noun} was {'better' if new else 'good'}."
    count = track.recovering[old - 1].count
    return f"Now {health}; {f'1 {noun} was' if count == 1 else f'{count} {noun}s in a row were'} better."


def _shift(track: Track, after: Track, now: datetime, reason: str) -> Transition:
    """A change of overlay alone."""
    return Transition(track.shown, after.shown, after.health, after.severity, now, now, reason, False)


def _level(severity: Severity | None) -> int:
    return 0 if severity is None else int(severity)


def _worst(reading: Reading) -> int:
    return max(_level(reading.severity), _level(reading.settled))


def _flips(track: Track, now: datetime) -> tuple[datetime, ...]:
    if track.health is Health.NEW:  # getting to know a monitor is not a flip
        return track.flips
    return (*recent_flips(track.flips, now), now)
