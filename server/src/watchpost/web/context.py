"""What every page's frame shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from watchpost import clock
from watchpost.accounts.access import visible_projects
from watchpost.accounts.models import User
from watchpost.incidents.models import Channel, Incident
from watchpost.monitors.models import AliveSpan
from watchpost.web.channel_pages import seen_channels
from watchpost.web.reach import failing_for, troubles

SILENT = timedelta(seconds=90)


def frame(request: HttpRequest) -> dict[str, Any]:
    """How many incidents are open, whether anybody would be told, whether the engine looks."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nobody_yet": lambda: not User.objects.exists()}
    unresolved = Incident.objects.exclude(state=Incident.State.RESOLVED)
    return {
        "open_count": unresolved.filter(project__in=visible_projects(user)).count(),
        "nobody_told": why_nobody_is_told(),
        "untold": troubles(seen_channels(user).order_by("name"), failing_for(request)),
        "engine_seen": _engine_silent_since(),
        "mark": getattr(request, "mark", ""),
        "zone_key": timezone.get_current_timezone_name(),
    }


def why_nobody_is_told() -> str:
    """Empty once one message of any channel arrived."""
    rows = list(Channel.objects.values_list("enabled", "broken", "delivered_at"))
    working = [delivered for enabled, broken, delivered in rows if enabled and not broken]
    if any(working):
        return ""
    if not rows:
        return "there is no channel yet."
    return "no message has arrived anywhere yet." if working else "every channel is switched off or broken."


def _engine_silent_since() -> Any:
    last = AliveSpan.objects.order_by("-id").values_list("alive_at", flat=True).first()
    return last if last and clock.now() - last > SILENT else None
