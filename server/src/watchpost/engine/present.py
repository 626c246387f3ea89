"""What people are told is how it is when they are told: a message may have waited for others, or for a mail
server, and monitors may have recovered meanwhile. Webhooks hear every step, as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from watchpost.incidents.models import Delivery, Incident, IncidentMember
from watchpost.incidents.outbox import note
from watchpost.incidents.payload import incident_object


@dataclass(frozen=True, slots=True)
class Part:
    """What one message tells: rows of one incident, oldest first. ``now``: the incident as it is, if that
    counts and not what was queued."""

    rows: tuple[Delivery, ...]
    event: str
    now: Mapping[str, Any] | None = None
    is_held: bool = False  # all are up again, and it is open until they hold still

    @property
    def reasons(self) -> str:
        """What led there; of an incident that is held, only that."""
        rows = self.rows[-1:] if self.is_held else self.rows
        said = list(dict.fromkeys(str(row.payload.get("reason", "")).strip() for row in rows))
        more = f" And {len(said) - 3} more." if len(said) > 3 else ""
        return " ".join(said[:3]) + more


def renew(parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """The parts as they are now, and those of which everything is over."""
    told, over = list[Part](), list[Part]()
    for part in parts:
        incident = part.rows[0].incident
        if incident is None or part.event == "resolved":
            told.append(part)
        elif incident.state == Incident.State.RESOLVED:  # its end follows: a beginning is told before that
            (over if part.event == "updated" else told).append(part)
        else:
            renewed = _renewed(part, incident)
            (over if renewed is None else told).append(renewed or part)
    return told, over


def _renewed(part: Part, incident: Incident) -> Part | None:
    members = list(
        IncidentMember.objects.filter(incident=incident).select_related("monitor__state").order_by("id")
    )
    left = [row.left_at for row in members if row.left_at is not None]
    is_held = bool(members) and len(left) == len(members)
    if is_held and part.event == "updated" and part.rows[-1].created_at <= max(left):
        return None
    return replace(part, now=incident_object(incident, members), is_held=is_held)


def drop(parts: Sequence[Part], channel: str, now: datetime) -> None:
    """They leave the outbox; the timeline says why nobody got them."""
    for part in parts:
        Delivery.objects.filter(pk__in=[row.pk for row in part.rows]).delete()
        if part.rows[0].incident is not None:
            sentence = f"{channel} was not told ({part.event}): all of it was over before its turn came."
            note(part.rows[0].incident, now, "told", sentence)
