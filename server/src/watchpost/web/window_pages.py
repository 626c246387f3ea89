"""Maintenance windows: set over a monitor or a whole project, changed, paused, ended early."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from watchpost import clock
from watchpost.accounts.access import person, require_change, visible_projects
from watchpost.core.words import read_count
from watchpost.monitors import edit
from watchpost.monitors.models import MaintenanceWindow, Monitor, Project
from watchpost.monitors.recurrence import rule_words
from watchpost.monitors.window_spec import read_window
from watchpost.web.forms_only import posted_from
from watchpost.web.window_form import (
    WindowForm,
    form_of,
    moments_typed,
    named,
    named_after_rule,
    spec_typed,
    typed_form,
)

MOST_ID = 10**17


@login_required
@posted_from("monitor")
def monitor_maintenance(request: HttpRequest, pk: int) -> HttpResponse:
    from watchpost.web.monitor_pages import changed_monitor, monitor_page

    monitor = changed_monitor(request, pk)
    shown = _set_window(request, monitor.project, [monitor])
    return monitor_page(request, pk, window=shown) if shown else redirect("monitor", pk)


@login_required
@posted_from("project")
def project_maintenance(request: HttpRequest, slug: str) -> HttpResponse:
    from watchpost.web.project_pages import project_page

    project: Project = get_object_or_404(visible_projects(person(request)), slug=slug)
    require_change(person(request), project)
    shown = _set_window(request, project, [])
    return project_page(request, slug, window=shown) if shown else redirect("project", slug)


def _set_window(request: HttpRequest, project: Project, monitors: Iterable[Monitor]) -> WindowForm | None:
    """None when the window is set, else the form with what was typed and what is to be said of it."""
    form, now, members = typed_form(request.POST), clock.now(), list(monitors)
    if form.how == "once":
        return _set_once(request, form, project, members)
    spec = spec_typed(form) | named(form.values["reason"]) | {"monitors": [one.slug for one in members]}
    try:
        if request.POST.get("do") == "preview":
            wanted = read_window(spec, spec["monitors"])
            return form.previewed(MaintenanceWindow(**wanted.columns), now)
        row = edit.create_series(project, spec, person(request).email, now)
    except edit.Invalid as error:
        return form.refused(error.errors)
    messages.info(request, f"The windows are set: {rule_words(row)}. Nobody is woken while one lasts.")
    return None


def _set_once(
    request: HttpRequest, form: WindowForm, project: Project, monitors: list[Monitor]
) -> WindowForm | None:
    starts, ends = moments_typed(form.values)
    if starts is None or ends is None:
        moments = (("starts", starts), ("ends", ends))
        form.errors = {name: "Write a date and a time." for name, at in moments if at is None}
        return form.refused([])
    reason, actor = form.values["reason"], person(request).email
    try:
        edit.create_window(project, monitors, starts, ends, reason, actor, clock.now())
    except edit.Invalid as error:
        return form.refused(error.errors)
    messages.info(request, "The window is set. Nobody is woken while it lasts.")
    return None


def _changed_window(request: HttpRequest, pk: int) -> MaintenanceWindow:
    """One of the person's windows, to be changed: else 404, 403 with a sentence for viewers."""
    seen = MaintenanceWindow.objects.filter(project__in=visible_projects(person(request)))
    window: MaintenanceWindow = get_object_or_404(seen.select_related("project"), pk=pk)
    require_change(person(request), window.project)
    return window


def _changed_series(request: HttpRequest, pk: int) -> MaintenanceWindow:
    window = _changed_window(request, pk)
    get_object_or_404(MaintenanceWindow, pk=window.pk, starts_at=None)
    return window


def _came_from(request: HttpRequest) -> int | None:
    """The monitor whose page to return to, when the form or link said one."""
    return read_count(request.POST.get("monitor", request.GET.get("monitor", "")), MOST_ID)


def _page(window: MaintenanceWindow, monitor: int | None) -> str:
    return f"/projects/{window.project.slug}/" if monitor is None else f"/monitors/{monitor}/"


def _back(request: HttpRequest, window: MaintenanceWindow) -> HttpResponse:
    return redirect(_page(window, _came_from(request)))


@login_required
@posted_from("overview")
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """What runs ends now, a window to come is taken back. ``monitor``: the page to return to."""
    window, now = _changed_window(request, pk), clock.now()
    if edit.end_window(window, now):
        more = " The series goes on." if window.starts_at is None else ""
        messages.info(request, f"The window is over. Trouble is told again.{more}")
    elif window.starts_at is None:
        messages.info(request, "No window of this series is running.")
    else:
        edit.cancel_window(window, now)
        messages.info(request, "The window is taken back.")
    return _back(request, window)


@login_required
@posted_from("overview")
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    window, paused = _changed_series(request, pk), request.POST.get("paused") == "1"
    edit.pause_series(window, paused, clock.now())
    messages.info(
        request, "The series rests. Trouble is told as always." if paused else "The series goes on."
    )
    return _back(request, window)


@login_required
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    window = _changed_series(request, pk)
    if request.method == "POST":
        edit.cancel_window(window, clock.now())
        messages.info(request, "The series is deleted.")
        return _back(request, window)
    monitor = _came_from(request)
    question = {
        "question": f"Delete {window.name}?",
        "says": "It comes no more, and a window that runs ends. What was counted as maintenance stays so.",
        "yes": "Delete",
        "no": "Keep",
        "back": _page(window, monitor),
        "monitor": monitor,
    }
    return render(request, "watchpost/ask.html", question)


@login_required
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Another rule for a series. Its monitors stay, and its name unless that was the rule."""
    window, now = _changed_series(request, pk), clock.now()
    monitor = _came_from(request)
    form = form_of(window)
    if request.method == "POST":
        form.values, form.days = typed_form(request.POST).values, request.POST.getlist("days")
        form.how = "cron" if request.POST.get("how") == "cron" else "weekly"
        members = [one.slug for one in window.monitors.all()]
        spec = spec_typed(form) | {"monitors": members, "paused": window.paused}
        spec |= {} if named_after_rule(window) else {"name": window.name}
        spec |= {"reason": form.values["reason"]} if form.values["reason"] else {}
        try:
            if request.POST.get("do") != "preview":
                edit.update_series(window, spec, now)
                messages.info(request, f"Changed: {rule_words(window)}.")
                return _back(request, window)
            form.previewed(MaintenanceWindow(**read_window(spec, members, existing=window).columns), now)
        except edit.Invalid as error:
            form.refused(error.errors)
    context = {"series": window, "window": form, "from_monitor": monitor, "back": _page(window, monitor)}
    return render(request, "watchpost/window_edit.html", context, status=form.status)
