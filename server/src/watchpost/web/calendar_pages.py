"""What ends when: one page over all projects, and the private addresses under which calendars read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from watchpost import clock
from watchpost.accounts.access import person, visible_projects
from watchpost.monitors.models import Monitor
from watchpost.reports import feeds, ical
from watchpost.reports.endings import Due, dues_of, watched_in
from watchpost.reports.models import CalendarFeed
from watchpost.web import words
from watchpost.web.forms_only import posted_from
from watchpost.web.shown_once import keep, take

GROUPS = (("Overdue", 0.0), ("This week", 7.0), ("This month", 30.0), ("Later", None))
SHOWN = 500
OLD = timedelta(days=2)  # what was last seen longer ago may have been renewed meanwhile
ALARMS = {"": "no reminder", "1": "a day before", "7": "7 days before", "14": "14 days before",
          "30": "30 days before"}  # fmt: skip
NO_CALENDAR = "There is no calendar under this address."


@login_required
def calendar_page(request: HttpRequest) -> HttpResponse:
    user, now, shown = person(request), clock.now(), take(request)
    monitors = watched_in(visible_projects(user))
    dues = dues_of(monitors)
    context: dict[str, Any] = {
        "shown": shown,
        "groups": groups(dues[:SHOWN], now),
        "more": max(0, len(dues) - SHOWN),
        "headline": headline(dues, now),
        "watched": bool(monitors),
        "feeds": CalendarFeed.objects.filter(user=user).order_by("name", "pk"),
        "alarms": ALARMS,
    }
    response = render(request, "watchpost/calendar.html", context)
    if shown:
        response["Cache-Control"] = "no-store"
    return response


def headline(dues: Sequence[Due], now: datetime) -> str:
    """The one thing to know of the page."""
    over = sum(due.at <= now for due in dues)
    week = sum(now < due.at <= now + timedelta(days=7) for due in dues)
    if over:
        return "One thing has ended." if over == 1 else f"{over} things have ended."
    if week:
        return "One thing ends within a week." if week == 1 else f"{week} things end within a week."
    return "Nothing ends within a week." if dues else "Nothing is known to end."


def groups(dues: Iterable[Due], now: datetime) -> list[dict[str, Any]]:
    """The rows under the headings that have any."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name, _ in GROUPS}
    for due in dues:
        days = due.left_s(now) / 86_400
        name = next(name for name, most in GROUPS if most is None or days <= most)
        rows[name].append(_row(due, now))
    return [{"name": name, "rows": found} for name, found in rows.items() if found]


def _row(due: Due, now: datetime) -> dict[str, Any]:
    left_s = due.left_s(now)
    return {
        "due": due,
        "mark": "down" if left_s <= 0 else "warn" if left_s <= 7 * 86_400 else "up",
        "left": left_words(left_s),
        "old": due.seen is None or now - due.seen > OLD,
        "monitors": [{"monitor": one, "state": _shown(one)} for one in due.monitors],
    }


def left_words(left_s: float) -> str:
    """``in 12 days``, ``3 h ago``; whole units, never more than there is."""
    return f"in {words.rough(left_s)}" if left_s > 0 else f"{words.rough(-left_s)} ago"


def _shown(monitor: Monitor) -> str:
    state = getattr(monitor, "state", None)
    return state.shown if state and state.shown in words.ORDER else "new"


@login_required
@posted_from("calendar")
def make(request: HttpRequest) -> HttpResponse:
    name = request.POST.get("name", "").strip()
    asked = request.POST.get("alarm", "")
    if not name or asked not in ALARMS:
        messages.error(request, "An address needs a name, so that you know later which calendar uses it.")
        return redirect("calendar")
    try:
        token = feeds.make_feed(person(request), name, int(asked) if asked else None, clock.now())
    except feeds.TooMany as error:
        messages.error(request, str(error))
        return redirect("calendar")
    title = f"The address for {name[:100]}. Whoever has it can read what ends when; it is not shown again."
    keep(request, title, f"{settings.SITE_URL}/calendar/{token}.ics")
    return redirect("calendar")


@login_required
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Asked first; afterwards the address answers like one that never was."""
    feed: CalendarFeed = get_object_or_404(CalendarFeed, pk=pk, user=person(request))
    if request.method != "POST":
        used = f"last read {words.ago(feed.last_used_at, clock.now())}" if feed.last_used_at else "never read"
        question = {
            "question": f"Revoke the address {feed.name}?",
            "says": f"It was {used}. The calendar that uses it gets nothing any more, for good.",
            "yes": "Revoke it",
            "no": "Keep",
            "back": "/calendar/",
        }
        return render(request, "watchpost/ask.html", question)
    feed.delete()
    messages.info(request, "The address is revoked.")
    return redirect("calendar")


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar of whoever made the address, with what they may see now. Whatever else is asked for has
    one constant answer."""
    now = clock.now()
    found = feeds.find_feed(token, now)
    if found is None:
        return HttpResponse(NO_CALENDAR, status=404, content_type="text/plain; charset=utf-8")
    host = urlsplit(settings.SITE_URL).hostname or "watchpost.invalid"
    entries = [_entry(due) for due in dues_of(watched_in(visible_projects(found.user)))]
    content = ical.content_of(entries, host, found.alarm_days)
    since, etag = feeds.note_content(found, content, now), f'"{content[:32]}"'
    unchanged = get_conditional_response(request, etag=etag, last_modified=int(since.timestamp()))
    response = unchanged or HttpResponse(
        ical.write(entries, host, since, found.alarm_days), content_type="text/calendar; charset=utf-8"
    )
    response["ETag"] = etag
    response["Last-Modified"] = http_date(since.timestamp())
    response["Cache-Control"] = "private, max-age=900"
    response["Content-Disposition"] = 'inline; filename="expiry.ics"'
    response["X-Robots-Tag"] = "noindex"
    return response


def _entry(due: Due) -> ical.Entry:
    told = [
        f"{one.name} ({one.project.name}): {settings.SITE_URL}/monitors/{one.pk}/" for one in due.monitors
    ]
    text = "\n".join([*([f"{due.note}."] if due.note else []), "Watched by:", *told])
    return ical.Entry(due.key, f"Ends: {due.what}", text, due.at, f"{settings.SITE_URL}/calendar/")
