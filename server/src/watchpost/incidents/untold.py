"""Who should have heard and has not: channels that an error switched off, or that keep failing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, Q, Subquery

from watchpost.incidents.models import Channel, Delivery

_LATELY = 1000  # rows of the outbox
_WAITING = Q(deliveries__state="pending")


@dataclass(frozen=True, slots=True)
class Untold:
    """``waiting`` messages for this channel, the oldest since ``since``; ``why``: what came back last."""

    channel: str
    waiting: int
    since: datetime | None
    why: str


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


def find_untold() -> list[Untold]:
    """By name. Whoever switches a channel off means it."""
    rows = (
        Channel.objects.filter(Q(pk__in=failing_channels()) | ~Q(broken=""), enabled=True)
        .annotate(
            waiting=Count("deliveries", filter=_WAITING),
            since=Min("deliveries__created_at", filter=_WAITING),
            tried=Max("deliveries__pk", filter=Q(deliveries__attempts__gte=1)),
        )
        .order_by("name")
    )
    tried = Delivery.objects.in_bulk([row.tried for row in rows if row.tried])
    return [
        Untold(row.name, row.waiting, row.since, row.broken or (tried[row.tried].answer if row.tried else ""))
        for row in rows
    ]
