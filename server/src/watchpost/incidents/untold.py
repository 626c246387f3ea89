"""Who should have heard and has not: channels that are switched off by an error, or keep failing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q

from watchpost.incidents.models import Channel, Delivery

PATIENCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Untold:
    """``waiting`` messages for this channel, the oldest since ``since``; ``why``: what came back last."""

    channel: str
    waiting: int
    since: datetime | None
    why: str
    broken: bool


def find_untold(now: datetime) -> list[Untold]:
    """By name; a channel that fails is given a minute to come round."""
    stuck = Q(deliveries__state="pending", deliveries__attempts__gte=1)
    rows = (
        Channel.objects.filter(enabled=True)
        .annotate(
            waiting=Count("deliveries", filter=Q(deliveries__state="pending")),
            oldest=Min("deliveries__created_at", filter=Q(deliveries__state="pending")),
            tried=Max("deliveries__pk", filter=stuck),
        )
        .filter(Q(tried__isnull=False, oldest__lt=now - PATIENCE) | ~Q(broken=""))
        .order_by("name")
    )
    answers = dict(
        Delivery.objects.filter(pk__in=[row.tried for row in rows if row.tried]).values_list("pk", "answer")
    )
    return [
        Untold(row.name, row.waiting, row.oldest, row.broken or answers.get(row.tried, ""), bool(row.broken))
        for row in rows
    ]
