"""The weekly report as a page, its switch, and the way out of it that needs no sign-in."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from watchpost import clock
from watchpost.accounts.access import person
from watchpost.accounts.models import User
from watchpost.reports import post
from watchpost.reports.letter import read_stop_token
from watchpost.reports.models import WeeklyLetter
from watchpost.reports.week import Week, last_week, week_of, zone_of
from watchpost.reports.weekly import Figures
from watchpost.reports.words import Told, tell
from watchpost.web.forms_only import posted_from

MOST_WEEKS = 53


@login_required
def weekly_page(request: HttpRequest) -> HttpResponse:
    """The same that is sent, of the last week or of one before it."""
    user, now = person(request), clock.now()
    zone = zone_of(user.zone)
    week = _asked(request.GET.get("week", ""), now, zone)
    newest = last_week(now, zone)
    before = week_of(week.monday - timedelta(days=7), zone)
    after = week_of(week.monday + timedelta(days=7), zone) if week.monday < newest.monday else None
    context: dict[str, Any] = {
        "told": _told(user, week, now, zone),
        "week": week,
        "before": before if newest.monday - before.monday <= timedelta(weeks=MOST_WEEKS) else None,
        "after": after,
        "wanted": post.wants(user),
        "can_send": bool(settings.WATCHPOST["EMAIL_URL"]),
        "last": WeeklyLetter.objects.filter(user=user).order_by("-week").first(),
        "next": week_of(newest.monday + timedelta(days=7), zone).due,
    }
    return render(request, "watchpost/weekly.html", context)


def _told(user: User, week: Week, now: datetime, zone: tzinfo) -> Told | None:
    """None when nothing of theirs was watched in that week."""
    return tell(post.report_for(user, week, now, Figures()), zone) if post.has_part(user, week) else None


def _asked(text: str, now: datetime, zone: tzinfo) -> Week:
    """The week of this Monday; the last one for whatever is no Monday of the past year."""
    newest = last_week(now, zone)
    try:
        monday = date.fromisoformat(text)
    except ValueError:
        return newest
    weeks = (newest.monday - monday).days
    return week_of(monday, zone) if weeks % 7 == 0 and 0 <= weeks <= MOST_WEEKS * 7 else newest


@login_required
@posted_from("weekly")
def wish(request: HttpRequest) -> HttpResponse:
    wanted = request.POST.get("wanted") == "1"
    post.set_wish(person(request).pk, wanted)
    said = "It comes on Mondays." if wanted else "You get no weekly report any more."
    messages.success(request, said)
    return redirect("weekly")


@never_cache
@csrf_exempt  # the signed address is who asks; a mail program that posts for its user has no cookie
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Looking at it changes nothing, for mail scanners look at everything; a POST ends them (RFC 8058)."""
    user_id = read_stop_token(token)
    if user_id is None:
        return render(request, "watchpost/weekly_stop.html", {"gone": True}, status=410)
    if request.method == "POST":
        post.set_wish(user_id, False)
    return render(request, "watchpost/weekly_stop.html", {"done": request.method == "POST"})
