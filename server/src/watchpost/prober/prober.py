"""due -> probe -> report. No decisions.

A heap in memory holds what is due by the monotonic clock. The phase of a monitor is stable (a hash of
its id), late runs are skipped, never queued, and both the whole machine and a single host have limits.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from watchpost.core.cadence import first_due, is_overdue, next_due, phase_ms, places
from watchpost.core.types import Observation, Outcome, Phases
from watchpost.engine.memory import Watched
from watchpost.registry import ANEW, Look

log = logging.getLogger(__name__)
GRID_MS = 20
MOST_ASLEEP_MS = 1000
NEVER_MS = 1 << 62
Report = Callable[[Watched, Observation], None]


@dataclass(slots=True)
class Lag:
    """How late looks began, in seconds; what /metrics shows."""

    recent: deque[float] = field(default_factory=lambda: deque(maxlen=5000))
    skipped: int = 0


@dataclass(slots=True)
class Entry:
    """One monitor's place in the schedule; ``turn`` outdates older heap entries."""

    watched: Watched
    turn: int = 0
    running: bool = False
    resolver: int = 0
    deadline_s: float = 0.0
    interval_ms: int = 0
    phase_ms: int = 0


class Prober:
    """Looks at what is due and reports what was seen."""

    def __init__(
        self,
        outbound: Any,
        report: Report,
        now: Callable[[], datetime],
        location: str,
        most: int,
        most_per_host: int,
    ) -> None:
        self.outbound = outbound
        self.report = report
        self.now = now
        self.location = location
        self.most = most
        self.most_per_host = most_per_host
        self.entries: dict[int, Entry] = {}
        self.heap: list[tuple[int, int, int]] = []  # (due ms, turn, monitor id)
        self.per_host: dict[str, int] = {}
        self.waiting: dict[str, deque[int]] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.lag = Lag()
        self.ended: asyncio.Future[None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.wakes_ms = NEVER_MS
        self.epoch = 0  # rises when looks under way must not count: a suspend, a clock jump

    def _now_ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def put_all(self, everything: Iterable[Watched]) -> None:
        """Take up what was not watched for a while: the overdue ones evenly spread, the oldest first."""
        now_ms, all_of_it = self._now_ms(), list(everything)
        place_of = places(
            {w.id: w.last_at_ms for w in all_of_it if w.is_looked_at and _is_overdue(w, now_ms)}
        )
        for watched in all_of_it:
            self.put(watched, place_of.get(watched.id))

    def put(self, watched: Watched, place: float | None = None) -> None:
        """Watch it, or take over its new configuration. A paused or broken one is not looked at."""
        entry = self.entries.get(watched.id)
        if entry is None:
            entry = self.entries[watched.id] = Entry(watched)
        entry.watched = watched
        if not watched.is_looked_at:
            entry.turn += 1
            return
        entry.interval_ms, entry.phase_ms = _grid(watched)
        due = first_due(watched.last_at_ms, self._now_ms(), entry.interval_ms, entry.phase_ms, place)
        self._push(entry, due)

    def drop(self, monitor_id: int) -> None:
        self.entries.pop(monitor_id, None)

    def look_soon(self, watched: Watched, after_s: float, deadline_s: float = 0.0, resolver: int = 0) -> None:
        """Look off-schedule; the regular phase stays as it was."""
        entry = self.entries.get(watched.id)
        if entry is None or not watched.is_looked_at:
            return
        entry.resolver, entry.deadline_s = resolver, deadline_s
        self._push(entry, self._now_ms() + int(after_s * 1000))

    def _push(self, entry: Entry, due_ms: int) -> None:
        entry.turn += 1
        heapq.heappush(self.heap, (due_ms, entry.turn, entry.watched.id))
        if due_ms < self.wakes_ms:
            self._arm()

    async def run(self) -> None:
        """Until cancelled. A timer, not this task, starts what is due: a task's turn for every look would
        cost as much as judging it."""
        self.ended = asyncio.get_running_loop().create_future()
        self._arm()
        try:
            await self.ended
        finally:
            self._disarm()
            self.ended = None

    def _arm(self) -> None:
        """Wake when the next look is due, on a grid of 20 ms, so that neighbours share one waking; at the
        latest in a second, for the wall clock may jump. Nothing while all places are taken: an ending
        look arms again."""
        self._disarm()
        if self.ended is None or not self.heap or len(self.tasks) >= self.most:
            return
        now_ms = self._now_ms()
        self.wakes_ms = -(-max(self.heap[0][0], now_ms) // GRID_MS) * GRID_MS
        wait_s = min(self.wakes_ms - now_ms, MOST_ASLEEP_MS) / 1000
        self.timer = asyncio.get_running_loop().call_later(wait_s, self._wake)

    def _disarm(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.timer, self.wakes_ms = None, NEVER_MS

    def _wake(self) -> None:
        try:
            self.wakes_ms = 0  # what is pushed meanwhile need not arm: that comes at the end
            self._start_due()
            self._arm()
        except Exception as error:  # noqa: BLE001  a timer has nobody else to tell
            if self.ended is not None and not self.ended.done():
                self.ended.set_exception(error)

    def _start_due(self) -> None:
        now_ms = self._now_ms()
        while self.heap and self.heap[0][0] <= now_ms and len(self.tasks) < self.most:
            due, turn, monitor_id = heapq.heappop(self.heap)
            entry = self.entries.get(monitor_id)
            if entry is None or entry.turn != turn:
                continue
            if entry.running:  # the last look is not over: skip this one, never queue
                self.lag.skipped += 1
                self._schedule_next(entry, now_ms)
                continue
            self.lag.recent.append((now_ms - due) / 1000)
            self._start(entry, now_ms)

    def _start(self, entry: Entry, now_ms: int) -> None:
        host = entry.watched.target[0]
        if self.per_host.get(host, 0) >= self.most_per_host:
            self._wait_for_host(entry, host, now_ms)
            return
        self.per_host[host] = self.per_host.get(host, 0) + 1
        entry.running = True
        anew = _first_of(entry.watched)
        resolver, deadline_s = entry.resolver or anew, entry.deadline_s
        entry.resolver, entry.deadline_s = 0, 0.0
        self._schedule_next(entry, now_ms)
        task = asyncio.create_task(self._look(entry, host, resolver, deadline_s))
        self.tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        was_full = len(self.tasks) >= self.most
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a look could not be dealt with", exc_info=error)
        if was_full:
            self._arm()

    def _wait_for_host(self, entry: Entry, host: str, now_ms: int) -> None:
        line = self.waiting.setdefault(host, deque())
        if entry.watched.id not in line:
            line.append(entry.watched.id)
        self._schedule_next(entry, now_ms)

    def _schedule_next(self, entry: Entry, now_ms: int) -> None:
        self._push(entry, next_due(now_ms, entry.interval_ms, entry.phase_ms))

    async def _look(self, entry: Entry, host: str, resolver: int, deadline_s: float) -> None:
        watched, epoch, at = entry.watched, self.epoch, self.now()
        deadline = min(deadline_s or watched.timeout_s, watched.timeout_s)
        look = Look(watched.id, watched.revision, watched.config, deadline, self.location, resolver)
        try:
            seen = await self._probe(watched, look, at)
        finally:
            entry.running = False
            self._leave(host)
        if epoch == self.epoch and self.entries.get(watched.id) is entry:
            self.report(entry.watched, seen)

    async def _probe(self, watched: Watched, look: Look, at: datetime) -> Observation:
        """The probe's observation. A probe that breaks its promise and raises is our fault."""
        assert watched.kind.probe is not None  # noqa: S101  put() lets no other in
        try:
            return await watched.kind.probe(look, self.outbound, at)
        except Exception as error:  # noqa: BLE001  the outermost shell of a look
            return Observation(
                look.monitor_id, look.location, at, look.revision, Outcome.CANCELLED, Phases(), 0.0, "",
                {"our_error": repr(error)[:300]},
            )  # fmt: skip

    def _leave(self, host: str) -> None:
        left = self.per_host[host] - 1
        if left:
            self.per_host[host] = left
        else:
            del self.per_host[host]
        line = self.waiting.get(host)
        while line:
            entry = self.entries.get(line.popleft())
            if entry is not None and not entry.running and not entry.watched.paused:
                self._start(entry, self._now_ms())
                break
        if line is not None and not line:
            self.waiting.pop(host, None)

    async def close(self) -> None:
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def _first_of(watched: Watched) -> int:
    """In trouble, and once more after it, everything is found out anew: a record that is gone, or back, must
    not wait until a cache forgets."""
    troubled, was = watched.is_troubled, watched.anew
    watched.anew = troubled
    return ANEW if troubled or was else 0


def _grid(watched: Watched) -> tuple[int, int]:
    interval_ms = int(watched.interval_s * 1000)
    return interval_ms, phase_ms(watched.id, interval_ms)


def _is_overdue(watched: Watched, now_ms: int) -> bool:
    return is_overdue(watched.last_at_ms, now_ms, *_grid(watched))
