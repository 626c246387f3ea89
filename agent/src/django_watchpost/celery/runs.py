"""Tasks that Beat sent tell their heartbeats how they went. The slug travels in a header of the message."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django_watchpost.guard import guard
from django_watchpost.heartbeats.run import Run

HEADER = "watchpost-beat"
_MOST_RECEIVED = 10_000
_ON_ITS_WAY = "Beat sent it, and no worker has begun it yet."
_publishing = threading.local()
_unheard: set[str] = set()  # in Beat's process
_runs: dict[str, Run] = {}
_received: OrderedDict[str, str] = OrderedDict()  # in a worker's main process, of tasks that its pool runs


def expect(slugs: set[str]) -> None:
    """Heartbeats that are silent because nothing was heard of them yet: the first run of each is announced
    when Beat sends it, or a task that no worker ever took would never be missed."""
    global _unheard
    _unheard = set(slugs)


@contextmanager
def publishing(slug: str | None) -> Iterator[None]:
    """What this thread sends meanwhile is the entry's."""
    _publishing.slug = slug
    try:
        yield
    finally:
        _publishing.slug = None


@guard(None)
def stamp_entry(headers: Any = None, **_: Any) -> None:
    """For ``before_task_publish``. A task that is tried again has the id of the one that runs."""
    if not isinstance(headers, dict):
        return
    run = _runs.get(str(headers.get("id")))
    slug = getattr(_publishing, "slug", None) or (run.slug if run is not None else None)
    if slug:
        headers[HEADER] = slug
    if slug in _unheard:
        _unheard.discard(slug)
        # Before the task itself: a start that came after its end would be a run that never ends.
        Run(slug, name=_run_of(headers.get("id"))).begin(_ON_ITS_WAY)


@guard(None)
def on_received(request: Any = None, **_: Any) -> None:
    slug = (getattr(request, "request_dict", None) or {}).get(HEADER)
    if isinstance(slug, str):
        _received[str(request.id)] = slug
        if len(_received) > _MOST_RECEIVED:
            _received.popitem(last=False)


@guard(None)
def on_prerun(task_id: Any = None, task: Any = None, **_: Any) -> None:
    request = getattr(task, "request", None)
    slug = getattr(request, HEADER, None)
    if isinstance(slug, str) and not getattr(request, "is_eager", False):
        run = _runs[str(task_id)] = Run(slug, name=_run_of(task_id))
        run.begin()


@guard(None)
def on_postrun(task_id: Any = None, retval: Any = None, state: Any = None, **_: Any) -> None:
    run = _runs.pop(str(task_id), None)
    _received.pop(str(task_id), None)
    if run is not None:
        is_good = state in ("SUCCESS", "IGNORED")
        error = retval if isinstance(retval, BaseException) else RuntimeError(f"it ended as {state}")
        run.end(None if is_good else error)


@guard(None)
def on_failure(task_id: Any = None, exception: Any = None, **_: Any) -> None:
    """In the main process alone: a child was killed or ran out of time, and cannot tell itself."""
    slug = _received.pop(str(task_id), None)
    if slug is not None and str(task_id) not in _runs and isinstance(exception, BaseException):
        Run(slug, name=_run_of(task_id)).end(exception, is_awaited=False)


def _run_of(task_id: Any) -> str:
    """A task's id is a run's, where it has the shape of one."""
    try:
        return str(UUID(str(task_id)))
    except ValueError:
        return ""


def _after_fork() -> None:
    _runs.clear()
    _received.clear()


try:
    import os

    os.register_at_fork(after_in_child=_after_fork)
except AttributeError:  # Windows has no fork
    pass
