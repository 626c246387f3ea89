"""Heartbeats in the engine: what pings changed, and silence at its deadline.

1. A change of topic ``beat`` names heartbeats with news: their flips that nobody handled are judged in order,
   then how they are now; a flip is handled in the transaction that stores what came of it.
2. A heap knows when silence must be judged. What is due is read again first: a ping may have moved it.
3. Time in which this server was away is added to a deadline that fell into it.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from watchpost.core.heartbeat import absence_s
from watchpost.core.types import Observation, Outcome, Phases
from watchpost.engine import load
from watchpost.engine.apply import Also
from watchpost.engine.memory import Watched
from watchpost.heartbeats import rows
from watchpost.heartbeats.models import Flip
from watchpost.heartbeats.store import Timeout, note_timeouts
from watchpost.kinds.heartbeat.facts import beat_of

if TYPE_CHECKING:
    from watchpost.engine.engine import Engine

MOST_AT_ONCE = 500
AGAIN_S = 1.0
PATIENCE_S = 300.0  # for a job that failed with what it depends on: its next run may come by itself
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Heard:
    """What was read at once: heartbeats, and when this server was away."""

    told: tuple[rows.Told, ...]
    gaps: tuple[tuple[datetime, datetime], ...]


def read(ids: list[int], now: datetime) -> Heard:
    """In the database thread."""
    return Heard(tuple(rows.tell(ids)), load.away_between(now))


def _handle(flips: Sequence[int]) -> None:
    """The same."""
    Flip.objects.filter(pk__in=flips).update(handled=True)


class Signals:
    """Owns the deadlines. On the loop."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.heap: list[tuple[float, int]] = []
        self.due: dict[int, float] = {}  # the entry of the heap that counts
        self.fed: set[int] = set()  # flips on their way to the database
        self.also: list[Also] = []

    async def hear(self, ids: Iterable[int]) -> None:
        """Judge what is new of these, and know when to judge them again."""
        wanted = [one for one in ids if self._is_signal(one)]
        for start in range(0, len(wanted), MOST_AT_ONCE):
            part = wanted[start : start + MOST_AT_ONCE]
            try:
                heard: Heard = await self.engine.call(read, part, self.engine.now())
            except DatabaseError as error:  # nothing is forgotten: it is asked again in a moment
                log.error("heartbeats could not be read: %s", error)
                for one in part:
                    self._await(one, self.engine.now().timestamp() + AGAIN_S)
                continue
            for told in heard.told:
                watched = self.engine.watched.get(told.monitor_id)
                if watched is not None and watched.config is not None:
                    self._take(watched, told, heard)

    async def mind(self) -> None:
        """Whatever is due by now."""
        now_s = self.engine.now().timestamp()
        ripe: list[int] = []
        while self.heap and self.heap[0][0] <= now_s:
            at_s, monitor_id = heapq.heappop(self.heap)
            if self.due.get(monitor_id) == at_s:
                del self.due[monitor_id]
                ripe.append(monitor_id)
        if ripe:
            await self.hear(ripe)

    def soon(self, watched: Watched, after_s: float = 0.0) -> None:
        """Judge it at the next tick, or so much later, whatever was known."""
        if watched.kind.feed == "signal":
            at_s = self.engine.now().timestamp() + after_s
            self._await(watched.id, min(at_s, self.due.get(watched.id, at_s)))

    def forget(self, monitor_id: int) -> None:
        """Its deadline, and what belongs to a verdict that waited: let go uncounted, it is fed again."""
        self.due.pop(monitor_id, None)
        self.stored(one for one in self.also if one.monitor_id == monitor_id)
        self.also = [one for one in self.also if one.monitor_id != monitor_id]

    def stored(self, also: Iterable[Also]) -> None:
        """A flip whose monitor lost its swap is unhandled still, and is fed again when that is reloaded."""
        self.fed -= {one.what for one in also if one.do is _handle}

    def take(self) -> list[Also]:
        """What may be stored now. What belongs to a verdict that waits for its parents waits with it: handled
        before it counts, a flip would be lost with the process."""
        waits = self.engine.waiting.held
        taken = [one for one in self.also if one.monitor_id not in waits]
        self.also = [one for one in self.also if one.monitor_id in waits]
        return taken

    def _is_signal(self, monitor_id: int) -> bool:
        watched = self.engine.watched.get(monitor_id)
        return watched is not None and watched.kind.feed == "signal" and not watched.paused

    def _take(self, watched: Watched, told: rows.Told, heard: Heard) -> None:
        for flip, at, facts in told.flips:
            if flip not in self.fed:
                self.fed.add(flip)
                self._judge(watched, facts, at)
                self.also.append(Also(watched.id, _handle, flip))
        now = self.engine.now()
        facts = self._with_absence(watched, told.facts, heard)
        due = watched.kind.due(watched.config, facts, now)
        self._judge(watched, facts, now)
        if due is not None and due <= now:
            status = str(facts.get("status", ""))
            self.also.append(Also(watched.id, note_timeouts, Timeout(watched.id, due, status, told.facts)))
        elif due is not None:
            self._await(watched.id, due.timestamp())

    def _await(self, monitor_id: int, at_s: float) -> None:
        self.due[monitor_id] = at_s
        heapq.heappush(self.heap, (at_s, monitor_id))

    def _with_absence(self, watched: Watched, facts: Mapping[str, Any], heard: Heard) -> dict[str, Any]:
        """How much of its time this server was away, when there was any."""
        added = absence_s(watched.config.rules, beat_of(facts), heard.gaps)
        return {**facts, "away_s": added} if added else dict(facts)

    def _judge(self, watched: Watched, facts: Mapping[str, Any], at: datetime) -> None:
        engine = self.engine
        seen = Observation(
            watched.id, engine.prober.location, at, watched.revision, Outcome.OK, Phases(), 0.0, "", facts
        )
        engine.figures["looks"] += 1
        verdict = engine.digest.judge(watched, seen, at)
        engine.waiting.take(watched, seen, verdict, 0.0)
