"""Maintenance windows: those that come once, and series."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Status
from pydantic import BaseModel, ConfigDict, Field

from watchpost import clock
from watchpost.api import auth
from watchpost.api.moments import utc
from watchpost.api.pages import page
from watchpost.api.problems import Problem, wrong
from watchpost.api.shapes import window_object
from watchpost.monitors import edit
from watchpost.monitors.models import MaintenanceWindow, Monitor, Project
from watchpost.monitors.sentences import did_you_mean
from watchpost.monitors.window_spec import WINDOW_KEYS

router = Router(tags=["maintenance"])
ONCE_KEYS = ("starts_at", "ends_at", "monitors", "reason")


class NewWindow(BaseModel):
    """``ends_at`` for one that comes once; ``weekly`` or ``cron``, and ``for``, for a series. Other keys are
    let in here, to be refused with the nearest name."""

    model_config = ConfigDict(extra="allow")

    ends_at: datetime | None = None
    starts_at: datetime | None = None
    weekly: dict[str, Any] | None = None
    cron: str | None = None
    lasts: str | int | float | None = Field(None, alias="for")
    timezone: str | None = None
    first_day: str | None = None
    last_day: str | None = None
    name: str | None = None
    slug: str | None = None
    paused: bool | None = None
    monitors: list[str] = []
    reason: str = ""


def _windows(request: HttpRequest) -> QuerySet[MaintenanceWindow]:
    rows = MaintenanceWindow.objects.select_related("project").prefetch_related("monitors")
    return rows.filter(project__in=auth.projects(request))


def _find(request: HttpRequest, window_id: str) -> MaintenanceWindow:
    window: MaintenanceWindow = auth.find(_windows(request), window_id)
    return window


@router.get("/maintenance")
def list_windows(
    request: HttpRequest, project: str | None = None, limit: int = 50, cursor: str | None = None
) -> dict[str, Any]:
    """Maintenance windows, the latest first."""
    rows = _windows(request)
    if project:
        rows = rows.filter(project=auth.find_project(request, project))
    now = clock.now()
    return page(rows, "-id", limit, cursor, lambda row: window_object(row, now))


@router.get("/maintenance/{window_id}")
def get_window(request: HttpRequest, window_id: str) -> dict[str, Any]:
    """One window or series."""
    return window_object(_find(request, window_id), clock.now())


@router.post("/projects/{slug}/maintenance", response={201: dict[str, Any]})
def create_window(request: HttpRequest, slug: str, asked: NewWindow) -> Status[Any]:
    """A window or series over some monitors of the project, or over all of it when none is named."""
    return _open(request, auth.find_project(request, slug), asked)


@router.post("/monitors/{monitor_id}/maintenance", response={201: dict[str, Any]})
def monitor_maintenance(request: HttpRequest, monitor_id: str, asked: NewWindow) -> Status[Any]:
    """A window or series over this monitor."""
    monitor: Monitor = auth.find(auth.monitors(request), monitor_id)
    if "monitors" in asked.model_fields_set:
        raise wrong(
            "monitors", f"is given by the address; use /v1/projects/{monitor.project.slug}/maintenance"
        )
    return _open(request, monitor.project, asked, monitor)


def _open(
    request: HttpRequest, project: Project, asked: NewWindow, monitor: Monitor | None = None
) -> Status[Any]:
    now, actor = clock.now(), auth.actor_of(request)
    members = [monitor] if monitor else _members(project, asked.monitors)
    given = asked.model_dump(by_alias=True, exclude_unset=True, exclude_none=True)
    if _recurs(given):
        window = edit.create_series(project, _spec(given, members), actor, now)
    else:
        _refuse_unknown(given)
        if asked.ends_at is None:
            raise wrong("ends_at", "is missing; write when it ends, or weekly or cron for one that recurs")
        starts = utc(asked.starts_at, "starts_at") if asked.starts_at else now
        ends = utc(asked.ends_at, "ends_at")
        window = edit.create_window(project, members, starts, ends, asked.reason, actor, now)
    return Status(201, window_object(window, now))


def _recurs(given: Mapping[str, Any]) -> bool:
    return "weekly" in given or "cron" in given


def _refuse_unknown(given: Mapping[str, Any]) -> None:
    for key in given:
        if key in ONCE_KEYS:
            continue
        if key in WINDOW_KEYS:
            raise wrong(key, "is for windows that recur; write weekly or cron beside it")
        known = sorted({*ONCE_KEYS, *WINDOW_KEYS})
        raise wrong(key, f"there is no key {key}; {did_you_mean(key, known)}")


def _spec(given: Mapping[str, Any], members: list[Monitor]) -> dict[str, Any]:
    """In the shape of the file, whose monitors are slugs."""
    for key in ("starts_at", "ends_at"):
        if key in given:
            raise wrong(key, "is for a window that comes once; a series has for, first_day and last_day")
    return {**given, "monitors": [monitor.slug for monitor in members]}


def _members(project: Project, ids: list[str]) -> list[Monitor]:
    mine = {str(monitor.pk): monitor for monitor in project.monitors.all()}
    if unknown := [name for name in ids if name not in mine]:
        raise Problem(422, f"monitors: the project {project.slug} has no monitor with the id {unknown[0]}")
    return [mine[name] for name in ids]


def _series(request: HttpRequest, window_id: str) -> MaintenanceWindow:
    window = _find(request, window_id)
    if window.starts_at is not None:
        raise Problem(409, "This window comes once; delete it and make another.")
    return window


@router.put("/maintenance/{window_id}")
def replace_series(request: HttpRequest, window_id: str, asked: NewWindow) -> dict[str, Any]:
    """All of a series: what is left out takes its default."""
    window = _series(request, window_id)
    given = asked.model_dump(by_alias=True, exclude_unset=True, exclude_none=True)
    edit.update_series(window, _spec(given, _members(window.project, asked.monitors)), clock.now())
    return get_window(request, window_id)


@router.post("/maintenance/{window_id}/end")
def end_window(request: HttpRequest, window_id: str) -> dict[str, Any]:
    """What runs ends now; a series goes on with its next window."""
    if not edit.end_window(_find(request, window_id), clock.now()):
        raise Problem(
            409, "It is not running now. To take back what is to come, delete it or pause the series."
        )
    return get_window(request, window_id)


@router.post("/maintenance/{window_id}/pause")
def pause_series(request: HttpRequest, window_id: str) -> dict[str, Any]:
    """The series rests until it is resumed; a window that runs ends."""
    edit.pause_series(_series(request, window_id), True, clock.now())
    return get_window(request, window_id)


@router.post("/maintenance/{window_id}/resume")
def resume_series(request: HttpRequest, window_id: str) -> dict[str, Any]:
    """The series goes on."""
    edit.pause_series(_series(request, window_id), False, clock.now())
    return get_window(request, window_id)


@router.delete("/maintenance/{window_id}", response={204: None})
def cancel_window(request: HttpRequest, window_id: str) -> Status[None]:
    """A series is removed; of those that come once, one to come is removed and a running one ends now."""
    edit.cancel_window(_find(request, window_id), clock.now())
    return Status(204, None)
