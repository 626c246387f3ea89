"""What becomes of incidents whose monitor is deleted; reached through ``monitors/edit.py``."""

from __future__ import annotations

from datetime import datetime

from watchpost.incidents import act, outbox
from watchpost.incidents.models import Incident, IncidentMember
from watchpost.monitors.changes import announce
from watchpost.monitors.models import Monitor


def leave_incidents(monitor: Monitor, actor: str, now: datetime) -> None:
    """Those with other members go on; the others are over, and are told with the reason. Part of the
    transaction that deletes the monitor."""
    sentence = f"The monitor {monitor.name} was deleted by {actor}."
    members = IncidentMember.objects.filter(left_at=None).exclude(incident__state="resolved")
    mine = members.filter(monitor=monitor)
    for incident in Incident.objects.select_related("project").filter(pk__in=mine.values("incident")):
        alone = not members.filter(incident=incident).exclude(monitor=monitor).exists()
        if alone and _close(incident, now):
            mine.filter(incident=incident).update(left_at=now)
            outbox.note(incident, now, "resolved", sentence, actor)
            outbox.tell(incident, "resolved", sentence, now)
        else:
            outbox.note(incident, now, "note", sentence, actor)
        announce("incident", incident.pk, now)


def _close(incident: Incident, now: datetime) -> bool:
    """Not by hand: the timeline must not say that somebody judged it to be over."""
    return act.swap(incident, {"state": Incident.State.RESOLVED, "resolved_at": now, "snoozed_until": None})
