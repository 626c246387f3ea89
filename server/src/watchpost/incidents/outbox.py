"""Rows of the outbox, written in the transaction of what they tell about."""

from __future__ import annotations

import uuid
from datetime import datetime

from watchpost.core.route import Event, Route, route
from watchpost.core.types import Severity
from watchpost.incidents.models import Channel, Delivery, Incident, IncidentMember, TimelineEntry
from watchpost.incidents.payload import incident_object
from watchpost.registry import channels as channel_kinds


def tell(incident: Incident, event: str, reason: str, now: datetime, people: bool = True) -> list[int]:
    """Queue ``event`` for every channel it concerns; ids of the channels.

    ``people`` False holds it back from channels for people (damped, snoozed): webhooks always hear.
    """
    chosen = route(
        Event(event, incident.project_id, Severity(incident.severity), reason),
        load_routes(),
        told_of(incident),
    )
    if not people:
        quiet = {channel.pk for channel in Channel.objects.all() if channel_kinds()[channel.kind].bundles}
        chosen = tuple(choice for choice in chosen if choice.channel_id not in quiet)
    members = list(
        IncidentMember.objects.filter(incident=incident).select_related("monitor__state").order_by("id")
    )
    payload = incident_object(incident, members)
    for choice in chosen:
        delivery_id = uuid.uuid4().hex
        Delivery.objects.create(
            delivery_id=delivery_id,
            channel_id=choice.channel_id,
            incident=incident,
            event=event,
            payload=payload | {"event": event, "delivery_id": delivery_id, "reason": reason},
            reason=choice.reason,
            created_at=now,
            next_attempt_at=now,
        )
    if chosen and people:
        Incident.objects.filter(pk=incident.pk).update(last_told_at=now)
        incident.last_told_at = now
    if not chosen and event == "opened":
        note(incident, now, "failed", "Nobody was told: no channel hears this project at this severity.")
    return [choice.channel_id for choice in chosen]


def load_routes() -> tuple[Route, ...]:
    rows = Channel.objects.prefetch_related("projects")
    return tuple(
        Route(
            row.pk,
            row.name,
            frozenset(project.pk for project in row.projects.all()),
            Severity(row.min_severity),
            row.enabled and not row.broken,
        )
        for row in rows
    )


def told_of(incident: Incident) -> frozenset[int]:
    """Channels that heard of this incident before: they hear its end too."""
    return frozenset(Delivery.objects.filter(incident=incident).values_list("channel_id", flat=True))


def note(incident: Incident, now: datetime, kind: str, sentence: str, actor: str = "") -> None:
    TimelineEntry.objects.create(incident=incident, at=now, kind=kind, sentence=sentence, actor=actor)
