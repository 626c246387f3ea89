"""Private calendar addresses: made, found and revoked. The secret is shown once, only its SHA-256 is kept."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db.models import Q

from watchpost.accounts.links import digest_of
from watchpost.accounts.models import User
from watchpost.reports.models import CalendarFeed

MOST = 20  # addresses of one person
ALARMS = (None, 1, 7, 14, 30)
_USED_EVERY = timedelta(hours=1)


class TooMany(ValueError):
    """Somebody has enough addresses; one must go before there is another."""


def make_feed(user: User, name: str, alarm_days: int | None, now: datetime) -> str:
    """The secret part of a new address. Raises TooMany."""
    if CalendarFeed.objects.filter(user=user).count() >= MOST:
        raise TooMany(f"There are {MOST} addresses already; revoke one that nobody uses.")
    token = secrets.token_urlsafe(24)
    CalendarFeed.objects.create(
        user=user, name=name[:100], digest=digest_of(token), alarm_days=alarm_days, created_at=now
    )
    return token


def find_feed(token: str, now: datetime) -> CalendarFeed | None:
    """The feed of an address, if its owner may still sign in. Notes at most once an hour that it is used."""
    feed = CalendarFeed.objects.select_related("user").filter(digest=digest_of(token)).first()
    if feed is None or not feed.user.is_active:
        return None
    if feed.last_used_at is None or now - feed.last_used_at > _USED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _USED_EVERY)
        CalendarFeed.objects.filter(stale, pk=feed.pk).update(last_used_at=now)
    return feed


def note_content(feed: CalendarFeed, content: str, now: datetime) -> datetime:
    """Since when the feed has been as it is: now, if it is not what was given out last."""
    if feed.content == content and feed.changed_at is not None:
        return feed.changed_at
    since = now.replace(microsecond=0)
    CalendarFeed.objects.filter(pk=feed.pk).update(content=content, changed_at=since)
    return since
