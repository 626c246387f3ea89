"""What becomes of incidents whose monitor is deleted; reached through ``monitors/edit.py``."""

from __future__ import annotations

from datetime import datetime

from watchpost.incidents import act
from watchpost.incidents.models import Incident, IncidentMember
from watchpost.monitors.models import Monitor


def leave_incidents(monitor: Monitor, actor: str, now: datetime) -> None:
    """Those with other members go on; the others are over, and are told with the reason. Part of the
    transaction that deletes the monitor."""
    sentence = f"The monitor {monitor.name} was deleted by {actor}."
    members = IncidentMember.objects.filter(left_at=None).exclude(incident__state="resolved")
    mine = members.filter(monitor=monitor)
    for incident in Incident.objects.filter(pk__in=mine.values("incident")):
        others = members.filter(incident=incident).exclude(monitor=monitor).exists()
        if others or not act.close(incident.pk, sentence, actor, now).ok:
            act.note(incident.pk, sentence, actor, now)
