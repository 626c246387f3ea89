"""Rows as checks: what Healthchecks' API, badges and metrics tell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from watchpost.core.heartbeat import Status
from watchpost.engine.load import away_between
from watchpost.hcapi.shape import Check, Logged, key_of
from watchpost.heartbeats.configs import read_config
from watchpost.heartbeats.models import Heartbeat
from watchpost.heartbeats.rows import EPOCH, beat_of_row, time_of
from watchpost.heartbeats.store import KEPT, PRUNE_EVERY
from watchpost.incidents.models import Channel
from watchpost.monitors.models import Project


class Elsewhere(Exception):
    """The check belongs to another project."""


def rows_of(project: Project) -> QuerySet[Heartbeat]:
    return Heartbeat.objects.filter(project=project).select_related("monitor__project").order_by("pk")


def find_row(project: Project, code: UUID) -> Heartbeat | None:
    """None: there is none. Raises Elsewhere."""
    row = Heartbeat.objects.select_related("monitor__project").filter(code=code).first()
    if row is not None and row.project_id != project.pk:
        raise Elsewhere
    return row


def find_by_key(project: Project, unique_key: str) -> Heartbeat | None:
    return next((row for row in rows_of(project) if key_of(row.code) == unique_key), None)


def check_of(row: Heartbeat, now: datetime) -> Check:
    return checks_of([row], now)[0]


def checks_of(rows: Iterable[Heartbeat], now: datetime) -> list[Check]:
    """As the engine sees them: time in which this server was away is no miss."""
    checks = [_read(row) for row in rows]
    if not any(one.beat.status is not Status.DOWN and one.status(now) == "down" for one in checks):
        return checks
    gaps = away_between(now)
    return [one.with_absence(gaps) for one in checks] if gaps else checks


def _read(row: Heartbeat) -> Check:
    """A check without a name is a monitor whose name is its code: pages and messages need one."""
    monitor = row.monitor
    return Check(
        code=row.code,
        badge_key=row.badge_key,
        name="" if monitor.name == str(row.code) else monitor.name,
        slug=row.slug,
        tags=tuple(monitor.tags),
        config=read_config(row.code.hex, monitor.revision, monitor.config),
        beat=beat_of_row(row, monitor.paused),
    )


def channels_of(project: Project) -> QuerySet[Channel]:
    """Those that hear the project: a channel that names no project hears all."""
    heard = Q(projects=project) | Q(projects=None)
    return Channel.objects.filter(heard).distinct().order_by("pk")


def channels_text(project: Project) -> str:
    """Their ids as a check tells them."""
    return ",".join(sorted(str(key) for key in channels_of(project).values_list("pk", flat=True)))


_LOGGED = (
    "SELECT n, at, sign, scheme, address, method, agent, run, body IS NOT NULL FROM heartbeats_ping "
    "WHERE monitor_id = %s ORDER BY n DESC LIMIT %s"
)


def logged_of(row: Heartbeat) -> list[Logged]:
    """All that is kept of its pings, newest first, without their bodies: some are older than what is shown,
    for a run may have begun there."""
    with connection.cursor() as cursor:
        cursor.execute(_LOGGED, [row.pk, KEPT + PRUNE_EVERY])
        found = cursor.fetchall()
    return [
        Logged(n, time_of(at) or EPOCH, sign, scheme, address, method, agent, run, bool(has_body))
        for n, at, sign, scheme, address, method, agent, run, has_body in found
    ]


def body_of(row: Heartbeat, n: int) -> bytes | None:
    """What a ping brought; None: nothing, or the ping is not shown any more."""
    if n <= row.pings - KEPT or n > row.pings:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM heartbeats_ping WHERE monitor_id = %s AND n = %s", [row.pk, n])
        found = cursor.fetchone()
    return bytes(found[0]) if found and found[0] else None
