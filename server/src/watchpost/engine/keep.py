"""Roll-ups and retention, in small steps so that no writer waits long. Runs in the database thread.

Roll-ups are made from raw rows once an hour is over, so a crash costs nothing: what is not rolled up
yet is rolled up later, and raw rows are deleted only after their hour was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from watchpost.core.sketch import Sketch
from watchpost.incidents.models import Delivery, Incident
from watchpost.monitors.models import Change, Fact, Look, Monitor, Rollup, Transition

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
HOUR, DAY = 1, 2
LATE_MS = 5 * 60_000  # looks are stored within seconds; this much later an hour is complete


def roll_up(now_ms: int, most: int = 40) -> int:
    """Roll up at most ``most`` monitors' oldest missing hour; how many were done."""
    end = (now_ms - LATE_MS) // HOUR_MS * HOUR_MS
    done = _rolled_until()
    start = done or _first_hour()
    if start is None or start >= end:
        return 0
    return _roll_hour(start, most, now_ms)


def _rolled_until() -> int | None:
    fact = Fact.objects.filter(pk="rolled_until").first()
    return int(fact.value) if fact else None


def _first_hour() -> int | None:
    """The hour of the oldest raw look: one statement, one indexed seek a monitor."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min((SELECT min(at) FROM monitors_look WHERE monitor_id = monitors_monitor.id)) "
            "FROM monitors_monitor"
        )
        oldest = cursor.fetchone()[0]
    return None if oldest is None else int(oldest) // HOUR_MS * HOUR_MS


def _roll_hour(start: int, most: int, now_ms: int) -> int:
    rolled = set(Rollup.objects.filter(span=HOUR, start=start).values_list("monitor_id", flat=True))
    todo = [pk for pk in Monitor.objects.order_by("pk").values_list("pk", flat=True) if pk not in rolled]
    with transaction.atomic():
        for monitor_id in todo[:most]:
            _roll_monitor(monitor_id, start)
        if len(todo) <= most:
            when = datetime.fromtimestamp(now_ms / 1000).astimezone()
            Fact.objects.update_or_create(
                name="rolled_until", defaults={"value": start + HOUR_MS, "at": when}
            )
    return max(len(todo[:most]), 1)


COLUMNS = ("location", "outcome", "total_ms", "dns_ms", "connect_ms", "tls_ms", "wait_ms", "transfer_ms")
PHASES = ("dns", "connect", "tls", "wait", "transfer")


def _roll_monitor(monitor_id: int, start: int) -> None:
    rows = Look.objects.filter(monitor_id=monitor_id, at__gte=start, at__lt=start + HOUR_MS).values_list(
        *COLUMNS
    )
    by_location: dict[str, list[tuple[object, ...]]] = {}
    for row in rows:
        by_location.setdefault(row[0], []).append(row)
    for location, looks in by_location.items():
        _store(monitor_id, location, HOUR, start, looks)
        _merge_day(monitor_id, location, start // DAY_MS * DAY_MS)


def _store(monitor_id: int, location: str, span: int, start: int, looks: list[tuple[object, ...]]) -> None:
    answered = [row for row in looks if row[1] == "ok"]
    sums = {name: sum(float(str(row[i])) for row in answered) for i, name in enumerate(PHASES, start=3)}
    sketch = Sketch.of([float(str(row[2])) for row in answered])
    _upsert(monitor_id, location, span, start, len(looks), len(looks) - len(answered), sums, sketch)


def _merge_day(monitor_id: int, location: str, start: int) -> None:
    hours = list(
        Rollup.objects.filter(
            monitor_id=monitor_id, location=location, span=HOUR, start__gte=start, start__lt=start + DAY_MS
        )
    )
    sketch = Sketch.of([])
    for hour in hours:
        sketch = sketch.merge(Sketch.from_bytes(bytes(hour.sketch)))
    sums = {name: sum(hour.phases[name] for hour in hours) for name in PHASES}
    n, failed = sum(hour.n for hour in hours), sum(hour.failed for hour in hours)
    _upsert(monitor_id, location, DAY, start, n, failed, sums, sketch)


UPSERT = """
INSERT INTO monitors_rollup (monitor_id, location, span, start, n, failed, phases, sketch)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (monitor_id, location, span, start) DO UPDATE SET
    n = excluded.n, failed = excluded.failed, phases = excluded.phases, sketch = excluded.sketch
"""


def _upsert(
    monitor_id: int,
    location: str,
    span: int,
    start: int,
    n: int,
    failed: int,
    sums: dict[str, float],
    sketch: Sketch,
) -> None:
    values: list[Any] = [monitor_id, location, span, start, n, failed, json.dumps(sums), sketch.to_bytes()]
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, values)


def forget(now: datetime, raw_s: float, rollup_s: float, cursor: int) -> int:
    """Delete what is too old for one monitor after ``cursor``; the id to go on from (0: start anew)."""
    monitor_id = Monitor.objects.filter(pk__gt=cursor).order_by("pk").values_list("pk", flat=True).first()
    if monitor_id is None:
        _forget_shared(now, rollup_s)
        return 0
    raw_before = int((now - timedelta(seconds=raw_s)).timestamp() * 1000)
    raw_before = min(raw_before, _rolled_until() or 0)
    _delete_looks(monitor_id, raw_before)
    before = int((now - timedelta(seconds=rollup_s)).timestamp() * 1000)
    Rollup.objects.filter(monitor_id=monitor_id, start__lt=before).delete()
    _forget_transitions(monitor_id, now - timedelta(seconds=rollup_s))
    return monitor_id


def _delete_looks(monitor_id: int, before: int, most: int = 500) -> None:
    ids = _oldest(monitor_id, before, most)
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM monitors_look WHERE monitor_id = %s AND at <= %s", [monitor_id, max(ids)]
            )


def _oldest(monitor_id: int, before: int, most: int) -> list[int]:
    rows: Iterable[int] = (
        Look.objects.filter(monitor_id=monitor_id, at__lt=before)
        .order_by("at")
        .values_list("at", flat=True)[:most]
    )
    return list(rows)


def _forget_transitions(monitor_id: int, before: datetime) -> None:
    """The newest one before the limit stays: it says what was shown when the kept history begins."""
    rows = Transition.objects.filter(monitor_id=monitor_id, at__lt=before)
    newest = rows.order_by("-at", "-id").values_list("pk", flat=True).first()
    if newest is not None:
        rows.exclude(pk=newest).delete()


def _forget_shared(now: datetime, rollup_s: float) -> None:
    before = now - timedelta(seconds=rollup_s)
    Change.objects.filter(at__lt=now - timedelta(hours=1)).delete()
    Delivery.objects.filter(incident=None, created_at__lt=now - timedelta(days=30)).delete()
    Incident.objects.filter(state="resolved", resolved_at__lt=before).delete()
