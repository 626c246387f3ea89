"""Rows of the outbox, written in the transaction of what they tell about."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from watchpost.core.route import Event, Route, route
from watchpost.core.types import Severity
from watchpost.incidents.models import Channel, Delivery, Incident, IncidentMember, TimelineEntry
from watchpost.incidents.payload import incident_object
from watchpost.registry import channels as channel_kinds

HELD = "up again; the incident is held open until"  # by this it is known that somebody was told


def tell(
    incident: Incident,
    event: str,
    reason: str,
    now: datetime,
    people: bool = True,
    wait_s: float = 0.0,
    members: Sequence[IncidentMember] | None = None,
    but: int | None = None,
) -> list[int]:
    """Queue ``event`` for every channel it concerns; ids of the channels.

    ``people`` False holds it back from channels for people (damped, snoozed), ``wait_s`` lets it wait
    there for more of the kind: webhooks always hear, and at once. ``members`` if the caller has read them.
    ``but`` is a channel the news is about.
    """
    chosen = route(
        Event(event, incident.project_id, Severity(incident.severity), reason),
        load_routes(),
        told_of(incident),
    )
    chosen = tuple(choice for choice in chosen if choice.channel_id != but)
    humans = _channels_for_people() if wait_s or not people else frozenset[int]()
    if not people:
        chosen = tuple(choice for choice in chosen if choice.channel_id not in humans)
    if not chosen:
        _note_silence(incident, event, now)
        return []
    if members is None:
        rows = IncidentMember.objects.filter(incident=incident)
        members = list(rows.select_related("monitor__state").order_by("id"))
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
            next_attempt_at=now + timedelta(seconds=wait_s if choice.channel_id in humans else 0.0),
        )
    if people:
        Incident.objects.filter(pk=incident.pk).update(last_told_at=now)
        incident.last_told_at = now
    return [choice.channel_id for choice in chosen]


def is_hold_news(incident: Incident, now: datetime) -> bool:
    """Whether people were told of trouble and, unless it is snoozed, have yet to hear that all are up again.
    What is pending nobody has heard; if all of it is over, nobody ever will."""
    if incident.snoozed_until is not None and incident.snoozed_until > now:
        return False
    rows = Delivery.objects.filter(incident=incident, channel__in=_channels_for_people()).order_by("id")
    heard = dict.fromkeys(rows.values_list("channel_id", flat=True), "")
    heard |= rows.exclude(state="pending").values_list("channel_id", "payload__reason")
    return any(HELD not in str(reason) for reason in heard.values())


def _note_silence(incident: Incident, event: str, now: datetime) -> None:
    if event == "opened":
        note(incident, now, "failed", "Nobody was told: no channel hears this project at this severity.")


def _channels_for_people() -> frozenset[int]:
    names = [name for name, kind in channel_kinds().items() if kind.bundles]
    return frozenset(Channel.objects.filter(kind__in=names).values_list("pk", flat=True))


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
    rows = Delivery.objects.filter(incident=incident).order_by()
    return frozenset(rows.values_list("channel_id", flat=True).distinct())


def note(incident: Incident, now: datetime, kind: str, sentence: str, actor: str = "") -> None:
    TimelineEntry.objects.create(incident=incident, at=now, kind=kind, sentence=sentence, actor=actor)
