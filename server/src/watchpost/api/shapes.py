"""Rows as the objects the API promises. Ids are strings, ``project`` is the slug, times ISO 8601 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from watchpost.core.types import Severity
from watchpost.incidents.models import Channel, Incident
from watchpost.incidents.payload import incident_object, stamp
from watchpost.monitors.edit import channel_spec_of, spec_of
from watchpost.monitors.models import Look, MaintenanceWindow, Monitor, Project


def moment_of(milliseconds: int) -> str | None:
    return stamp(datetime.fromtimestamp(milliseconds / 1000, UTC))


def project_object(project: Project) -> dict[str, Any]:
    return {
        "id": str(project.pk),
        "slug": project.slug,
        "name": project.name,
        "created_at": stamp(project.created_at),
    }


def monitor_object(monitor: Monitor) -> dict[str, Any]:
    """``spec`` is the monitor in the shape of the file, secrets as ``${NAME}``."""
    state, last = getattr(monitor, "state", None), getattr(monitor, "last", None)
    return {
        "id": str(monitor.pk),
        "project": monitor.project.slug,
        "slug": monitor.slug,
        "name": monitor.name,
        "kind": monitor.kind,
        "environment": monitor.environment,
        "tags": monitor.tags,
        "paused": monitor.paused,
        "state": state.shown if state else "new",
        "since": stamp(state.since) if state else None,
        "reason": state.reason if state else "",
        "flapping": bool(state and state.flapping),
        "last": last_object(last) if last else None,
        "spec": spec_of(monitor),
    }


def last_object(last: Any) -> dict[str, Any]:
    return {
        "at": moment_of(last.at),
        "outcome": last.outcome,
        "total_ms": last.total_ms,
        "phases_ms": last.phases,
        "address": last.address,
        "findings": findings_of(last.findings),
    }


def findings_of(rows: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    return [{key: row.get(key) for key in ("code", "severity", "sentence", "fix")} for row in rows or []]


def look_object(look: Look) -> dict[str, Any]:
    detail = look.detail or {}
    return {
        "at": moment_of(look.at),
        "location": look.location,
        "outcome": look.outcome,
        "severity": None if look.severity is None else Severity(look.severity).word,
        "total_ms": look.total_ms,
        "phases_ms": {
            "dns": look.dns_ms,
            "connect": look.connect_ms,
            "tls": look.tls_ms,
            "wait": look.wait_ms,
            "transfer": look.transfer_ms,
        },
        "address": look.address,
        "findings": findings_of(detail.get("findings")),
        "excerpt": detail.get("excerpt") or "",
    }


def incident_of(incident: Incident) -> dict[str, Any]:
    return incident_object(incident, list(incident.members.all()))


def incident_in_full(incident: Incident) -> dict[str, Any]:
    """The incident with its timeline and who was told."""
    deliveries = incident.deliveries.select_related("channel").order_by("id")
    return incident_of(incident) | {
        "snoozed_until": stamp(incident.snoozed_until),
        "timeline": [
            {"at": stamp(row.at), "kind": row.kind, "sentence": row.sentence, "actor": row.actor or None}
            for row in incident.timeline.all()
        ],
        "deliveries": [
            {
                "channel": row.channel.name,
                "event": row.event,
                "state": row.state,
                "reason": row.reason,
                "attempts": row.attempts,
                "delivered_at": stamp(row.delivered_at),
                "answer": row.answer,
            }
            for row in deliveries
        ],
    }


def channel_object(channel: Channel) -> dict[str, Any]:
    return {
        "id": str(channel.pk),
        "name": channel.name,
        "kind": channel.kind,
        "projects": sorted(project.slug for project in channel.projects.all()),
        "min_severity": Severity(channel.min_severity).word,
        "enabled": channel.enabled,
        "broken": channel.broken or None,
        "delivered_at": stamp(channel.delivered_at),
        "spec": channel_spec_of(channel),
    }


def window_object(window: MaintenanceWindow) -> dict[str, Any]:
    return {
        "id": str(window.pk),
        "project": window.project.slug,
        "monitors": [str(monitor.pk) for monitor in window.monitors.all()],
        "starts_at": stamp(window.starts_at),
        "ends_at": stamp(window.ends_at),
        "reason": window.reason,
        "created_by": window.created_by,
    }
