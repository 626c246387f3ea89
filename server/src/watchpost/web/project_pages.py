"""One project: what is wrong in it, what is watched, who is told, and who belongs to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from watchpost import clock
from watchpost.accounts.access import may_change, person, require_change, visible_projects
from watchpost.accounts.keys import dsn_of
from watchpost.accounts.links import make_link
from watchpost.accounts.models import Membership, User
from watchpost.accounts.people import give_role, invite
from watchpost.incidents.models import Channel
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, Project
from watchpost.monitors.recurrence import windows_ahead
from watchpost.reports.coverage import coverage_of
from watchpost.web import strips, words
from watchpost.web.channel_pages import SEVERITIES
from watchpost.web.forms_only import posted_from
from watchpost.web.overview import Watched, hears, layer_of, open_incidents, project_row
from watchpost.web.reach import failing_for
from watchpost.web.shown_once import keep, take
from watchpost.web.window_form import WindowForm, new_form, window_rows

SHOWN = 200


def seen_project(request: HttpRequest, slug: str) -> Project:
    """One of the person's projects, else 404."""
    project: Project = get_object_or_404(visible_projects(person(request)), slug=slug)
    return project


@login_required
def project_page(request: HttpRequest, slug: str, window: WindowForm | None = None) -> HttpResponse:
    """``window`` is the form of a maintenance window that was refused, or only tried."""
    shown = take(request)
    project, now = seen_project(request, slug), clock.now()
    monitors = list(project.monitors.select_related("state", "last", "heartbeat"))
    states = [_shown(monitor) for monitor in monitors]
    hearing = [channel for channel in _channels() if hears(channel, project)]
    watched = [Watched(project.pk, one.environment, _shown(one), layer_of(one.kind)) for one in monitors]
    working = [channel for channel in hearing if channel.enabled and not channel.broken]
    incidents = open_incidents([project])
    context: dict[str, Any] = {
        "project": project,
        "shown": shown,
        "may_change": may_change(person(request), project),
        "headline": words.headline(len(incidents), states),
        "incidents": incidents[:SHOWN],
        "row": project_row(
            project, watched, [one for one in hearing if one.enabled], failing_for(request), now
        ),
        "monitors": _monitor_rows(monitors, now),
        "first_url": _first_url(monitors),
        "more": max(0, len(monitors) - SHOWN),
        "channels": [{"channel": one, "from": SEVERITIES[one.min_severity]} for one in hearing],
        "untested": next((one for one in working if not one.delivered_at), None),
        "windows": window_rows(windows_ahead(project, now), now),
        "coverage": coverage_of(project, monitors),
        "now": now,
        "members": project.memberships.select_related("user").order_by("role", "user__email"),
        "admins": User.objects.filter(is_superuser=True).order_by("email"),
        "dsn": dsn_of(project),
        "site": settings.SITE_URL,
        "has_heartbeats": any(hasattr(monitor, "heartbeat") for monitor in monitors),
        "window": window or new_form(now),
    }
    response = render(request, "watchpost/project.html", context, status=window.status if window else 200)
    if shown:
        response["Cache-Control"] = "no-store"
    return response


def _first_url(monitors: list[Monitor]) -> str:
    """Where to look around again: the page that is watched the longest."""
    rows = sorted((one for one in monitors if one.kind == "http"), key=lambda one: one.pk)
    return next((url for one in rows if isinstance(url := one.config.get("url"), str)), "")


def _channels() -> QuerySet[Channel]:
    return Channel.objects.prefetch_related("projects").order_by("name")


def _shown(monitor: Monitor) -> str:
    state = getattr(monitor, "state", None)
    return state.shown if state and state.shown in words.ORDER else "new"


def _monitor_rows(monitors: list[Monitor], now: datetime) -> list[dict[str, Any]]:
    """The worst first."""
    monitors = sorted(monitors, key=lambda one: (words.ORDER.index(_shown(one)), one.name))[:SHOWN]
    drawn = strips.last_day(monitors, now)
    return [
        {"monitor": one, "state": _shown(one), "last": getattr(one, "last", None), "strip": drawn[one.pk]}
        for one in monitors
    ]


@login_required
@posted_from("project")
def add_member(request: HttpRequest, slug: str) -> HttpResponse:
    """Whoever is new gets a one-time link, which is shown to who added them. Nobody gets a link into an
    account that was there before."""
    project = seen_project(request, slug)
    require_change(person(request), project)
    try:
        user, fresh = invite(request.POST.get("email", ""), person(request))
    except edit.Invalid as error:
        messages.error(request, f"Nobody was added: {error.errors[0][1]}.")
        return redirect("project", slug)
    role = "owner" if request.POST.get("role") == "owner" else "viewer"
    give_role(user, project, role)
    if not fresh:
        messages.success(request, f"{user.email} is {role} of {project.name} now.")
        return redirect("project", slug)
    title = f"Send this link to {user.email}. It works once, for 24 hours, and is not shown again."
    secret = f"{settings.SITE_URL}/signin/{make_link(user, clock.now())}/"
    keep(request, title, secret)
    return redirect("project", slug)


@login_required
def remove_member(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    project, user = seen_project(request, slug), person(request)
    require_change(user, project)
    member: Membership = get_object_or_404(project.memberships.select_related("user"), pk=pk)
    if request.method != "POST":
        question = {
            "question": f"Remove {member.user.email} from {project.name}?",
            "says": "They see it no more and hear nothing of it. Their account stays.",
            "yes": "Remove",
            "no": "Keep",
            "back": f"/projects/{slug}/",
        }
        return render(request, "watchpost/ask.html", question)
    if member.user_id == user.pk and not user.is_superuser:
        messages.error(request, "You cannot remove yourself; another owner or an admin can.")
    else:
        member.delete()
        messages.info(request, f"{member.user.email} does not belong to {project.name} any more.")
    return redirect("project", slug)
