"""What people do to an incident: one synchronous way, from pages, API, links and engine alike.

Each action swaps the row by its ``version`` and writes outbox and change rows in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from watchpost.core.title import title
from watchpost.core.words import duration_words
from watchpost.incidents.case import causes_of, core_member
from watchpost.incidents.models import Incident, IncidentMember, IncidentShare
from watchpost.incidents.outbox import note as add_note
from watchpost.incidents.outbox import tell
from watchpost.monitors.changes import announce


@dataclass(frozen=True, slots=True)
class Acted:
    """``ok`` False means nothing was changed; the sentence says why."""

    ok: bool
    sentence: str


def acknowledge(incident_id: int, actor: str, now: datetime) -> Acted:
    """Take it: resends and escalation stop."""

    def change(incident: Incident) -> tuple[dict[str, Any], str, str] | Acted:
        if incident.state == Incident.State.ACKNOWLEDGED:
            return Acted(False, f"Already acknowledged by {incident.acknowledged_by}.")
        values = {"state": Incident.State.ACKNOWLEDGED, "acknowledged_at": now, "acknowledged_by": actor}
        return values, "acknowledged", f"{actor} acknowledged it."

    return _act(incident_id, actor, now, change)


def resolve(incident_id: int, actor: str, now: datetime) -> Acted:
    """Close it by hand; a new one opens only after a new transition or a rise."""

    def change(incident: Incident) -> tuple[dict[str, Any], str, str] | Acted:
        length = duration_words((now - incident.began_at).total_seconds())
        return ended_values(incident, now), "resolved", f"{actor} resolved it by hand after {length}."

    return _act(incident_id, actor, now, change)


def close(incident_id: int, sentence: str, actor: str, now: datetime) -> Acted:
    """End it for a reason that is nobody's judgement, such as a deleted monitor."""

    def change(incident: Incident) -> tuple[dict[str, Any], str, str] | Acted:
        return ended_values(incident, now), "resolved", sentence

    return _act(incident_id, actor, now, change)


def snooze(incident_id: int, until: datetime, actor: str, now: datetime) -> Acted:
    """Mute it until then; a rise in severity breaks the silence."""
    if until <= now:
        return Acted(False, "A snooze must end in the future.")

    def change(_: Incident) -> tuple[dict[str, Any], str, str] | Acted:
        length = duration_words((until - now).total_seconds())
        return {"snoozed_until": until}, "snoozed", f"{actor} snoozed it for {length}."

    return _act(incident_id, actor, now, change)


def note(incident_id: int, text: str, actor: str, now: datetime) -> Acted:
    """Write something on the timeline."""
    text = text.replace("\x00", "").strip()
    if not text:
        return Acted(False, "A note needs a text.")
    with transaction.atomic():
        incident = Incident.objects.filter(pk=incident_id).first()
        if incident is None:
            return Acted(False, "There is no such incident.")
        add_note(incident, now, "note", text[:4000], actor)
        announce("incident", incident_id, now)
    return Acted(True, "Noted.")


Change = Callable[[Incident], tuple[dict[str, Any], str, str] | Acted]


def _act(incident_id: int, actor: str, now: datetime, change: Change) -> Acted:
    with transaction.atomic():
        incident = Incident.objects.select_related("project").filter(pk=incident_id).first()
        if incident is None:
            return Acted(False, "There is no such incident.")
        if incident.state == Incident.State.RESOLVED:
            return Acted(False, "It is already resolved.")
        changed = change(incident)
        if isinstance(changed, Acted):
            return changed
        values, kind, sentence = changed
        if not swap(incident, values):
            return Acted(False, "Somebody else changed it at the same moment; look again.")
        add_note(incident, now, kind, sentence, actor)
        if kind != "snoozed":
            tell(incident, kind, sentence, now)
        announce("incident", incident_id, now)
    return Acted(True, sentence)


def ended_values(
    incident: Incident, ended: datetime, members: Sequence[IncidentMember] | None = None
) -> dict[str, Any]:
    """What its end writes. The title then names all who ever were in it, and its causes are those of all of
    it: what recovered last is not why it began."""
    values: dict[str, Any] = {"state": Incident.State.RESOLVED, "resolved_at": ended, "snoozed_until": None}
    if members is None:
        members = list(incident.members.select_related("monitor").order_by("id"))
    if len(members) > 1:
        everyone = [core_member(row) for row in members]
        values |= {"title": title(everyone, over=True), "causes": causes_of(everyone)}
    return values


def swap(incident: Incident, values: dict[str, Any]) -> bool:
    """Write ``values`` if nobody was faster; ``incident`` then carries them."""
    won = Incident.objects.filter(pk=incident.pk, version=incident.version).update(
        **values, version=incident.version + 1
    )
    if won and values.get("state") == Incident.State.RESOLVED:
        # Nobody joins it any more, and nobody is in it any more.
        IncidentShare.objects.filter(incident=incident).delete()
        IncidentMember.objects.filter(incident=incident, left_at=None).update(left_at=values["resolved_at"])
    if won:
        for name, value in (values | {"version": incident.version + 1}).items():
            setattr(incident, name, value)
    return bool(won)
