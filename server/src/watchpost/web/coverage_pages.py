"""What of a project is not watched, and the one click that changes it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from watchpost import clock
from watchpost.accounts.access import person, require_change
from watchpost.monitors import edit
from watchpost.reports import coverage
from watchpost.reports.endings import watched_in
from watchpost.web.forms_only import posted_from
from watchpost.web.project_pages import seen_project


@login_required
@posted_from("project")
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """Watch it, put it aside, or take that back. Only what the page proposes can be meant: a form from
    yesterday makes no second monitor."""
    project, user, now = seen_project(request, slug), person(request), clock.now()
    require_change(user, project)
    do, thing = request.POST.get("do", ""), request.POST.get("thing", "")
    known = coverage.coverage_of(project, watched_in([project]))
    gap = next((one for one in (*known.gaps, *known.not_needed) if one.thing == thing), None)
    if do == "undo":
        coverage.take_back(project, thing)
        return redirect(f"/projects/{slug}/#coverage")
    if gap is None:
        messages.info(request, "That is watched already, or was not come across any more.")
        return redirect("project", slug)
    if do == "aside":
        coverage.put_aside(project, thing, user, now)
        return redirect(f"/projects/{slug}/#coverage")
    try:
        monitor = coverage.start_watching(project, gap, now)
    except edit.Invalid as error:
        messages.error(request, f"Nothing was made: {error.errors[0][1]}.")
        return redirect("project", slug)
    messages.success(request, f"{monitor.name} is watched now; the first look follows within seconds.")
    return redirect(f"/projects/{slug}/#coverage")
