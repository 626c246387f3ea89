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
from watchpost.web.monitor_pages import changed_monitor

MOST_ID = 10**17
FIELDS = {"starts_at": "From", "ends_at": "Until", "reason": "Why"}  # as the form calls them


def window_form(now: datetime) -> dict[str, datetime]:
    """What the form begins with: the next hour."""
    return {"window_from": now, "window_to": now + timedelta(hours=1)}


@login_required
@posted_from("monitor")
def monitor_maintenance(request: HttpRequest, pk: int) -> HttpResponse:
    monitor = changed_monitor(request, pk)
    _set_window(request, monitor.project, [monitor])
    return redirect("monitor", pk)


@login_required
@posted_from("project")
def project_maintenance(request: HttpRequest, slug: str) -> HttpResponse:
    project: Project = get_object_or_404(visible_projects(person(request)), slug=slug)
    require_change(person(request), project)
    _set_window(request, project, [])
    return redirect("project", slug)


def _set_window(request: HttpRequest, project: Project, monitors: Iterable[Monitor]) -> None:
    starts, ends = (_local(request.POST.get(name, "")) for name in ("starts", "ends"))
    if starts is None or ends is None:
        messages.error(request, "A maintenance window needs a beginning and an end.")
        return
    reason, actor = request.POST.get("reason", ""), person(request).email
    try:
        edit.create_window(project, monitors, starts, ends, reason, actor, clock.now())
        messages.info(request, "The window is set. Nobody is woken while it lasts.")
    except edit.Invalid as error:
        said = "; ".join(f"{FIELDS.get(where, where)}: {what}" for where, what in error.errors)
        messages.error(request, f"No window was made. {said}.")


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
