"""A heartbeat that makes itself known: ``?create=1`` on an address with a slug."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from watchpost.heartbeats.models import Heartbeat
from watchpost.monitors import edit
from watchpost.monitors.models import Project


def make_from_ping(key: str, slug: str, now: datetime) -> bool:
    """Whether there is a heartbeat now. As Healthchecks makes it: expected daily, at most an hour late."""
    try:
        project = Project.objects.filter(ping_key=key).first()
        if project is None:
            return False
        if not Heartbeat.objects.filter(project=project, slug=slug).exists():
            spec = {"kind": "heartbeat", "name": slug, "period": "1d", "grace": "1h"}
            edit.create_monitor(project, spec | _slugs(project, slug), now)
        return True
    except edit.Invalid:  # somebody else's ping was faster
        return Heartbeat.objects.filter(project__ping_key=key, slug=slug).exists()
    finally:
        connection.close()


def _slugs(project: Project, slug: str) -> dict[str, str]:
    """A monitor's slug is its identity and may be taken by a page; then another one is found."""
    plain = slug.replace("_", "-").strip("-")[:50] or "heartbeat"
    taken = set(project.monitors.filter(slug__startswith=plain).values_list("slug", flat=True))
    free = next(name for n in range(1, 10_000) if (name := plain if n == 1 else f"{plain}-{n}") not in taken)
    return {"slug": free} if free == slug else {"slug": free, "ping_slug": slug}
