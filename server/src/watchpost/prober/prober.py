"""due -> probe -> report. No decisions.

A heap in memory holds what is due by the monotonic clock. The phase of a monitor is stable (a hash of
its id), late runs are skipped, never queued, and both the whole machine and a single host have limits.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from watchpost.core.cadence import first_due, is_overdue, next_due, phase_ms, places
from watchpost.core.types import Observation, Outcome, Phases
from watchpost.engine.memory import Watched
from watchpost.registry import Look

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
        self.wake = asyncio.Event()
        self.epoch = 0  # rises when looks under way must not count: a suspend, a clock jump

    def _now_ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def put_all(self, everything: Iterable[Watched]) -> None:
        """Take up what was not watched for a while: the overdue ones evenly spread, the oldest first."""
        now_ms, all_of_it = self._now_ms(), list(everything)
        place_of = places({w.id: w.last_at_ms for w in all_of_it if _waits(w) and _is_overdue(w, now_ms)})
        for watched in all_of_it:
            self.put(watched, place_of.get(watched.id))

    def put(self, watched: Watched, place: float | None = None) -> None:
        """Watch it, or take over its new configuration. A paused or broken one is not looked at."""
        entry = self.entries.get(watched.id)
        if entry is None:
            entry = self.entries[watched.id] = Entry(watched)
        entry.watched = watched
        if not _waits(watched):
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
        if entry is None or watched.paused or watched.config is None:
            return
        entry.resolver, entry.deadline_s = resolver, deadline_s
        self._push(entry, self._now_ms() + int(after_s * 1000))

    def _push(self, entry: Entry, due_ms: int) -> None:
        entry.turn += 1
        heapq.heappush(self.heap, (due_ms, entry.turn, entry.watched.id))
        self.wake.set()

    async def run(self) -> None:
        """Until cancelled: start what is due, then sleep to the next."""
        while True:
            self.wake.clear()
            wait_ms = self._start_due()
            try:
                await asyncio.wait_for(self.wake.wait(), wait_ms / 1000)
            except TimeoutError:
                continue

    def _start_due(self) -> float:
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
        if self.heap and len(self.tasks) < self.most:
            return min(max(self.heap[0][0] - now_ms, 1), 1000)
        return 1000 if not self.heap else 20

    def _start(self, entry: Entry, now_ms: int) -> None:
        host = entry.watched.target[0]
        if self.per_host.get(host, 0) >= self.most_per_host:
            self._wait_for_host(entry, host, now_ms)
            return
        self.per_host[host] = self.per_host.get(host, 0) + 1
        entry.running = True
        resolver, deadline_s = entry.resolver, entry.deadline_s
        entry.resolver, entry.deadline_s = 0, 0.0
        self._schedule_next(entry, now_ms)
        task = asyncio.create_task(self._look(entry, host, resolver, deadline_s))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

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
        self.wake.set()

    async def close(self) -> None:
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def _waits(watched: Watched) -> bool:
    """Whether it is to be looked at at all."""
    return not watched.paused and watched.config is not None and watched.kind.probe is not None


def _grid(watched: Watched) -> tuple[int, int]:
    interval_ms = int(watched.interval_s * 1000)
    return interval_ms, phase_ms(watched.id, interval_ms)


def _is_overdue(watched: Watched, now_ms: int) -> bool:
    return is_overdue(watched.last_at_ms, now_ms, *_grid(watched))
