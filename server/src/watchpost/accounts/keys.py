"""The keys of a project: what an application and a script need to speak to it."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from watchpost.accounts.links import make_token
from watchpost.monitors import edit
from watchpost.monitors.models import Project


def create_project_with_keys(name: str, now: datetime, slug: str | None) -> tuple[Project, dict[str, str]]:
    """A project, its DSN and ping key, and an API key that is shown this once. Raises Invalid."""
    with transaction.atomic():
        project = edit.create_project(name, now, slug=slug)
        api_key = make_token(f"{project.name} (made with the project)"[:100], project, False, now)
    return project, {"dsn": dsn_of(project), "ping_key": project.ping_key, "api_key": api_key}


def dsn_of(project: Project) -> str:
    """``https://<key>@host/<id>``: what an application sends its signals to."""
    scheme, _, rest = settings.SITE_URL.partition("://")
    return f"{scheme}://{project.dsn_key}@{rest}/{project.pk}"
