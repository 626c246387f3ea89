"""Bearer tokens, and what they may touch. A session cookie is not accepted, so there is no CSRF question."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from ninja.security import HttpBearer

from watchpost import clock
from watchpost.accounts.links import digest_of
from watchpost.accounts.models import ApiToken
from watchpost.api.problems import Problem
from watchpost.incidents.models import Channel, Incident
from watchpost.monitors.models import Monitor, Project

SAFE = ("GET", "HEAD", "OPTIONS")
_USED_EVERY = timedelta(minutes=1)


class Bearer(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """The token; a read-only one is refused every change."""
        found = ApiToken.objects.select_related("project").filter(digest=digest_of(token)).first()
        if found is None:
            return None
        mark_used(found)
        if found.read_only and request.method not in SAFE:
            raise Problem(403, "This token may look but not change; make one without --read-only.")
        return found


def mark_used(token: ApiToken) -> None:
    """At most one write a minute: a busy client must not keep the database busy."""
    now = clock.now()
    if token.last_used_at is None or now - token.last_used_at > _USED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _USED_EVERY)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def token_of(request: HttpRequest) -> ApiToken:
    token: ApiToken = request.auth  # type: ignore[attr-defined]
    return token


def actor_of(request: HttpRequest) -> str:
    """Who acted, as the timeline shows it."""
    return f"{token_of(request).name} (API)"


def projects(request: HttpRequest) -> QuerySet[Project]:
    mine = token_of(request).project_id
    return Project.objects.filter(pk=mine) if mine else Project.objects.all()


def monitors(request: HttpRequest) -> QuerySet[Monitor]:
    rows = Monitor.objects.select_related("project", "state", "last", "heartbeat").prefetch_related(
        "depends_on"
    )
    mine = token_of(request).project_id
    return rows.filter(project_id=mine) if mine else rows


def incidents(request: HttpRequest) -> QuerySet[Incident]:
    rows = Incident.objects.select_related("project").prefetch_related("members__monitor__state")
    mine = token_of(request).project_id
    return rows.filter(project_id=mine) if mine else rows


def channels(request: HttpRequest) -> QuerySet[Channel]:
    """A project's token sees the channels that name its project."""
    rows = Channel.objects.prefetch_related("projects")
    mine = token_of(request).project_id
    return rows.filter(projects=mine) if mine else rows


def whole_installation(request: HttpRequest, what: str) -> None:
    if token_of(request).project_id:
        raise Problem(403, f"{what} needs a token for all projects; make one without --project.")


def find(rows: QuerySet[Any], identity: str) -> Any:
    """The row of an id. Raises Http404, also for what is no id: ids are opaque to clients."""
    if not identity.isascii() or not identity.isdecimal() or len(identity) > 18:
        raise Http404
    row = rows.filter(pk=int(identity)).first()
    if row is None:
        raise Http404
    return row


def find_project(request: HttpRequest, slug: str) -> Project:
    row = projects(request).filter(slug=slug).first()
    if row is None:
        raise Http404
    return row
