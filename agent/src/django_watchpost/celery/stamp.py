"""Each task that is sent says when, so that the age of the oldest one that waits can be told: Celery's own
messages carry no time."""

from __future__ import annotations

import time
from typing import Any

from django_watchpost.guard import guard

HEADER = "watchpost-sent-at"
_MOST = 50
_published: dict[str, None] = {}


@guard(None)
def stamp(headers: Any = None, routing_key: Any = None, declare: Any = None, **_: Any) -> None:
    """For ``before_task_publish``. No I/O: it runs in every request that sends a task."""
    if isinstance(headers, dict):
        headers[HEADER] = time.time()
    names = [getattr(one, "name", "") for one in declare or ()] or [routing_key]
    for name in names:
        if isinstance(name, str) and name and name not in _published and len(_published) < _MOST:
            _published[name] = None


def published() -> tuple[str, ...]:
    """The queues that this process sent tasks to."""
    return tuple(_published)


def sent_at(message: Any) -> float | None:
    """Seconds since the epoch by the sender's clock, of a message as the broker keeps it; None if unknown."""
    headers = message.get("headers") if isinstance(message, dict) else None
    at = headers.get(HEADER) if isinstance(headers, dict) else None
    return float(at) if isinstance(at, (int, float)) and not isinstance(at, bool) else None
