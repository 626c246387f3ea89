"""The reporter inside Beat: says when it last ticked, and adds an entry to the schedule that workers run.

The entry is added to Celery's own schedulers alone: others keep theirs in the application's database,
which the agent never writes. And only while a worker with the agent consumes the default queue: another
would not know the task, and where nobody consumes, entries would pile up.
"""

from __future__ import annotations

import atexit
import os
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any

from django_watchpost.celery.application import default_queue
from django_watchpost.celery.carrier import Place
from django_watchpost.celery.report import BEAT, EVERY_S, LEFT, RUNNING, BeatReport, plain, sort_out
from django_watchpost.celery.tasks import EVERY_S as ENTRY_EVERY_S
from django_watchpost.celery.tasks import EXPIRES_S, TASK
from django_watchpost.celery.worker import Outlet
from django_watchpost.guard import guard

_LONGEST_SLEEP_S = (
    30.0  # Beat sleeps for minutes when nothing is due; then nobody could tell it from a dead one
)
_GIVES_UP_S = 300.0  # the entry goes when no worker could run it for so long


@dataclass(slots=True)
class _Ticks:
    count: int = 0
    last: float = 0.0
    sleeps_s: float = 0.0
    sent: float | None = None
    sends_since: float | None = None


class BeatReporter:
    """Wraps ``scheduler.tick``; the reports go out from a thread of their own. ``service``: Celery's, of
    Beat."""

    def __init__(self, service: Any, place: Place) -> None:
        self._app, self._scheduler = service.app, service.scheduler
        self._node = socket.gethostname()
        self._outlet = Outlet(place, self._app)
        self._began = time.monotonic()
        self._ticks = _Ticks(last=self._began)
        self._runner_seen: float | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="watchpost-beat", daemon=True)

    def start(self) -> None:
        tick = self._scheduler.tick

        def watched(*args: Any, **kwargs: Any) -> Any:
            self._tend_entry()
            interval = tick(*args, **kwargs)
            return self._note(interval)

        self._scheduler.tick = watched
        self._thread.start()
        atexit.register(self.say_left)

    def say_left(self) -> None:
        self._stopped.set()
        self._thread.join(3.0)

    def note_sent(self) -> None:
        """Beat published the entry."""
        now = time.monotonic()
        if self._ticks.sent is None or now - self._ticks.sent > 2 * ENTRY_EVERY_S:
            self._ticks.sends_since = now
        self._ticks.sent = now

    def _note(self, interval: Any) -> Any:
        is_number = isinstance(interval, (int, float))
        sleeps = min(float(interval), _LONGEST_SLEEP_S) if is_number else _LONGEST_SLEEP_S
        self._ticks.count += 1
        self._ticks.last, self._ticks.sleeps_s = time.monotonic(), max(0.0, sleeps)
        return min(interval, _LONGEST_SLEEP_S) if is_number else interval

    @guard(None)
    def _tend_entry(self) -> None:
        """In Beat's own thread: nobody else may touch the schedule."""
        if not type(self._scheduler).__module__.startswith("celery."):
            return
        schedule, seen = self._scheduler.schedule, self._runner_seen
        is_wanted = seen is not None and time.monotonic() - seen < _GIVES_UP_S
        if is_wanted and TASK not in schedule:
            options = {"expires": EXPIRES_S, "ignore_result": True}
            self._scheduler.add(name=TASK, task=TASK, schedule=ENTRY_EVERY_S, options=options)
        elif not is_wanted and TASK in schedule:
            del schedule[TASK]
            self._ticks.sent = self._ticks.sends_since = None

    def _work(self) -> None:
        while True:
            is_last = self._stopped.is_set()
            self._report(is_last)
            if is_last:
                self._outlet.close()
                return
            self._stopped.wait(EVERY_S)

    @guard(None)
    def _report(self, is_last: bool) -> None:
        now, ticks = time.monotonic(), self._ticks
        report = BeatReport(
            node=self._node,
            pid=os.getpid(),
            state=LEFT if is_last else RUNNING,
            ticks=ticks.count,
            tick_s=round(now - ticks.last, 1),
            sleeps_s=round(ticks.sleeps_s, 1),
            sent_s=None if ticks.sent is None else round(now - ticks.sent, 1),
            sends_s=None if ticks.sends_since is None else round(now - ticks.sends_since, 1),
            scheduler=type(self._scheduler).__name__,
            up_s=round(now - self._began, 1),
        )
        self._outlet.write(f"{BEAT}{report.node}:{report.pid}", plain(report))
        if not is_last:
            workers = sort_out(self._outlet.open().read()).workers
            queue = default_queue(self._app)
            if any(
                queue in one.queues and one.state == RUNNING and one.age_s < 4 * EVERY_S for one in workers
            ):
                self._runner_seen = time.monotonic()
