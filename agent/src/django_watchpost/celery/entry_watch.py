"""In Beat's process: brings its entries to the server, and stamps what they send for the workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django_watchpost.celery.entries import Entry, Untold, read_entry, whole_schedule
from django_watchpost.celery.registry import NotDone, Registry
from django_watchpost.celery.runs import expect, publishing
from django_watchpost.conf import Conf
from django_watchpost.guard import guard, log

_LOOK_S = 30.0  # a schedule in a database may change at any time
_AGAIN_S = 3600.0
_RETRY_S = 60.0  # also while a monitor that one stands on is not there
_FIRST_S = 1.0  # so long the first tick waits, for workers would meet heartbeats that are not there yet
_MOST = 500


class EntryWatch:
    """The schedule is read in Beat's own thread, since nobody else may; the server is asked in another.
    ``service``: Celery's, of Beat."""

    def __init__(self, service: Any, conf: Conf) -> None:
        assert conf.ping is not None and conf.heartbeats is not None  # noqa: S101, PT018
        self._scheduler, self._wishes = service.scheduler, conf.heartbeats
        self._registry = Registry(conf.ping.url, conf.api_key, str(service.app.main or "celery"))
        self._entries: tuple[Entry, ...] = ()
        self._told: set[str] = set()
        self._looked: float | None = None
        self._due = 0.0
        self._wake, self._first = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="watchpost-entries", daemon=True)

    def start(self) -> None:
        tick, send = self._scheduler.tick, self._scheduler.apply_async

        def watched_tick(*args: Any, **kwargs: Any) -> Any:
            self._look()
            return tick(*args, **kwargs)

        def watched_send(entry: Any, *args: Any, **kwargs: Any) -> Any:
            with self._stamping(entry):
                return send(entry, *args, **kwargs)

        self._scheduler.tick, self._scheduler.apply_async = watched_tick, watched_send

    @contextmanager
    def _stamping(self, entry: Any) -> Iterator[None]:
        found = self._read(str(getattr(entry, "name", "")), entry)
        with publishing(found.slug if found else None):
            yield

    @guard(None)
    def _look(self) -> None:
        now = time.monotonic()
        if self._looked is not None and now - self._looked < _LOOK_S:
            return
        is_first, self._looked = self._looked is None, now
        schedule: Mapping[str, Any] = whole_schedule(self._scheduler)
        found = (self._read(name, one) for name, one in sorted(schedule.items()))
        entries = tuple(one for one in found if one is not None)
        if len(entries) > _MOST:
            self._say("", f"of {len(entries)} entries the first {_MOST} become heartbeats")
        if entries != self._entries or is_first:
            self._entries, self._due = entries[:_MOST], 0.0
            self._wake.set()
        if is_first:
            self._thread.start()
            self._first.wait(_FIRST_S)

    @guard(None)
    def _read(self, name: str, entry: Any) -> Entry | None:
        try:
            return read_entry(name, entry, self._wishes)
        except Untold as error:
            if str(error):
                self._say(name, f"Beat's entry {name!r} does not become a heartbeat: {error}")
            return None

    def _say(self, name: str, words: str) -> None:
        if name not in self._told:
            self._told.add(name)
            log.warning("%s", words)

    def _work(self) -> None:
        while True:
            self._wake.wait(max(0.0, self._due - time.monotonic()))
            self._wake.clear()
            self._due = time.monotonic() + (_AGAIN_S if self._bring() else _RETRY_S)
            self._first.set()

    @guard(False)
    def _bring(self) -> bool:
        try:
            is_whole = self._registry.bring(self._entries)
            expect(self._registry.unheard)
        except NotDone as error:
            self._say(
                "NotDone", f"Beat's entries are not told to Watchpost: {error}; it is tried each minute"
            )
            return False
        self._told.discard("NotDone")
        return is_whole
