"""Whether the channels reach anybody: which fail, and what came back, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.http import HttpRequest

from watchpost.incidents.models import Channel
from watchpost.incidents.untold import failing_channels

_ANSWER = re.compile(r"(\S+@\S+: )?\d{3}\b")  # a status of HTTP or SMTP, of one recipient perhaps


def failing_for(request: HttpRequest) -> frozenset[int]:
    """``failing_channels``, read once for a page and its frame."""
    found: frozenset[int] | None = getattr(request, "failing_channels", None)
    if found is None:
        found = failing_channels()
        vars(request)["failing_channels"] = found
    return found


def troubles(channels: Iterable[Channel], failing: frozenset[int]) -> list[dict[str, object]]:
    """The channels that should tell and do not. Whoever switches one off means it."""
    return [
        {"channel": channel, "says": "is switched off by an error" if channel.broken else "keeps failing"}
        for channel in channels
        if channel.enabled and (channel.broken or channel.pk in failing)
    ]


def came_back(detail: str) -> str:
    """Only an answer is something that the receiver said."""
    if _ANSWER.match(detail):
        return f"The receiver said: {detail}"
    return f"It was not reached: {detail or 'no reason is known'}"
