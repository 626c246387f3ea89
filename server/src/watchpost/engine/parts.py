"""The parts of a monitor, each with a track of its own: inner health checks, families of addresses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from watchpost.codes import severity_of
from watchpost.core.state import Fault, Reading, Track, Transition, step
from watchpost.core.types import Observation, Severity, Verdict
from watchpost.engine.memory import Watched

# A part that is missing in so many looks in a row is gone. Behind a load balancer an old and a new version
# may answer in turn while a deploy runs.
MOST_ABSENT = 10


@dataclass(frozen=True, slots=True)
class Stepped:
    """Whether any track changed, and which changes are worth a row, by the key of the track."""

    changed: bool = False
    moved: tuple[tuple[str, Transition], ...] = ()


NOTHING = Stepped()


def step_parts(
    watched: Watched, verdict: Verdict, seen: Observation, fault: Fault | None, now: datetime
) -> Stepped:
    """Steps each part that the look says something of. Those it does not decide stay as they were; those it
    no longer names are forgotten in time."""
    if not verdict.parts and not verdict.undecided:
        return NOTHING
    said = {f.subject: f.sentence for f in verdict.findings if severity_of(f) > Severity.INFO}
    changed, moved = False, []
    for part, severity in verdict.parts.items():
        key = f"{seen.location}|{part}"
        before = watched.parts.get(key, Track())
        reading = Reading(seen.at, severity, sentence=said.get(part, ""))
        done = step(before, reading, watched.policy, fault, now)
        if done.track is not before:
            watched.parts[key] = done.track
            changed = True
        if done.transition is not None:
            moved.append((key, done.transition))
    gone = _forget_absent(watched, verdict, seen.location)
    return Stepped(changed or gone, tuple(moved)) if changed or gone else NOTHING


def _forget_absent(watched: Watched, verdict: Verdict, location: str) -> bool:
    here = {f"{location}|{part}" for part in (*verdict.parts, *verdict.undecided)}
    if watched.parts.keys() <= here:
        watched.absent.clear()
        return False
    forgotten = False
    for key in [key for key in watched.parts if key.startswith(f"{location}|")]:
        if key in here:
            watched.absent.pop(key, None)
            continue
        watched.absent[key] = watched.absent.get(key, 0) + 1
        if watched.absent[key] >= MOST_ABSENT:
            del watched.parts[key], watched.absent[key]
            forgotten = True
    return forgotten
