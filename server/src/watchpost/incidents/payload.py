"""The incident object that the API answers and channels send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core import signing

from watchpost.core.types import Severity
from watchpost.incidents.models import Incident, IncidentMember

ACTIONS = ("acknowledge", "resolve", "snooze")
SALT = "incident-action"


def stamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and Z."""
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def incident_object(incident: Incident, members: Sequence[IncidentMember]) -> dict[str, Any]:
    """The shape promised in the docs. ``members`` come with their monitor and its state."""
    return {
        "id": str(incident.pk),
        "project": incident.project.slug,
        "project_name": incident.project.name,
        "environment": incident.environment,
        "title": incident.title,
        "state": incident.state,
        "severity": Severity(incident.severity).word,
        "began_at": stamp(incident.began_at),
        "detected_at": stamp(incident.detected_at),
        "resolved_at": stamp(incident.resolved_at),
        "acknowledged_by": incident.acknowledged_by or None,
        "causes": incident.causes,
        "monitors": monitor_rows(members),
        "url": f"{settings.SITE_URL}/incidents/{incident.pk}/",
    }


def monitor_rows(members: Sequence[IncidentMember]) -> list[dict[str, Any]]:
    rows: dict[int, dict[str, Any]] = {}
    for member in members:
        monitor = member.monitor
        rows[monitor.pk] = {
            "id": str(monitor.pk),
            "name": monitor.name,
            "kind": monitor.kind,
            "state": monitor.state.shown,
        }
    return list(rows.values())


def signed_links(incident_id: int) -> Mapping[str, str]:
    """Links that act without signing in, good for a week; each opens a page that asks first."""
    links = {
        do: f"{settings.SITE_URL}/i/{signing.dumps({'incident': incident_id, 'do': do}, salt=SALT)}/"
        for do in ACTIONS
    }
    return links | {"page": f"{settings.SITE_URL}/incidents/{incident_id}/"}
