"""The reporter inside a Celery worker: a thread of its main process, which no task and no pool can hold
up."""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from django_watchpost.celery.carrier import Carrier, Place, open_carrier
from django_watchpost.celery.report import EVERY_S, LEFT, RUNNING, STOPPING, WORKER, WorkerReport, plain
from django_watchpost.celery.tally import Glance, Tally
from django_watchpost.guard import guard

_GLANCE_S = 1.0
_LAST_S = 3.0  # the end of the worker waits this long for the last report


class Outlet:
    """Writes reports and keeps the way open between them; after a failure it is opened anew."""

    def __init__(self, place: Place, app: Any) -> None:
        self._place, self._app = place, app
        self._stack = ExitStack()
        self._carrier: Carrier | None = None

    def open(self) -> Carrier:
        if self._carrier is None:
            self._carrier = self._stack.enter_context(open_carrier(self._place, self._app))
        return self._carrier

    def write(self, name: str, data: dict[str, Any]) -> None:
        try:
            self.open().write(name, data)
        except BaseException:
            self.close()
            raise

    @guard(None)
    def close(self) -> None:
        self._carrier = None
        self._stack.close()


@dataclass(slots=True)
class _Stop:
    asked: float | None = None
    is_done: bool = False


class WorkerReporter:
    """Looks at the worker each second and reports every five. ``consumer``: Celery's, of this worker."""

    def __init__(self, consumer: Any, place: Place) -> None:
        from celery.worker import state

        self._consumer, self._state = consumer, state
        self._outlet = Outlet(place, consumer.app)
        self._tally = Tally(time.monotonic())
        self._wake = threading.Event()
        self._stop = _Stop()
        self._held = 0
        self._thread = threading.Thread(target=self._work, name="watchpost-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def say_stopping(self) -> None:
        """The worker takes no more tasks, and ends when those that run are done."""
        self._stop.asked = self._stop.asked or time.monotonic()
        self._wake.set()

    def say_left(self) -> None:
        """The worker ends."""
        self._stop.is_done = True
        self._wake.set()
        self._thread.join(_LAST_S)

    def _work(self) -> None:
        due = 0.0
        while True:
            self._look()
            is_last, is_told = self._stop.is_done, self._wake.is_set()
            self._wake.clear()
            if is_last or is_told or time.monotonic() >= due:
                due = time.monotonic() + EVERY_S
                self._report(is_last)
            if is_last:
                self._outlet.close()
                return
            self._wake.wait(_GLANCE_S)

    @guard(None)
    def _look(self) -> None:
        self._tally.look(self._glance(), time.monotonic())

    @guard(None)
    def _report(self, is_last: bool) -> None:
        report = self._made(time.monotonic(), is_last)
        self._outlet.write(WORKER + report.node, plain(report))

    def _made(self, now: float, is_last: bool) -> WorkerReport:
        tally, asked = self._tally, self._stop.asked
        task, oldest_s = tally.oldest(now)
        glance = self._glance()
        return WorkerReport(
            node=str(self._consumer.hostname),
            pid=os.getpid(),
            state=LEFT if is_last else STOPPING if asked is not None else RUNNING,
            queues=self._queues(),
            slots=glance.slots,
            running=len(glance.running),
            prefetched=len(glance.waiting),
            oldest_s=round(oldest_s, 1),
            oldest_task=task,
            longest_s=round(tally.longest.get(task, 0.0), 1),
            taken_s=round(now - tally.taken, 1),
            finished_s=round(now - tally.finished, 1),
            untaken_s=round(tally.untaken_s(now), 1),
            held=self._held,
            stopping_s=round(now - asked, 1) if asked is not None else 0.0,
            up_s=round(now - tally.began, 1),
        )

    def _glance(self) -> Glance:
        running = {one.id: str(one.name) for one in _steady(self._state.active_requests)}
        held = [one for one in _steady(self._state.reserved_requests) if one.id not in running]
        buckets = self._consumer.task_buckets
        waiting = [one.id for one in held if not buckets.get(one.name)]
        self._held = len(held) - len(waiting)  # by a rate limit, on purpose
        return Glance(self._state.all_total_count[0], running, waiting, self._slots())

    def _slots(self) -> int:
        pool = getattr(self._consumer, "pool", None)
        return int(getattr(pool, "num_processes", None) or getattr(pool, "limit", None) or 1)

    def _queues(self) -> tuple[str, ...]:
        consumer = getattr(self._consumer, "task_consumer", None)
        return tuple(sorted(str(one.name) for one in getattr(consumer, "queues", ())))


def _steady(requests: Any) -> list[Any]:
    """The main thread changes the set meanwhile; it is small."""
    for _ in range(10):
        try:
            return list(requests)
        except RuntimeError:
            continue
    return []
