"""Incidents, and what people do to them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from watchpost import clock
from watchpost.api import auth
from watchpost.api.moments import utc
from watchpost.api.pages import page
from watchpost.api.problems import Problem, wrong
from watchpost.api.shapes import incident_in_full, incident_of
from watchpost.incidents import act
from watchpost.incidents.models import Incident

router = Router(tags=["incidents"])
_STATES = ("open", "acknowledged", "resolved")


LONGEST_SNOOZE = timedelta(days=30)  # as long as a maintenance window may be


class Until(Schema):
    until: datetime


class Note(Schema):
    text: str


@router.get("/incidents")
def list_incidents(
    request: HttpRequest,
    state: str | None = None,
    project: str | None = None,
    monitor: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> dict[str, Any]:
    """The newest first. ``state=open`` means unresolved."""
    rows = auth.incidents(request)
    if state and state not in _STATES:
        raise Problem(422, f"state: there is no state {state}; write one of {', '.join(_STATES)}")
    if state == "open":
        rows = rows.exclude(state=Incident.State.RESOLVED)
    elif state:
        rows = rows.filter(state=state)
    if project:
        rows = rows.filter(project=auth.find_project(request, project))
    if monitor:
        found = auth.find(auth.monitors(request), monitor)
        rows = rows.filter(members__monitor=found).distinct()
    return page(rows, "-began_at", limit, cursor, incident_of)


@router.get("/incidents/{incident_id}")
def get_incident(request: HttpRequest, incident_id: str) -> dict[str, Any]:
    """One incident with its timeline and deliveries."""
    return incident_in_full(auth.find(auth.incidents(request), incident_id))


@router.post("/incidents/{incident_id}/acknowledge")
def acknowledge(request: HttpRequest, incident_id: str) -> dict[str, Any]:
    """Take it: it is not repeated any more."""
    incident = auth.find(auth.incidents(request), incident_id)
    return _answer(request, incident, act.acknowledge(incident.pk, auth.actor_of(request), clock.now()))


@router.post("/incidents/{incident_id}/resolve")
def resolve(request: HttpRequest, incident_id: str) -> dict[str, Any]:
    """Close it by hand."""
    incident = auth.find(auth.incidents(request), incident_id)
    return _answer(request, incident, act.resolve(incident.pk, auth.actor_of(request), clock.now()))


@router.post("/incidents/{incident_id}/snooze")
def snooze(request: HttpRequest, incident_id: str, asked: Until) -> dict[str, Any]:
    """Mute it until then; a rise in severity breaks the silence."""
    incident = auth.find(auth.incidents(request), incident_id)
    if utc(asked.until, "until") > clock.now() + LONGEST_SNOOZE:
        raise wrong("until", "is more than 30 days away; resolve the incident, or pause the monitor")
    done = act.snooze(incident.pk, utc(asked.until, "until"), auth.actor_of(request), clock.now())
    return _answer(request, incident, done)


@router.post("/incidents/{incident_id}/notes")
def note(request: HttpRequest, incident_id: str, asked: Note) -> dict[str, Any]:
    """Write something on the timeline."""
    incident = auth.find(auth.incidents(request), incident_id)
    return _answer(request, incident, act.note(incident.pk, asked.text, auth.actor_of(request), clock.now()))


def _answer(request: HttpRequest, incident: Incident, done: act.Acted) -> dict[str, Any]:
    if not done.ok:
        raise Problem(409, done.sentence)
    return incident_in_full(auth.find(auth.incidents(request), str(incident.pk)))
