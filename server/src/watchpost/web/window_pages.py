"""Maintenance windows: set over a monitor or a whole project, and ended early."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from watchpost import clock
from watchpost.accounts.access import person, require_change, visible_projects
from watchpost.core.words import read_count
from watchpost.monitors import edit
from watchpost.monitors.models import MaintenanceWindow, Monitor, Project
from watchpost.web.forms_only import posted_from

MOST_ID = 10**17
FIELDS = {"starts_at": "starts", "ends_at": "ends", "reason": "reason"}  # as the form calls them
LABELS = {"starts": "From", "ends": "Until", "reason": "Why"}
Form = dict[str, Any]


def window_form(now: datetime) -> Form:
    """What the form begins with: the next hour."""
    begins = {"starts": now, "ends": now + timedelta(hours=1)}
    shown = {name: timezone.localtime(at).strftime("%Y-%m-%dT%H:%M") for name, at in begins.items()}
    return {"values": shown | {"reason": ""}, "errors": {}}


@login_required
@posted_from("monitor")
def monitor_maintenance(request: HttpRequest, pk: int) -> HttpResponse:
    from watchpost.web.monitor_pages import changed_monitor, monitor_page

    monitor = changed_monitor(request, pk)
    refused = _set_window(request, monitor.project, [monitor])
    return monitor_page(request, pk, window=refused) if refused else redirect("monitor", pk)


@login_required
@posted_from("project")
def project_maintenance(request: HttpRequest, slug: str) -> HttpResponse:
    from watchpost.web.project_pages import project_page

    project: Project = get_object_or_404(visible_projects(person(request)), slug=slug)
    require_change(person(request), project)
    refused = _set_window(request, project, [])
    return project_page(request, slug, window=refused) if refused else redirect("project", slug)


def _set_window(request: HttpRequest, project: Project, monitors: Iterable[Monitor]) -> Form | None:
    """None when the window is set, else the form with what was typed and what is wrong with it."""
    typed = {name: request.POST.get(name, "") for name in LABELS}
    starts, ends = _local(typed["starts"]), _local(typed["ends"])
    if starts is None or ends is None:
        missing = [name for name, at in (("starts", starts), ("ends", ends)) if at is None]
        return {"values": typed, "errors": dict.fromkeys(missing, "Write a date and a time.")}
    try:
        edit.create_window(
            project, monitors, starts, ends, typed["reason"], person(request).email, clock.now()
        )
    except edit.Invalid as error:
        places = [(FIELDS.get(where, "reason"), what) for where, what in error.errors]
        return {"values": typed, "errors": {name: f"{LABELS[name]} {what}." for name, what in places}}
    messages.info(request, "The window is set. Nobody is woken while it lasts.")
    return None


def _local(text: str) -> datetime | None:
    try:
        read = parse_datetime(text)
    except ValueError:
        return None
    return timezone.make_aware(read) if read and timezone.is_naive(read) else read


@login_required
@posted_from("overview")
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """A running window ends now, one to come is taken back. ``monitor``: the page to return to."""
    seen = MaintenanceWindow.objects.filter(project__in=visible_projects(person(request)))
    window: Any = get_object_or_404(seen.select_related("project"), pk=pk)
    require_change(person(request), window.project)
    now = clock.now()
    begun = window.starts_at <= now
    edit.cancel_window(window, now)
    messages.info(
        request, "The window is over. Trouble is told again." if begun else "The window is taken back."
    )
    back = read_count(request.POST.get("monitor", ""), MOST_ID)
    return redirect("project", window.project.slug) if back is None else redirect("monitor", back)
