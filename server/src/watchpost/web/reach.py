"""Whether the channels reach anybody: which fail, and what came back, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db.models import Max, Q, Subquery
from django.http import HttpRequest

from watchpost.incidents.models import Channel, Delivery

_LATELY = 1000  # rows of the outbox
_ANSWER = re.compile(r"(\S+@\S+: )?\d{3}\b")  # a status of HTTP or SMTP, of one recipient perhaps


def failing_channels() -> frozenset[int]:
    """Those of which the newest thing known is a failure that a second attempt did not mend."""
    newest = Subquery(Delivery.objects.order_by("-pk").values("pk")[:1])
    bad = Q(state="failed") | Q(state="pending", attempts__gte=2)
    rows = (
        Delivery.objects.filter(pk__gt=newest - _LATELY)
        .order_by()
        .values("channel_id")
        .annotate(bad=Max("pk", filter=bad), good=Max("pk", filter=Q(state="delivered")))
    )
    return frozenset(row["channel_id"] for row in rows if (row["bad"] or 0) > (row["good"] or 0))


def failing_for(request: HttpRequest) -> frozenset[int]:
    """The same, read once for a page and its frame."""
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
