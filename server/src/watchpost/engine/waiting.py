"""Verdicts that wait until the parents of their monitor have answered; never longer than a bounded time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from watchpost.core import family as core
from watchpost.core.state import Fault, step
from watchpost.core.types import Health, Observation, Severity, Verdict
from watchpost.engine.digest import read
from watchpost.engine.family import Family
from watchpost.engine.memory import Watched

Count = Callable[[Watched, Observation, Verdict, float, str], None]
Blame = Callable[[Watched, Observation], Fault | None]


@dataclass(slots=True)
class Held:
    """What was seen of one child since its parents were asked, in order."""

    watched: Watched
    since: datetime  # of the child's failing
    began: datetime  # of the waiting
    stale_s: float  # how old what a parent says of itself may be
    looks: list[tuple[Observation, Verdict, float]] = field(default_factory=list)
    asked: list[Watched] = field(default_factory=list)  # the parents that owe an answer


class Waiting:
    """``count`` takes a look on its way when nothing holds it any more: how long it was held (seconds), and
    what is to be said of that."""

    def __init__(self, family: Family, count: Count, blame: Blame, now: Callable[[], datetime]) -> None:
        self.family = family
        self.count = count
        self.blame = blame
        self.now = now
        self.held: dict[int, Held] = {}

    def take(self, watched: Watched, seen: Observation, verdict: Verdict, held_s: float) -> None:
        """Count a look, or hold it: an outage is counted only when no parent owes an answer."""
        waiting = self.held.get(watched.id)
        if waiting is not None:
            waiting.looks.append((seen, verdict, held_s))
        elif self._must_wait(watched, seen, verdict):
            since = core.began(watched.track, seen.at)
            looks = [(seen, verdict, held_s)]
            self.held[watched.id] = Held(watched, since, self.now(), _stale_s(watched, seen), looks)
        else:
            self.count(watched, seen, verdict, held_s, "")

    def _must_wait(self, watched: Watched, seen: Observation, verdict: Verdict) -> bool:
        """Whether this look would bring the monitor down while a parent owes an answer. The first look that
        fails asks the parents already, so that they answer while the second one is made."""
        if not verdict.findings or watched.track.health is Health.DOWN:
            return False
        reading = read(verdict, seen)
        if max(reading.severity or 0, reading.settled or 0) < Severity.ERROR or not reading.conclusive:
            return False
        asked = self.family.open_questions(
            watched, core.began(watched.track, seen.at), _stale_s(watched, seen)
        )
        if not asked:
            return False
        self.family.ask(asked)
        done = step(watched.track, reading, watched.policy, self.blame(watched, seen), self.now())
        return done.track.health is Health.DOWN

    def release(self) -> None:
        """Let go of whoever has its answers, and of whoever waited too long. Parents before their children: a
        parent that is let go may be the answer of another."""
        moved = bool(self.held)
        while moved:
            moved = any([self._try(held) for held in list(self.held.values())])
        owing = {parent.id: parent for held in self.held.values() for parent in held.asked}
        self.family.ask(owing.values())  # each once, however many wait for it

    def _try(self, held: Held) -> bool:
        asked = self.family.open_questions(held.watched, held.since, held.stale_s)
        late = self.now() - held.began >= timedelta(seconds=core.HOLD_S)
        if asked and not late:
            held.asked = asked
            return False
        del self.held[held.watched.id]
        waited_s = (self.now() - held.began).total_seconds()
        said = f"its parents were asked first, which took {waited_s:.1f} s" if waited_s >= 0.1 else ""
        if asked:
            names = core.listed([parent.name for parent in asked])
            said = f"it waited {waited_s:.0f} s, but {names} gave no answer"
        if self.family.watched.get(held.watched.id) is held.watched:
            for seen, verdict, held_s in held.looks:
                self.count(held.watched, seen, verdict, held_s, said)
        return True

    def forget(self, monitor_id: int) -> None:
        self.held.pop(monitor_id, None)


def _stale_s(watched: Watched, seen: Observation) -> float:
    """What reports by itself does so in the moment in which it fails, while a health endpoint may still tell
    of its last good check. Silence is older: whatever caused it, a grace ago, is known by now."""
    if watched.kind.feed != "signal":
        return 0.0
    due = watched.kind.due(watched.config, seen.facts, seen.at)
    return 0.0 if due is not None and due <= seen.at else core.STALE_S
