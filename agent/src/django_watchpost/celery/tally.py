"""What a worker does, told from looks at its own lists once a second: nothing is hooked into the way of a
task."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

_MOST_NAMES = 500


@dataclass(frozen=True, slots=True)
class Glance:
    """A worker at one moment: how many tasks it has begun since its start, those that run (id to name),
    those that wait in its memory and could begin, and how many slots it has."""

    begun: int
    running: Mapping[str, str]
    waiting: Collection[str]
    slots: int


@dataclass(slots=True)
class Tally:
    """Keeps since when. All times are on one monotonic clock; ``began``: when the worker was ready."""

    began: float
    taken: float = 0.0
    finished: float = 0.0
    running: dict[str, tuple[str, float]] = field(default_factory=dict)
    untaken: dict[str, float] = field(default_factory=dict)
    longest: dict[str, float] = field(default_factory=dict)
    _begun: int = 0
    _ended: int = 0

    def __post_init__(self) -> None:
        self.taken = self.finished = self.began

    def look(self, glance: Glance, now: float) -> None:
        ended = glance.begun - len(glance.running)
        if glance.begun > self._begun:
            self.taken = now
        if ended > self._ended:
            self.finished = now
        self._begun, self._ended = glance.begun, ended
        self._end(glance, now)
        for one, name in glance.running.items():
            self.running.setdefault(one, (name, now))
        is_free = len(glance.running) < glance.slots
        waits = [one for one in glance.waiting if one not in self.running] if is_free else []
        self.untaken = {one: self.untaken.get(one, now) for one in waits}

    def oldest(self, now: float) -> tuple[str, float]:
        """The task that runs longest, and seconds; empty when none runs."""
        name, since = min(self.running.values(), key=lambda one: one[1], default=("", now))
        return name, now - since

    def untaken_s(self, now: float) -> float:
        return now - min(self.untaken.values(), default=now)

    def _end(self, glance: Glance, now: float) -> None:
        for one in [one for one in self.running if one not in glance.running]:
            name, since = self.running.pop(one)
            if name in self.longest or len(self.longest) < _MOST_NAMES:
                self.longest[name] = max(self.longest.get(name, 0.0), now - since)
