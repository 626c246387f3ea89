"""``heartbeat("nightly-report")``: a decorator and a context manager that tell how work begins and ends."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import time
import traceback
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, TypeVar
from uuid import uuid4

from django_watchpost.conf import read_conf
from django_watchpost.guard import guard
from django_watchpost.health.process import is_testing
from django_watchpost.health.scrub import scrub
from django_watchpost.heartbeats.line import BUDGET_S, Item, Line, line_to
from django_watchpost.heartbeats.target import SLUG, Target, note_use

F = TypeVar("F", bound=Callable[..., Any])
_NO_SLUG = "is no slug; write small letters, digits, - and _"
_ABOVE = "stands above the task's decorator, where it is never run; put it between that and the function"
_MOST_NOTES = 100


class Run:
    """One run of a heartbeat. Without settings, in tests and with a slug that cannot be, it says nothing.
    Never raises."""

    def __init__(self, slug: str, create: bool = False, name: str = "") -> None:
        """``name``: a uuid that tells it from other runs; without it, one is made."""
        self.slug, self._create = slug, create
        self._id = name or str(uuid4())
        self._began: float | None = None  # not here: a child that was killed cannot tell itself
        self._notes: list[str] = []
        self._to: tuple[Target, Line] | None = self._find()
        self.token: Token[Run | None] | None = None

    def note(self, text: object) -> None:
        """A line for the body of the last ping, such as how many rows were imported; at most 100."""
        if len(self._notes) < _MOST_NOTES:
            self._notes.append(str(text))

    def begin(self, words: str = "") -> None:
        """With ``words`` for its body it is waited for, as the end of a run is."""
        self._began = time.monotonic()
        self._await(self._send("start", words, is_start=True), bool(words))

    def end(self, error: BaseException | None = None, is_awaited: bool = True) -> None:
        """Waits at most a second for the ping to be taken, and not at all where a loop would stand still."""
        action, words = _outcome(error)
        if action == "log":  # what is tried again has not ended
            self._send(action, words)
        elif action == "fail":
            after = "" if self._took_s is None else f" after {self._took_s:.1f} s"
            self._await(self._send(action, f"Failed{after}: {words}"), is_awaited)
        else:
            self._await(
                self._send(action, "" if self._took_s is None else f"Took {self._took_s:.1f} s."), is_awaited
            )

    @property
    def _took_s(self) -> float | None:
        return None if self._began is None else time.monotonic() - self._began

    @guard(None)
    def _find(self) -> tuple[Target, Line] | None:
        if is_testing():
            return None
        target = read_conf().ping
        if target is None or not SLUG.fullmatch(self.slug):
            return None
        return target, line_to(target.url)

    @guard(None)
    def _send(self, action: str, words: str, is_start: bool = False) -> Item | None:
        if self._to is None:
            return None
        target, line = self._to
        took_s = None if action in ("start", "log") else self._took_s
        path = target.path(self.slug, action, self._id, self._create, took_s)
        notes = "" if is_start else "".join(f"{scrub(note)}\n" for note in self._notes)
        item = Item(self.slug, path, f"{notes}{words}".encode(errors="replace")[-10_000:], is_start)
        line.send(item)
        return item

    def _await(self, item: Item | None, is_awaited: bool) -> None:
        if is_awaited and item is not None and self._to is not None and not _is_in_loop():
            self._to[1].wait(item, BUDGET_S)


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _outcome(error: BaseException | None) -> tuple[str, str]:
    """What the last ping says, and words for a failure. Type and message alone, without the values that
    were at hand."""
    if error is None:
        return "", ""
    if isinstance(error, SystemExit):
        return ("", "") if error.code in (None, 0) else ("fail", f"it exited with {scrub(str(error.code))}.")
    celery = sys.modules.get("celery.exceptions")
    if celery is not None and isinstance(error, celery.Retry):
        return "log", f"It will be tried again: {scrub(str(error))}"
    if celery is not None and isinstance(error, celery.Ignore):
        return "", ""
    return "fail", _words_of(error)


@guard("an exception that cannot be shown.")
def _words_of(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001  the application's own
        message = ""
    return scrub(f"{type(error).__name__}{': ' if message else ''}{message}") + place


class heartbeat:
    """Tells the heartbeat ``slug`` that the work begins, and then how it ended::

        @heartbeat("nightly-report")
        def build(): ...

        with heartbeat("import") as run:
            run.note(f"{rows} rows")

    Functions, coroutine functions, methods (``handle`` of a management command) and, below their decorator,
    Celery tasks. ``create``: a heartbeat that the server does not know yet is made there, daily and an hour
    late at most. All pings of a run together cost a second at most; only what the work raises is raised.
    """

    def __init__(self, slug: str, *, create: bool = True) -> None:
        self.slug, self.create = str(slug), create
        note_use(self.slug, "" if SLUG.fullmatch(self.slug) else _NO_SLUG)
        self._now: ContextVar[Run | None] = ContextVar("watchpost_run", default=None)

    def __call__(self, function: F) -> F:
        if _is_task(function):
            note_use(self.slug, _ABOVE)
            return function
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_async(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

            return run_async  # type: ignore[return-value]

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return run  # type: ignore[return-value]

    def __enter__(self) -> Run:
        run = Run(self.slug, self.create)
        run.token = self._now.set(run)
        run.begin()
        return run

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        run = self._now.get()
        if run is None or run.token is None:  # left in another context than it was entered in
            return
        self._reset(run.token)
        run.end(error)

    async def __aenter__(self) -> Run:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, where)

    @guard(None)
    def _reset(self, token: Token[Run | None]) -> None:
        self._now.reset(token)


def _is_task(function: Any) -> bool:
    local, tasks = sys.modules.get("celery.local"), sys.modules.get("celery.app.task")
    kinds = tuple(kind for module, name in ((local, "Proxy"), (tasks, "Task"))
                  if isinstance(kind := getattr(module, name, None), type))  # fmt: skip
    return isinstance(type(function), type) and issubclass(type(function), kinds)
