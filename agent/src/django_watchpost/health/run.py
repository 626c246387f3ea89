"""One run of one check in the thread that calls: whatever it does, a Result comes out.

Sync or async, raising, exiting or answering nonsense. What it opened of the database is given back.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from math import isfinite
from traceback import format_tb
from typing import Any

from django.db import connections

from django_watchpost.guard import log
from django_watchpost.health.contract import Check, Result, Status, error
from django_watchpost.health.scrub import scrub, scrub_all

_FRAMES = 8  # of a traceback, the last ones
_raised: dict[str, type[BaseException]] = {}  # by check: what was logged of it and is not over


def run_check(check: Check, *, gives_back: bool = True) -> Result:
    """Runs ``check`` here and now, without a deadline of its own. Never raises. ``gives_back``: closes the
    database connections of this thread; not where they are somebody else's."""
    try:
        found = check.run()
        if inspect.isawaitable(found):
            found = _await(found, check.timeout)
        cleaned = _clean(found, check)
        _raised.pop(check.id, None)
        return cleaned
    except TimeoutError as problem:
        return _failed(problem, check) if str(problem) else timed_out(check)
    except BaseException as problem:  # noqa: BLE001  a check may even call sys.exit()
        return _failed(problem, check)
    finally:
        if gives_back:
            _give_back()


def timed_out(check: Check) -> Result:
    """What is known of a check that did not answer in time."""
    return error(f"It did not answer within {check.timeout:g} s.", code="health.check_timeout")


def _failed(problem: BaseException, check: Check) -> Result:
    said = " ".join(str(problem).split())
    words = scrub(f"{type(problem).__name__}: {said}" if said else type(problem).__name__)
    if _raised.get(check.id) is not type(problem):  # once, not at each run
        _raised[check.id] = type(problem)
        frames = [scrub(frame) for frame in format_tb(problem.__traceback__, limit=-_FRAMES)]
        log.warning("health check %s raised %s\n%s", check.id, words, "".join(frames).rstrip())
    return error(words, code="health.check_raised")


def _clean(result: object, check: Check) -> Result:
    """Without secrets, and of plain data alone: it is shown, and sent."""
    if not isinstance(result, Result):
        words = f"run() gave {type(result).__name__} instead of a Result"
        fix = f"Return ok(), degraded() or error() in {_name(check)}."
        return error(words, code="health.check_broken", fix=fix)
    details = result.details if isinstance(result.details, Mapping) else {"value": result.details}
    return Result(
        Status(result.status),
        _text(result.message),
        _number(result.observed),
        _text(result.unit),
        scrub_all(dict(details)),
        _text(result.code),
        _text(result.fix),
    )


def _text(value: object) -> str:
    """Also of a lazy translation: what cannot be written would hide the whole answer."""
    return "" if value is None else scrub(str(value))


def _number(value: Any) -> float | int | None:
    """What a chart can show; JSON knows no NaN and no infinity."""
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        return None
    number = value if isinstance(value, int) else float(value)
    return number if isinstance(number, int) or isfinite(number) else None


def _name(check: Check) -> str:
    return f"{type(check).__module__}.{type(check).__qualname__}"


def _give_back() -> None:
    """Closes what this thread opened: threads come and go, a connection of each would stay for ever."""
    for connection in connections.all(initialized_only=True):
        try:
            connection.close()
        except Exception:  # noqa: BLE001  it was broken already
            log.debug("a connection could not be closed", exc_info=True)


def _await(found: Awaitable[Result], timeout_s: float) -> Result:
    async def within() -> Result:
        return await asyncio.wait_for(found, timeout_s)

    loop = asyncio.new_event_loop()
    loop.set_default_executor(_Daemons())
    try:
        return loop.run_until_complete(within())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


class _Daemons(ThreadPoolExecutor):
    """Threads that nobody waits for. Those of ``ThreadPoolExecutor`` are joined when the interpreter ends,
    so one that hangs would keep a worker of the web server from stopping."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def work() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as problem:  # noqa: BLE001  it is the caller's
                    future.set_exception(problem)

        threading.Thread(target=work, name="watchpost-health-io", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """There is nothing to wait for."""
