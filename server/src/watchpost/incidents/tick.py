"""What only time does to open incidents: resends, the end of snoozes, of windows and of flapping."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from watchpost.core import incident as core
from watchpost.core.words import duration_words
from watchpost.incidents.act import swap
from watchpost.incidents.case import core_member, snapshot
from watchpost.incidents.desk import close, flap
from watchpost.incidents.models import Incident, IncidentMember
from watchpost.incidents.outbox import Outbox, note, tell
from watchpost.monitors.models import Monitor

RESEND_S = 4 * 3600.0  # of an incident that has nobody left to ask


def tell_still_down(monitor_id: int, reason: str, outbox: Outbox) -> None:
    """A window ended and the trouble is still there: say so, with the original beginning."""
    for incident in (
        Incident.objects.filter(members__monitor_id=monitor_id, members__left_at=None)
        .exclude(state="resolved")
        .select_related("project")
        .distinct()
    ):
        outbox.note(incident, "told", reason)
        outbox.tell(incident, "updated", reason)


def pass_time(now: datetime) -> None:
    """What only time does to open incidents. Reads at once those for which it may be time: thousands may be
    open."""
    for row in _ripe(now).select_related("project").prefetch_related("members__monitor__state"):
        act = _due_act(row, now)
        if act is not None:
            with transaction.atomic():
                act()


def _ripe(now: datetime) -> QuerySet[Incident]:
    """No fewer than those with something due: told longest ago, snoozed until now, all up again."""
    least = Monitor.objects.filter(resend_s__gt=0).aggregate(least=Min("resend_s"))["least"]
    told = Q(last_told_at__lte=now - timedelta(seconds=min(least or RESEND_S, RESEND_S)))
    inside = Exists(IncidentMember.objects.filter(incident=OuterRef("pk"), left_at=None))
    rows = Incident.objects.exclude(state="resolved")
    return rows.filter(told | Q(snoozed_until__lte=now) | ~inside)


def _due_act(row: Incident, now: datetime) -> Callable[[], None] | None:
    """What time asks for, if anything."""
    seen = snapshot(row, tuple(core_member(member) for member in row.members.all()))
    if all(member.left_at for member in seen.members):
        return None if flap(row.members.all()) else lambda: _release(row, seen, now)
    if core.snooze_over(seen, now):
        return lambda: _end_snooze(row, now)
    if core.tell_again(seen, _resend_s(row), now):
        return lambda: _tell_again(row, now)
    return None


def _release(row: Incident, seen: core.OpenIncident, now: datetime) -> None:
    """An incident whose members all left was held open by flapping; they hold still now."""
    outbox = Outbox(now)
    close(row, max((m.left_at for m in seen.members if m.left_at), default=now), outbox)
    outbox.write()


def _end_snooze(row: Incident, now: datetime) -> None:
    if swap(row, {"snoozed_until": None}):
        note(row, now, "told", "The snooze ended and it is not over.")
        tell(row, "updated", "The snooze ended and it is not over.", now)


def _tell_again(row: Incident, now: datetime) -> None:
    length = duration_words((now - row.began_at).total_seconds())
    sentence = f"Still not over after {length}, and nobody has acknowledged it."
    note(row, now, "told", sentence)
    tell(row, "updated", sentence, now)


def _resend_s(row: Incident) -> float:
    return min(
        (member.monitor.resend_s for member in row.members.all() if member.left_at is None),
        default=RESEND_S,
    )
