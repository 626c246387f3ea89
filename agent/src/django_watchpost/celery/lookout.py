"""One look at the broker and at the reports, shared by all checks of this process: one connection, given
back."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django_watchpost.celery.application import default_queue, expected_queues
from django_watchpost.celery.broker import BrokerTrouble, Opened, broker_kind, open_broker
from django_watchpost.celery.carrier import Place, choose_place, open_carrier
from django_watchpost.celery.depth import Depth, measure
from django_watchpost.celery.report import Reports, sort_out
from django_watchpost.conf import read_conf

_FRESH_S = 4.0  # checks that run in one go share what they see
_WAITS_S = 4.5


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen. ``trouble``: why the broker could not be asked; ``reports``: None where they could
    not be read (``unread`` says why); ``waits_s``: for how long each queue had tasks whenever somebody
    looked; ``at``: monotonic."""

    at: float
    kind: str
    address: str = ""
    took_ms: float = 0.0
    trouble: BrokerTrouble | None = None
    queues: Mapping[str, Depth] = field(default_factory=dict)
    waits_s: Mapping[str, float] = field(default_factory=dict)
    default_queue: str = "celery"
    reports: Reports | None = None
    unread: str = ""


class Lookout:
    """Of one application."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._place = choose_place(app, read_conf().celery)
        self._lock = threading.Lock()
        self._last: Look | None = None
        self._waiting: dict[str, float] = {}

    def look(self, more: tuple[str, ...] = ()) -> Look:
        """At most four seconds old. ``more``: queues beside those that are known. Raises TimeoutError where
        another thread has hung at it for longer than any deadline allows."""
        if not self._lock.acquire(timeout=_WAITS_S):
            raise TimeoutError("The look at the broker that began earlier still hangs.")
        try:
            now = time.monotonic()
            if self._last is None or now - self._last.at > _FRESH_S:
                self._last = self._take(now, more)
            return self._last
        finally:
            self._lock.release()

    def _take(self, now: float, more: tuple[str, ...]) -> Look:
        kind, place = broker_kind(self._app), self._place
        reports, unread = None, "there is no place where workers could leave reports"
        if place is not None and place.kind != "broker":
            reports, unread = self._read(place)
        address = ""
        try:
            with open_broker(self._app) as opened:
                address = opened.address
                if place is not None and place.kind == "broker":
                    reports, unread = self._read(place, opened)
                queues = self._measure(opened, reports, more)
        except BrokerTrouble as trouble:
            return Look(now, kind, trouble=trouble, reports=reports, unread=unread)
        took_ms = round((time.monotonic() - now) * 1000, 1)
        waits = self._wait_times(queues, now)
        default = default_queue(self._app)
        return Look(now, kind, address, took_ms, None, queues, waits, default, reports, unread)

    def _read(self, place: Place, opened: Opened | None = None) -> tuple[Reports | None, str]:
        """A broken cache is no broken broker: it costs the reports alone."""
        try:
            with open_carrier(place, self._app, opened) as carrier:
                return sort_out(carrier.read()), ""
        except Exception as problem:
            if place.kind == "broker":
                raise
            return (
                None,
                f"the reports of workers in {place} cannot be read ({type(problem).__name__}: {problem})",
            )

    def _measure(self, opened: Opened, reports: Reports | None, more: tuple[str, ...]) -> dict[str, Depth]:
        consumed = {name for one in (reports.workers if reports else ()) for name in one.queues}
        names = expected_queues(self._app, (*more, *sorted(consumed)))
        routes = {str(queue.routing_key): name for name, queue in self._app.amqp.queues.items()}
        return measure(opened, names, routes)

    def _wait_times(self, queues: Mapping[str, Depth], now: float) -> dict[str, float]:
        self._waiting = {name: self._waiting.get(name, now) for name, depth in queues.items() if depth.ready}
        return {name: now - since for name, since in self._waiting.items()}


_lookouts: dict[int, Lookout] = {}


def lookout(app: Any) -> Lookout:
    """The one of this process for ``app``."""
    if id(app) not in _lookouts:
        _lookouts[id(app)] = Lookout(app)
    return _lookouts[id(app)]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        after_in_child=_lookouts.clear
    )  # a lock may have been held when this process was forked
