"""Which Celery application this project has, and which queues its tasks go to. Imports nothing of the
project."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings

from django_watchpost.celery.stamp import published

_NAMES = ("app", "celery_app", "celery")
_MOST_QUEUES = 50


def find_app() -> Any | None:
    """The application that the project has loaded; None without Celery, where tasks run at once in the
    process that asks for them (``task_always_eager``), and with the broker ``memory://``, which no other
    process sees."""
    base = sys.modules.get("celery.app.base")
    if base is None:
        return None
    app = next(_candidates(base.Celery), None)
    if app is None or app.conf.task_always_eager:
        return None
    return None if str(app.conf.broker_read_url or "").startswith("memory:") else app


def expected_queues(app: Any, more: Iterable[str] = ()) -> tuple[str, ...]:
    """The names of the queues that tasks of this application are sent to: those of the settings, of
    routes, of tasks and of the schedule, and those that this process published to; at most 50."""
    names: dict[str, None] = dict.fromkeys(app.amqp.queues)
    names |= dict.fromkeys(_routed(app.conf.task_routes))
    names |= dict.fromkeys(_named(getattr(task, "queue", None)) for task in list(app.tasks.values()))
    for entry in (app.conf.beat_schedule or {}).values():
        options = entry.get("options") if isinstance(entry, Mapping) else None
        names[_named((options or {}).get("queue"))] = None
    names |= dict.fromkeys((*published(), *more))
    names.pop("", None)
    return tuple(names)[:_MOST_QUEUES]


def default_queue(app: Any) -> str:
    return str(app.conf.task_default_queue)


def _candidates(kind: type) -> Iterator[Any]:
    """The project's own first, by the convention of Celery's documentation, then whatever was made here."""
    # A project that has workers alone needs no ROOT_URLCONF, and Django has no default for it.
    names = ("SETTINGS_MODULE", "ROOT_URLCONF", "WSGI_APPLICATION")
    paths = [getattr(settings, name, None) for name in names]
    for package in dict.fromkeys(one for path in paths for one in _packages(str(path or ""))):
        for module in (f"{package}.celery", package, f"{package}.celery_app", f"{package}.worker"):
            for name in _NAMES:
                found = getattr(sys.modules.get(module), name, None)
                if isinstance(found, kind):
                    yield found
    state: Any = sys.modules.get("celery._state")
    made = [one for one in (state.default_app, *state._apps) if one is not None]
    # The fallback that Celery makes of itself belongs to nobody.
    yield from (one for one in made if one.main != "default")


def _packages(path: str) -> Iterator[str]:
    """``a`` and ``a.b`` of ``a.b.c``: from the innermost outwards."""
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def _routed(routes: Any) -> Iterator[str]:
    """From a dict, or a list of dicts and pairs; what a router function says is not known beforehand."""
    if isinstance(routes, Mapping):
        for target in routes.values():
            yield _named(target.get("queue") if isinstance(target, Mapping) else target)
    elif isinstance(routes, (list, tuple)):
        if len(routes) == 2 and isinstance(routes[0], str):
            yield from _routed({routes[0]: routes[1]})
        else:
            for one in routes:
                yield from _routed(one)


def _named(queue: Any) -> str:
    return queue if isinstance(queue, str) else str(getattr(queue, "name", "") or "")
