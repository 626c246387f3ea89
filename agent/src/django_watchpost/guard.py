"""Whatever the agent does inside somebody's application goes through here: it never raises into it."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

log = logging.getLogger("django_watchpost")

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_SILENCE_S = 60.0  # one line a minute about one and the same place: a log must not be flooded either
_lock = threading.Lock()
_dropped: dict[str, int] = {}
_told: dict[str, float] = {}


def guard(otherwise: T) -> Callable[[Callable[P, R]], Callable[P, R | T]]:
    """Wraps a function of ours: where it fails, ``otherwise`` is given back; it is counted and logged."""

    def wrap(function: Callable[P, R]) -> Callable[P, R | T]:
        where = f"{function.__module__}.{function.__qualname__}"

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | T:
            try:
                return function(*args, **kwargs)
            except Exception:  # noqa: BLE001  the outermost shell: the application goes on
                tell(where)
                return otherwise

        return guarded

    return wrap


def tell(where: str) -> None:
    """Counts a failure of ours and says it, with its traceback, at most once a minute."""
    now = time.monotonic()
    with _lock:
        _dropped[where] = _dropped.get(where, 0) + 1
        is_due = now - _told.get(where, -_SILENCE_S) >= _SILENCE_S
        if is_due:
            _told[where] = now
    if is_due:
        log.warning("django-watchpost failed in %s; the application goes on", where, exc_info=True)


def dropped() -> dict[str, int]:
    """How often each place of ours failed since the process began."""
    with _lock:
        return dict(_dropped)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread may have held it when this process was forked


try:
    import os

    os.register_at_fork(after_in_child=_after_fork)
except AttributeError:  # Windows has no fork
    pass
