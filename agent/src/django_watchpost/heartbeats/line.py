"""The line to the server: pings wait in a queue that one thread of this process sends, in their order.

Nobody who pings waits longer than he says; a server that hangs is waited for once in half a minute. A fork
begins with an empty queue: what waited there is the parent's to send.
"""

from __future__ import annotations

import atexit
import http.client
import os
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from django_watchpost.guard import guard, log
from django_watchpost.heartbeats.wire import Wire

BUDGET_S = 1.0
_TIMEOUT_S = 5.0
_START_GOOD_S = 5.0  # a start that arrives later would lie about when
_KEEP_S = 60.0
_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 8.0
_MOST = 1000
_SULK_S = 30.0
_IDLE_S = 60.0
_TELL_S = 60.0
_FINAL = {
    400: "its slug cannot be used; write small letters, digits, - and _",
    401: "the key is refused",
    403: "the key is refused",
    404: "nobody knows it there; make it, or correct its slug and WATCHPOST['PING_KEY']",
    409: "several heartbeats have its slug",
}


@dataclass(eq=False, slots=True)
class Item:
    """One ping. ``path``: all behind the server's address. ``is_over``: sent, or given up."""

    slug: str
    path: str
    body: bytes = b""
    is_start: bool = False
    made: float = field(default_factory=time.monotonic)
    over: threading.Event = field(default_factory=threading.Event)
    is_sent: bool = False
    was_awaited: bool = False


class Line:
    """One for each server and process. Never raises."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._wire = Wire(url, _TIMEOUT_S)
        self._waiting: deque[Item] = deque()
        self._more = threading.Condition()
        self._thread: threading.Thread | None = None
        self._sulks_until = 0.0
        self._told = -_TELL_S

    @guard(None)
    def send(self, item: Item) -> None:
        """Returns at once."""
        with self._more:
            if len(self._waiting) >= _MOST:
                self._say(item, f"{_MOST} pings wait already")
                item.over.set()
                return
            self._waiting.append(item)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="watchpost-pings", daemon=True)
                self._thread.start()
            self._more.notify()

    @guard(False)
    def wait(self, item: Item, within_s: float = BUDGET_S) -> bool:
        """Whether it was sent. Once a wait was in vain, the next ones of the half minute return at once."""
        item.was_awaited = True
        if item.over.is_set() or time.monotonic() < self._sulks_until:
            return item.is_sent
        if not item.over.wait(max(0.0, within_s)):
            self._sulks_until = time.monotonic() + _SULK_S
        return item.is_sent

    def flush(self) -> None:
        """At the end of the process: for those that nobody waited for."""
        ends = time.monotonic() + BUDGET_S
        for item in list(self._waiting):
            if not item.was_awaited:
                self.wait(item, ends - time.monotonic())

    def _work(self) -> None:
        while True:
            with self._more:
                if not self._waiting and not self._more.wait_for(lambda: bool(self._waiting), _IDLE_S):
                    self._thread = None  # under the lock: whoever comes next starts another one
                    self._wire.close()
                    return
                item = self._waiting[0]
            self._deliver(item)
            with self._more:
                self._waiting.popleft()
            item.over.set()

    @guard(None)
    def _deliver(self, item: Item) -> None:
        pause = _PAUSE_S
        while not self._is_stale(item):
            why, is_final = self._try(item)
            if not why:
                item.is_sent, self._sulks_until = True, 0.0
                return
            if is_final or self._is_stale(item, after_failure=True):
                self._say(item, why)
                return
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        self._say(item, f"the server could not be reached for {_KEEP_S:g} s")

    def _is_stale(self, item: Item, after_failure: bool = False) -> bool:
        age_s = time.monotonic() - item.made
        if item.is_start:
            return age_s > _START_GOOD_S or after_failure  # its end says that it was there
        return age_s > _KEEP_S

    def _try(self, item: Item) -> tuple[str, bool]:
        try:
            status, said = self._wire.ask("POST", item.path, item.body, {"Content-Type": "text/plain"})
        except (OSError, http.client.HTTPException) as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else str(error)
            return reason or type(error).__name__, False
        if status in (200, 201) and said.strip() in (b"OK", b"Created"):
            return "", False
        if status in _FINAL:
            return f"the server answers {status}: {_FINAL[status]}", True
        if status in (200, 301, 302, 307, 308):
            return f"something else answers {status} there; correct WATCHPOST['PING_URL']", True
        return f"the server answers {status}", False

    def _say(self, item: Item, why: str) -> None:
        """One line a minute."""
        if time.monotonic() - self._told >= _TELL_S:
            self._told = time.monotonic()
            log.warning("the heartbeat %r was not told to %s: %s", item.slug, self.url, why)


_lines: dict[str, Line] = {}
_lock = threading.Lock()


def line_to(url: str) -> Line:
    """The line of this process to that server."""
    with _lock:
        return _lines.setdefault(url, Line(url))


@atexit.register
def _at_exit() -> None:
    for line in list(_lines.values()):
        line.flush()


def _after_fork() -> None:
    global _lines, _lock
    _lines, _lock = {}, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
