"""A heartbeat that makes itself known: ``?create=1`` on an address with a slug."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from watchpost.heartbeats.models import Heartbeat
from watchpost.monitors import edit
from watchpost.monitors.models import Project


def make_from_ping(key: str, slug: str, now: datetime) -> bool:
    """Whether there is a heartbeat now. As Healthchecks makes it: expected daily, at most an hour late."""
    try:
        with transaction.atomic():
            project = Project.objects.select_for_update().filter(ping_key=key).first()  # one ping at a time
            if project is None:
                return False
            if Heartbeat.objects.filter(project=project, slug=slug).exists():
                return True
            if room_in(project, 2) <= 0:
                return False
            spec = {"kind": "heartbeat", "name": slug, "period": "1d", "grace": "1h"}
            edit.create_monitor(project, spec | slugs_of(project, slug), now)
            return True
    except edit.Invalid:  # somebody made a monitor of this name meanwhile
        return Heartbeat.objects.filter(project__ping_key=key, slug=slug).exists()
    finally:
        connection.close()


def room_in(project: Project, times: int = 1) -> int:
    """How many heartbeats may still be made by themselves, of ``times`` the limit."""
    most: int = settings.WATCHPOST["MAX_HEARTBEATS"] * times
    return most - Heartbeat.objects.filter(project=project).count()


def slugs_of(project: Project, slug: str, wanted: str = "") -> dict[str, str]:
    """The slug of a monitor whose pings come to ``slug``. It is its identity and may be taken by a page, or
    by a twin; then another one is found. ``wanted``: what to make it of instead."""
    plain = (wanted or slug).replace("_", "-").strip("-")[:50].strip("-") or "heartbeat"
    taken = set(project.monitors.filter(slug__startswith=plain).values_list("slug", flat=True))
    names = (plain if n == 1 else f"{plain}-{n}" for n in range(1, len(taken) + 2))
    free = next(name for name in names if name not in taken)
    return {"slug": free} if free == slug else {"slug": free, "ping_slug": slug}
