"""Heartbeats that are made by others than people: by a ping with ``?create=1``, by an API, by an import."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils.text import slugify

from watchpost.heartbeats.models import Heartbeat
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, Project


def make_from_ping(key: str, slug: str, now: datetime) -> bool:
    """Whether there is a heartbeat now. As Healthchecks makes it: expected daily, at most an hour late."""
    try:
        with transaction.atomic():
            projects = Project.objects.select_for_update(no_key=True)  # one ping at a time
            project = projects.filter(ping_key=key).first()
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


def make_with_code(project: Project, code: UUID, spec: Mapping[str, Any], now: datetime) -> Monitor:
    """A heartbeat whose uuid is given; without a name it is called by that. Raises edit.Invalid."""
    plain = spec.get("ping_slug", "")
    slugs = {"ping_slug": plain} | slugs_of(project, plain, plain or slugify(spec.get("name", "")))
    named = {"kind": "heartbeat", "name": spec.get("name") or str(code)}
    with transaction.atomic():
        monitor = edit.create_monitor(project, {**spec, **named, **slugs}, now)
        Heartbeat.objects.filter(pk=monitor.pk).update(code=code)
    return monitor


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
