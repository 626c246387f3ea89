"""Somebody wants to know now: a look outside the schedule, which the engine takes up within moments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from watchpost.monitors.changes import announce
from watchpost.monitors.models import Change, Monitor
from watchpost.registry import kinds

GAP_S = 10  # between two looks at one monitor that people ask for: it is other people's machine


@dataclass(frozen=True, slots=True)
class Asked:
    """``ok`` False: nobody will be looked at, and the sentence says why. ``soon``: only because it was a
    moment ago."""

    ok: bool
    sentence: str
    soon: bool = False


def look_now(monitors: Iterable[Monitor], now: datetime) -> Asked:
    """Look at all of these that can be; those that were asked for a moment ago are left out."""
    wanted = list(monitors)
    able = [one for one in wanted if not one.paused and is_looking(one)]
    if not able:
        return Asked(False, _why_not(wanted))
    with transaction.atomic():
        lately = Change.objects.filter(topic="look", at__gt=now - timedelta(seconds=GAP_S), at__lte=now)
        asked = set(lately.values_list("key", flat=True))
        due = [one for one in able if str(one.pk) not in asked]
        for one in due:
            announce("look", one.pk, now)
    if not due:
        return Asked(
            False, f"A look was asked for less than {GAP_S} s ago; its result is about to come.", True
        )
    who = due[0].name if len(due) == 1 else f"{len(due)} monitors"
    return Asked(True, f"Looking at {who} now; the result shows in a moment.")


def is_looking(monitor: Monitor) -> bool:
    """Whether it asks somebody, so that a look can be asked for."""
    kind = kinds().get(monitor.kind)
    return kind is None or not kind.is_fed


def _why_not(monitors: list[Monitor]) -> str:
    if not monitors:
        return "There is nothing to look at: its monitors are deleted."
    if all(one.paused for one in monitors):
        it = f"{monitors[0].name} is" if len(monitors) == 1 else "All of them are"
        return f"{it} paused; resume to look again."
    if all(hasattr(one, "heartbeat") for one in monitors):
        return "Nobody is asked: its job reports by itself."
    return "Nobody is asked: it is judged by itself whenever a monitor that it counts changes."
