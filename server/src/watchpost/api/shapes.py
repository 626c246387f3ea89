"""Rows as the objects the API promises. Ids are strings, ``project`` is the slug, times ISO 8601 in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from watchpost import clock
from watchpost.core.heartbeat import Span
from watchpost.core.types import Severity
from watchpost.engine.load import away_between
from watchpost.heartbeats.addresses import mail_addresses
from watchpost.heartbeats.rows import time_of
from watchpost.heartbeats.standing import standing_of
from watchpost.incidents.models import Channel, Incident
from watchpost.incidents.payload import incident_object, stamp
from watchpost.monitors.ask import is_looking
from watchpost.monitors.edit import channel_spec_of, spec_of
from watchpost.monitors.models import Look, MaintenanceWindow, Monitor, Project
from watchpost.monitors.parts import Part
from watchpost.monitors.recurrence import next_of, rule_words, windows_ahead
from watchpost.monitors.standing import held_back_by
from watchpost.monitors.window_spec import window_spec_of

SERIES_KEYS = ("slug", "weekly", "cron", "for", "timezone", "first_day", "last_day")


def moment_of(milliseconds: int) -> str | None:
    return stamp(datetime.fromtimestamp(milliseconds / 1000, UTC))


def project_object(project: Project) -> dict[str, Any]:
    return {
        "id": str(project.pk),
        "slug": project.slug,
        "name": project.name,
        "created_at": stamp(project.created_at),
    }


def monitor_object(monitor: Monitor, gaps: Sequence[Span] | None = None) -> dict[str, Any]:
    """``spec`` is the monitor in the shape of the file, secrets as ``${NAME}``. ``gaps``: when this server
    was away, if that was read already."""
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
        "held_back_by": [parent.slug for parent in held_back_by(monitor)],
        "last": last_object(last, is_looking(monitor)) if last else None,
        "spec": spec_of(monitor),
    } | ({"heartbeat": heartbeat_object(monitor, gaps)} if hasattr(monitor, "heartbeat") else {})


def heartbeat_object(monitor: Monitor, gaps: Sequence[Span] | None = None) -> dict[str, Any]:
    """How a job that reports by itself stands. Its addresses are not told here: they are all a ping needs."""
    now = clock.now()
    one = standing_of(monitor.heartbeat, now, away_between(now) if gaps is None else gaps)
    row = one.row
    return {
        "state": one.state,
        "next_due": stamp(one.due),
        "down_from": stamp(one.end.at) if one.end else None,
        "pings": row.pings,
        "last_ping": stamp(time_of(row.last_ping)),
        "running_since": stamp(time_of(row.last_start)),
        "last_run_s": row.last_s,
    }


NAMES = {"by_id": "ping_mail", "by_name": "ping_mail_by_name"}


def ping_addresses(monitor: Monitor) -> dict[str, str]:
    """By its id and, when it has a name, by the project's ping key; of mail where it is taken."""
    row, base = monitor.heartbeat, f"{settings.SITE_URL}/ping"
    by_name = {"ping_url_by_name": f"{base}/{monitor.project.ping_key}/{row.slug}"} if row.slug else {}
    mail = {NAMES[how]: address for how, address in mail_addresses(monitor).items()}
    return {"ping_url": f"{base}/{row.code}"} | by_name | mail


def part_object(part: Part) -> dict[str, Any]:
    """An inner check or its like: as the last look saw it, since when, and its newest change."""
    row, changed = part.row, part.changed
    newest = None
    if changed is not None:
        newest = {"at": stamp(changed.at), "before": changed.before, "after": changed.after}
        newest |= {"reason": changed.reason}
    return {
        "part": row.part,
        "state": row.state,
        "since": stamp(part.since),
        "says": row.says,
        "value": row.value,
        "unit": row.unit,
        "about": list(row.more),
        "last_change": newest,
    }


def last_object(last: Any, is_measured: bool = True) -> dict[str, Any]:
    """Of one that asks nobody (``is_measured`` False) there is no time to tell."""
    return {
        "at": moment_of(last.at),
        "outcome": last.outcome,
        "total_ms": last.total_ms if is_measured else None,
        "phases_ms": last.phases if is_measured else None,
        "address": last.address,
        "findings": findings_of(last.findings),
    }


def findings_of(rows: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    keys = ("code", "subject", "severity", "sentence", "fix")
    return [{key: row.get(key) for key in keys} for row in rows or []]


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
    return incident_object(incident, sorted(incident.members.all(), key=lambda member: member.pk))


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


def window_object(window: MaintenanceWindow, now: datetime) -> dict[str, Any]:
    """One that comes once has ``starts_at`` and ``ends_at``, a series the keys of the file beside ``rule``
    in words; ``next`` is what runs and what follows, three together."""
    spec = window_spec_of(window) if window.starts_at is None else {}
    return {
        "id": str(window.pk),
        "project": window.project.slug,
        "monitors": [str(pk) for pk in sorted(monitor.pk for monitor in window.monitors.all())],
        "starts_at": stamp(window.starts_at),
        "ends_at": stamp(window.ends_at),
        "name": window.name,
        **{key: spec.get(key) for key in SERIES_KEYS},
        "rule": rule_words(window) or None,
        "paused": window.paused,
        "next": [_stretch(*stretch) for stretch in next_of(window, now)],
        "reason": window.reason,
        "created_by": window.created_by,
    }


def _stretch(start: datetime, end: datetime) -> dict[str, Any]:
    return {"starts_at": stamp(start), "ends_at": stamp(end)}


def next_windows(
    project: Project, now: datetime, monitor: Monitor | None = None, count: int = 3
) -> list[dict[str, Any]]:
    """What runs and what comes next in the project, or over the monitor, whichever series it is of."""
    found = [
        (start, end, row)
        for row in windows_ahead(project, now, monitor)
        for start, end in next_of(row, now, count)
    ]
    found.sort(key=lambda one: (one[0], one[1], one[2].pk))
    return [
        {"window": str(row.pk), "name": row.name or row.reason} | _stretch(start, end)
        for start, end, row in found[:count]
    ]
