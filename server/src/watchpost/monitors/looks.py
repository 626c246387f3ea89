"""Single looks and roll-ups of one monitor, read by the key they lie by: (monitor, location, ...).

A query that leaves the location out reads the monitor's whole history, however short the time it asks for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from watchpost.monitors.models import Look, Rollup


def looks_of(monitor_id: int) -> QuerySet[Look]:
    """One location is asked for by itself: then the rows lie in the order of time, and none are sorted."""
    places = locations_of(Look, monitor_id)
    rows = Look.objects.filter(monitor_id=monitor_id)
    return rows.filter(location=places[0]) if len(places) == 1 else rows.filter(location__in=places)


def looks_of_many(monitor_ids: Iterable[int]) -> QuerySet[Look]:
    ids = list(monitor_ids)
    places = {location for pk in ids for location in locations_of(Look, pk)}
    return Look.objects.filter(monitor_id__in=ids, location__in=places)


def rollups_of(monitor_id: int, span: int) -> QuerySet[Rollup]:
    places = locations_of(Rollup, monitor_id)
    return Rollup.objects.filter(monitor_id=monitor_id, location__in=places, span=span)


def newest_look_ms(monitor_id: int) -> int | None:
    """When it was last looked at: one seek for each location."""
    newest = [_newest(monitor_id, location) for location in locations_of(Look, monitor_id)]
    return max((at for at in newest if at is not None), default=None)


def last_looks(monitor_id: int, count: int) -> list[Look]:
    """The newest ones, newest first."""
    rows = [
        row
        for location in locations_of(Look, monitor_id)
        for row in Look.objects.filter(monitor_id=monitor_id, location=location).order_by("-at")[:count]
    ]
    return sorted(rows, key=lambda row: -row.at)[:count]


def locations_of(table: type[Look] | type[Rollup], monitor_id: int) -> list[str]:
    """Where it was looked at from, by seeking from one to the next: there are few, and many rows."""
    found: list[str] = []
    rows: QuerySet[Any] = table._default_manager.filter(monitor_id=monitor_id).order_by("location")
    while (location := _after(rows, found[-1] if found else "")) is not None:
        found.append(location)
    return found


def _after(rows: QuerySet[Any], location: str) -> str | None:
    return rows.filter(location__gt=location).values_list("location", flat=True).first()


def _newest(monitor_id: int, location: str) -> int | None:
    rows = Look.objects.filter(monitor_id=monitor_id, location=location).order_by("-at")
    return rows.values_list("at", flat=True).first()
