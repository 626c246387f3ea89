"""Runs the checks in the background, each in a thread of its own and under a deadline that holds.

One thread keeps the time. A check that hangs costs its own thread and nothing else: its deadline passes, it
is told as such, and it is asked again only after its thread came back. All threads are daemons, so none holds
up the end of the process. The results are read without a lock, as one snapshot that is replaced as a whole.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django_watchpost.guard import guard, log
from django_watchpost.health.contract import Check, Result, Status, error
from django_watchpost.health.run import run_check, timed_out

_STAGGER_S = 0.02  # between the first runs: a process that begins must not do everything in one moment
_JITTER = 0.05
_MOST_AT_ONCE = 8
_MOST_BACK_OFF_S = 60.0
_IDLE_S = 30.0
_SLACK_S = 30.0  # a result may be this much older than it should be before nobody trusts it


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of one check. ``at``, ``since``: the last result, and the first of this status, in aware
    UTC; ``finished``: the former on the monotonic clock."""

    check: Check
    result: Result
    at: datetime | None = None
    since: datetime | None = None
    finished: float = 0.0
    took_ms: float = 0.0

    @property
    def good_until(self) -> float:
        """On the monotonic clock: after this the result says nothing about now."""
        waits = max(
            self.check.interval, _MOST_BACK_OFF_S if self.result.code == "health.check_timeout" else 0.0
        )
        return self.finished + waits * (1 + _JITTER) + self.check.timeout + _SLACK_S


@dataclass(frozen=True)
class Snapshot:
    """All readings of one moment, by id. ``rendered`` is a cache for whoever shows them."""

    readings: Mapping[str, Reading]
    good_until: float
    rendered: dict[tuple[str, str], tuple[bytes, str, int]] = field(default_factory=dict)

    def knows(self, ids: Iterable[str]) -> bool:
        """Whether each of them has answered, or let its deadline pass."""
        return all(self.readings[one].at is not None for one in ids if one in self.readings)


@dataclass(slots=True)
class _Slot:
    reading: Reading
    due: float
    run: int = 0  # which run it is: a late answer of an earlier one counts no more
    started: float | None = None
    is_late: bool = False
    timeouts: int = 0


NOT_YET = Result(Status.UNKNOWN, "It has not answered yet.")


class Runner:
    """The checks of one process. ``start`` begins; there is nothing to close but ``stop``."""

    def __init__(self, checks: Mapping[str, Check], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        now = monotonic()
        self._slots = {
            name: _Slot(Reading(check, NOT_YET), now + number * _STAGGER_S)
            for number, (name, check) in enumerate(checks.items())
        }
        self._changed = threading.Condition(threading.Lock())
        self._is_stopped = False
        self.snapshot = self._take()

    def start(self) -> None:
        """Begins to run the checks. Raises RuntimeError where the process may have no further thread."""
        threading.Thread(target=self._keep_time, name="watchpost-health", daemon=True).start()

    def stop(self) -> None:
        """No check begins after this."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """The same at the end of the process, without a lock: that could be held by a thread that is gone."""
        self._is_stopped = True

    def wait(self, ids: Iterable[str], within_s: float) -> None:
        """Until each of ``ids`` has answered once, at most ``within_s`` seconds."""
        wanted = tuple(ids)
        if not self.snapshot.knows(wanted):
            with self._changed:
                self._changed.wait_for(lambda: self.snapshot.knows(wanted), within_s)

    def _keep_time(self) -> None:
        while not self._is_stopped:
            wait_s = self._turn()
            with self._changed:
                if not self._is_stopped:
                    self._changed.wait(wait_s)

    @guard(1.0)
    def _turn(self) -> float:
        """Ends what is late, begins what is due. Seconds until something is to be done again."""
        with self._changed:
            now = self._monotonic()
            for slot in self._slots.values():
                if (
                    slot.started is not None
                    and not slot.is_late
                    and now >= slot.started + slot.reading.check.timeout
                ):
                    self._expire(slot, now)
            running = sum(slot.started is not None and not slot.is_late for slot in self._slots.values())
            for slot in self._slots.values():
                if slot.started is None and slot.due <= now and running < _MOST_AT_ONCE:
                    running += self._begin(slot, now)
            return self._until_next(now, running)

    def _until_next(self, now: float, running: int) -> float:
        ends = [
            slot.started + slot.reading.check.timeout
            for slot in self._slots.values()
            if slot.started is not None and not slot.is_late
        ]
        free = running < _MOST_AT_ONCE  # else the end of a run wakes this thread
        dues = [slot.due for slot in self._slots.values() if slot.started is None and free]
        return max(0.0, min([*ends, *dues, now + _IDLE_S]) - now)

    def _begin(self, slot: _Slot, now: float) -> bool:
        slot.run += 1
        slot.started, slot.is_late = now, False
        name = f"watchpost-health-{slot.reading.check.id}"
        try:
            threading.Thread(target=self._work, args=(slot, slot.run), name=name, daemon=True).start()
        except RuntimeError as problem:  # the machine gives no more threads
            slot.started = None
            self._record(slot, error(f"It could not be run: {problem}.", code="health.no_thread"), now, now)
            return False
        return True

    def _work(self, slot: _Slot, run: int) -> None:
        began = self._monotonic()
        result = run_check(slot.reading.check)
        with self._changed:
            if slot.run != run:
                return
            now = self._monotonic()
            was_late, slot.started, slot.is_late = slot.is_late, None, False
            if not was_late:
                slot.timeouts = slot.timeouts + 1 if result.code == "health.check_timeout" else 0
                self._record(slot, result, began, now)
            self._changed.notify_all()

    def _expire(self, slot: _Slot, now: float) -> None:
        """The deadline holds, whatever the thread does: it is left alone, and its answer no longer counts."""
        check = slot.reading.check
        log.warning("health check %s did not answer within %g s", check.id, check.timeout)
        slot.is_late = True
        slot.timeouts += 1
        began = slot.started if slot.started is not None else now
        self._record(slot, timed_out(check), began, now)

    def _record(self, slot: _Slot, result: Result, began: float, now: float) -> None:
        old, at = slot.reading, datetime.now(UTC)
        since = old.since if old.result.status is result.status and old.since else at
        slot.reading = Reading(old.check, result, at, since, now, round((now - began) * 1000, 3))
        slot.due = now + _pause(old.check, slot.timeouts)
        self.snapshot = self._take()
        self._changed.notify_all()

    def _take(self) -> Snapshot:
        readings = {name: slot.reading for name, slot in self._slots.items()}
        known = [one.good_until for one in readings.values() if one.at is not None]
        return Snapshot(readings, min(known, default=float("inf")))


def _pause(check: Check, timeouts: int) -> float:
    """Seconds until the next run. What let its deadline pass is left in peace for longer each time; what says
    that it is broken is asked as often as ever, so that its end is seen soon."""
    pause = check.interval
    if timeouts > 1:
        pause = max(pause, min(pause * 2 ** min(timeouts - 1, 10), _MOST_BACK_OFF_S))
    return pause * random.uniform(1 - _JITTER, 1 + _JITTER)
