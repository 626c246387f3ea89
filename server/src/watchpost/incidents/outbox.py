"""Rows of the outbox, written in the transaction of what they tell about."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from watchpost.core.route import Chosen, Event, Route, route
from watchpost.core.types import Severity
from watchpost.incidents.models import Channel, Delivery, Incident, IncidentMember, TimelineEntry
from watchpost.incidents.payload import incident_object
from watchpost.registry import channels as channel_kinds

HELD = "up again; the incident is held open until"  # by this it is known that somebody was told


class Outbox:
    """What one transaction has to tell: routes are read once, rows are stored together.

    In a storm hundreds of incidents open in one transaction; a statement for each row of each would be what
    holds up the alert.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._notes: list[TimelineEntry] = []
        self._rows: list[Delivery] = []
        self._told: set[int] = set()  # incidents people hear of
        self._heard: dict[
            int, frozenset[int]
        ] = {}  # channels that heard of an incident, as far as it was read
        self._routes: tuple[Route, ...] | None = None
        self._humans: frozenset[int] | None = None

    def expect(self, incident_ids: Iterable[int], new: bool = False) -> None:
        """Read who heard of these, all at once. ``new``: nobody can have."""
        missing = [pk for pk in incident_ids if pk not in self._heard]
        found: dict[int, set[int]] = {pk: set() for pk in missing}
        if missing and not new:
            for incident, channel in _hearings(missing):
                found[incident].add(channel)
        self._heard |= {pk: frozenset(heard) for pk, heard in found.items()}

    def note(self, incident: Incident, kind: str, sentence: str, actor: str = "") -> None:
        self._notes.append(
            TimelineEntry(incident=incident, at=self.now, kind=kind, sentence=sentence, actor=actor)
        )

    def tell(
        self,
        incident: Incident,
        event: str,
        reason: str,
        people: bool = True,
        wait_s: float = 0.0,
        members: Sequence[IncidentMember] | None = None,
        but: int | None = None,
    ) -> list[int]:
        """Queue ``event`` for every channel it concerns; ids of the channels.

        ``people`` False holds it back from channels for people (damped, snoozed), ``wait_s`` lets it wait
        there for more of the kind: webhooks always hear, and at once. ``members`` if they were read.
        ``but`` is a channel the news is about.
        """
        chosen = tuple(choice for choice in self._choose(incident, event, reason) if choice.channel_id != but)
        humans = self._for_people() if wait_s or not people else frozenset[int]()
        if not people:
            chosen = tuple(choice for choice in chosen if choice.channel_id not in humans)
        if not chosen:
            if event == "opened":
                self.note(
                    incident, "failed", "Nobody was told: no channel hears this project at this severity."
                )
            return []
        if members is None:
            rows = IncidentMember.objects.filter(incident=incident)
            members = list(rows.select_related("monitor__state").order_by("id"))
        payload = incident_object(incident, members)
        for choice in chosen:
            late_s = wait_s if choice.channel_id in humans else 0.0
            self._rows.append(self._row(incident, event, reason, payload, choice, late_s))
        told = [choice.channel_id for choice in chosen]
        self._heard[incident.pk] |= frozenset(told)
        if people:
            self._told.add(incident.pk)
            incident.last_told_at = self.now
        return told

    def write(self) -> None:
        """Store what was said. Rows keep the order in which they were."""
        TimelineEntry.objects.bulk_create(self._notes)
        Delivery.objects.bulk_create(self._rows)
        if self._told:
            Incident.objects.filter(pk__in=self._told).update(last_told_at=self.now)
        self._notes, self._rows, self._told = [], [], set()

    def _choose(self, incident: Incident, event: str, reason: str) -> tuple[Chosen, ...]:
        if self._routes is None:
            self._routes = load_routes()
        self.expect([incident.pk])
        what = Event(event, incident.project_id, Severity(incident.severity), reason)
        return route(what, self._routes, self._heard[incident.pk])

    def _for_people(self) -> frozenset[int]:
        if self._humans is None:
            self._humans = _channels_for_people()
        return self._humans

    def _row(
        self,
        incident: Incident,
        event: str,
        reason: str,
        payload: Mapping[str, Any],
        choice: Chosen,
        wait_s: float,
    ) -> Delivery:
        delivery_id = uuid.uuid4().hex
        return Delivery(
            delivery_id=delivery_id,
            channel_id=choice.channel_id,
            incident=incident,
            event=event,
            payload={**payload, "event": event, "delivery_id": delivery_id, "reason": reason},
            reason=choice.reason,
            created_at=self.now,
            next_attempt_at=self.now + timedelta(seconds=wait_s),
        )


def tell(incident: Incident, event: str, reason: str, now: datetime, but: int | None = None) -> list[int]:
    """Queue one message, alone: see ``Outbox.tell``."""
    outbox = Outbox(now)
    told = outbox.tell(incident, event, reason, but=but)
    outbox.write()
    return told


def note(incident: Incident, now: datetime, kind: str, sentence: str, actor: str = "") -> None:
    """One line of the timeline, alone."""
    TimelineEntry.objects.create(incident=incident, at=now, kind=kind, sentence=sentence, actor=actor)


def is_hold_news(incident: Incident, now: datetime) -> bool:
    """Whether people were told of trouble and, unless it is snoozed, have yet to hear that all are up again.
    What is pending nobody has heard; if all of it is over, nobody ever will."""
    if incident.snoozed_until is not None and incident.snoozed_until > now:
        return False
    rows = Delivery.objects.filter(incident=incident, channel__in=_channels_for_people()).order_by("id")
    heard = dict.fromkeys(rows.values_list("channel_id", flat=True), "")
    heard |= rows.exclude(state="pending").values_list("channel_id", "payload__reason")
    return any(HELD not in str(reason) for reason in heard.values())


def _channels_for_people() -> frozenset[int]:
    names = [name for name, kind in channel_kinds().items() if kind.bundles]
    return frozenset(Channel.objects.filter(kind__in=names).values_list("pk", flat=True))


def load_routes() -> tuple[Route, ...]:
    rows = Channel.objects.prefetch_related("projects").order_by("name")
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


def _hearings(incident_ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Which channels heard of which of these incidents before: they hear its end too."""
    rows = Delivery.objects.filter(incident__in=incident_ids).order_by()
    for incident, channel in rows.values_list("incident_id", "channel_id").distinct():
        if incident is not None:
            yield incident, channel
