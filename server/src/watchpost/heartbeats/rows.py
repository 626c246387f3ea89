"""Rows of heartbeats: kept in step with their monitors, and read as beats and facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from watchpost.core.heartbeat import Beat, Status
from watchpost.heartbeats.models import Flip, Heartbeat
from watchpost.kinds.heartbeat.facts import facts_of
from watchpost.monitors.models import Monitor

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ms_of(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


def time_of(ms: int | None) -> datetime | None:
    return None if ms is None else EPOCH + timedelta(milliseconds=ms)


def keep_row(monitor: Monitor, config: Any) -> None:
    """What belongs to a monitor of this kind: made with it, and its address follows it."""
    slug = monitor.slug if config.ping_slug is None else config.ping_slug
    made, new = Heartbeat.objects.get_or_create(
        monitor=monitor, defaults={"project_id": monitor.project_id, "slug": slug}
    )
    if not new and made.slug != slug:
        Heartbeat.objects.filter(pk=monitor.pk).update(slug=slug)


def hold_row(monitor_id: int) -> None:
    """Ahead of the monitor's row, as a ping takes them: whoever takes them the other way round waits for a
    ping that waits for him."""
    list(Heartbeat.objects.select_for_update(of=("self",)).filter(pk=monitor_id).values_list("pk"))


def forget_past(monitor_id: int, now: datetime) -> None:
    """Paused or resumed by hand, in the transaction of that: what came before says nothing of what comes
    next. As Healthchecks: a pause ends the run that goes on, a resume forgets the last ping, too, and both
    are flips, which the engine has nothing to do with."""
    row = Heartbeat.objects.select_related("monitor").get(pk=monitor_id)
    paused = row.monitor.paused
    before, after = (row.status, Status.PAUSED) if paused else (Status.PAUSED, Status.NEW)
    kept = {} if paused else {"last_ping": None}
    Heartbeat.objects.filter(pk=monitor_id).update(
        status=Status.NEW, last_start=None, last_run="", trouble="", **kept
    )
    Flip.objects.create(
        monitor_id=monitor_id, at=ms_of(now), before=before, after=after, facts={}, handled=True
    )


def beat_of_row(row: Heartbeat, paused: bool) -> Beat:
    return Beat(
        Status.PAUSED if paused else Status(row.status),
        row.pings,
        time_of(row.last_ping),
        time_of(row.last_start),
        row.last_run,
        row.last_s,
        row.trouble,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What the engine is to make of one heartbeat: its flips nobody handled, oldest first, and how it is."""

    monitor_id: int
    flips: tuple[tuple[int, datetime, Mapping[str, Any]], ...]  # id, when, facts
    facts: Mapping[str, Any]


def tell(ids: Iterable[int]) -> list[Told]:
    """Of these monitors; one that was deleted meanwhile is left out."""
    wanted = list(ids)
    flips: dict[int, list[tuple[int, datetime, Mapping[str, Any]]]] = {}
    for flip in Flip.objects.filter(monitor_id__in=wanted, handled=False).order_by("id"):
        flips.setdefault(flip.monitor_id, []).append((flip.pk, time_of(flip.at) or EPOCH, flip.facts))
    rows = Heartbeat.objects.filter(pk__in=wanted).select_related("monitor")
    return [Told(row.pk, tuple(flips.get(row.pk, ())), facts_of_row(row)) for row in rows]


def facts_of_row(row: Heartbeat) -> dict[str, Any]:
    return facts_of(beat_of_row(row, row.monitor.paused), row.sign, row.exit_code, row.said)
