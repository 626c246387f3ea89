"""Projects, and maintenance windows over them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Schema, Status

from watchpost import clock
from watchpost.accounts.keys import create_project_with_keys
from watchpost.api import auth
from watchpost.api.moments import utc
from watchpost.api.pages import page
from watchpost.api.problems import Problem
from watchpost.api.shapes import project_object, window_object
from watchpost.monitors import edit
from watchpost.monitors.models import MaintenanceWindow

router = Router(tags=["projects"])


class NewProject(Schema):
    name: str
    slug: str | None = None


class Rename(Schema):
    name: str


class NewWindow(Schema):
    ends_at: datetime
    starts_at: datetime | None = None
    monitors: list[str] = []
    reason: str = ""


@router.get("/projects")
def list_projects(request: HttpRequest, limit: int = 50, cursor: str | None = None) -> dict[str, Any]:
    """Projects this token may see."""
    return page(auth.projects(request), "id", limit, cursor, project_object)


@router.post("/projects", response={201: dict[str, Any]})
def create_project(request: HttpRequest, asked: NewProject) -> Status[Any]:
    """A project with its DSN, ping key and API key; the API key is shown this once."""
    auth.whole_installation(request, "Creating a project")
    project, keys = create_project_with_keys(asked.name, clock.now(), asked.slug)
    return Status(201, project_object(project) | keys)


@router.get("/projects/{slug}")
def get_project(request: HttpRequest, slug: str) -> dict[str, Any]:
    """One project."""
    return project_object(auth.find_project(request, slug))


@router.patch("/projects/{slug}")
def rename_project(request: HttpRequest, slug: str, asked: Rename) -> dict[str, Any]:
    """Another name; the slug, its identity, stays."""
    project = auth.find_project(request, slug)
    edit.rename_project(project, asked.name, clock.now())
    return project_object(project)


@router.delete("/projects/{slug}", response={204: None})
def delete_project(request: HttpRequest, slug: str) -> Status[None]:
    """The project with its monitors and their history."""
    project = auth.find_project(request, slug)
    auth.whole_installation(request, "Deleting a project")
    edit.delete_project(project, clock.now(), auth.actor_of(request))
    return Status(204, None)


def _windows(request: HttpRequest) -> QuerySet[MaintenanceWindow]:
    rows = MaintenanceWindow.objects.select_related("project").prefetch_related("monitors")
    return rows.filter(project__in=auth.projects(request))


@router.get("/maintenance")
def list_windows(
    request: HttpRequest, project: str | None = None, limit: int = 50, cursor: str | None = None
) -> dict[str, Any]:
    """Maintenance windows, the latest first."""
    rows = _windows(request)
    if project:
        rows = rows.filter(project=auth.find_project(request, project))
    return page(rows, "-id", limit, cursor, window_object)


@router.post("/projects/{slug}/maintenance", response={201: dict[str, Any]})
def create_window(request: HttpRequest, slug: str, asked: NewWindow) -> Status[Any]:
    """A window over some monitors of the project, or over all of it when none is named."""
    project, now = auth.find_project(request, slug), clock.now()
    mine = {str(monitor.pk): monitor for monitor in project.monitors.all()}
    if unknown := [name for name in asked.monitors if name not in mine]:
        raise Problem(422, f"monitors: the project {slug} has no monitor with the id {unknown[0]}")
    members = [mine[name] for name in asked.monitors]
    return Status(201, window_object(open_window(request, project, members, asked, now)))


def open_window(
    request: HttpRequest, project: Any, members: list[Any], asked: NewWindow, now: datetime
) -> Any:
    starts = utc(asked.starts_at, "starts_at") if asked.starts_at else now
    ends = utc(asked.ends_at, "ends_at")
    return edit.create_window(project, members, starts, ends, asked.reason, auth.actor_of(request), now)


@router.delete("/maintenance/{window_id}", response={204: None})
def cancel_window(request: HttpRequest, window_id: str) -> Status[None]:
    """A window to come is removed, a running one ends now."""
    edit.cancel_window(auth.find(_windows(request), window_id), clock.now())
    return Status(204, None)


__all__ = ["NewWindow", "open_window", "router"]
