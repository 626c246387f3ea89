"""Projects."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status

from watchpost import clock
from watchpost.accounts.keys import create_project_with_keys
from watchpost.api import auth
from watchpost.api.pages import page
from watchpost.api.shapes import next_windows, project_object
from watchpost.monitors import edit

router = Router(tags=["projects"])


class NewProject(Schema):
    name: str
    slug: str | None = None


class Rename(Schema):
    name: str


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
    """One project, with the maintenance that runs in it or comes next."""
    project = auth.find_project(request, slug)
    return project_object(project) | {"maintenance": next_windows(project, clock.now())}


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
