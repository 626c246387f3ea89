"""Roll-ups and retention, in small steps so that no writer waits long. Runs in the database thread.

Roll-ups are made from raw rows once an hour is over, so a crash costs nothing: what is not rolled up
yet is rolled up later. Raw rows go by whole hours, and only when their hour's roll-up holds all of them:
looks that were stored late are taken in then.

The key of looks and roll-ups is (monitor, location, ...), so every statement here names both: each
reads the rows it needs and no others, however long the history is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count

from watchpost.core.sketch import Sketch
from watchpost.core.types import Severity
from watchpost.engine.values import forget_values
from watchpost.heartbeats.models import Flip
from watchpost.incidents.models import Delivery, Incident
from watchpost.monitors.models import AliveSpan, Change, Fact, Look, Monitor, Remark, Rollup, Transition

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
HOUR, DAY = 1, 2
LATE_MS = 5 * 60_000  # looks are stored within seconds; this much later an hour is complete
MOST_LOOKS = 10_000  # read in one step of rolling up
MOST_MONITORS = 20  # looked through in one step of forgetting
MOST_ROWS = 2_000  # deleted in one step of forgetting
MOST_ROWS_EACH = 500  # and of one monitor, so that none holds up the others
MOST_INCIDENTS = 50

Pair = tuple[int, str]  # monitor, location

# Monitors with the locations they were looked at from: two seeks in the key for each.
PAIRS = """
WITH RECURSIVE pair(monitor_id, location) AS (
    SELECT m.id, (SELECT min(x.location) FROM {table} x WHERE x.monitor_id = m.id)
    FROM monitors_monitor m WHERE m.id IN (SELECT id FROM monitors_monitor WHERE id > %s ORDER BY id LIMIT %s)
    UNION ALL
    SELECT p.monitor_id, (SELECT min(x.location) FROM {table} x
                          WHERE x.monitor_id = p.monitor_id AND x.location > p.location)
    FROM pair p WHERE p.location IS NOT NULL
)
"""
LOOKED_AT = PAIRS.format(table="monitors_look")
ROLLED = PAIRS.format(table="monitors_rollup")
FIRST_LOOK = """(SELECT min(l.at) FROM monitors_look l
                 WHERE l.monitor_id = pair.monitor_id AND l.location = pair.location AND l.at >= %s)"""
OLD_ROLLUPS = f"""{ROLLED}
SELECT monitor_id, location, spans.span FROM pair, (SELECT 1 AS span UNION ALL SELECT 2) spans
WHERE (SELECT min(r.start) FROM monitors_rollup r
       WHERE r.monitor_id = pair.monitor_id AND r.location = pair.location AND r.span = spans.span) < %s
"""  # noqa: S608
EVERYONE = 2**31


# ---- roll-ups -----------------------------------------------------------------------------------


def roll_up(now_ms: int, most: int = 40) -> int:
    """Roll up the oldest missing hour of at most ``most`` monitors; 0 when nothing is left to do."""
    end = (now_ms - LATE_MS) // HOUR_MS * HOUR_MS
    done = _rolled_until()
    if done is not None and done > now_ms:
        # It was written by a clock that ran ahead: these hours are yet to come, or come again.
        _set_rolled_until(end, now_ms)
        return 0
    if done is not None and done >= end:
        return 0
    after = _rolled_after(done)
    start = done if after and done is not None else _next_hour(done or 0)
    if start is None or start >= end:
        if done is not None:
            _set_rolled_until(end, now_ms)
        return 0
    return _roll_step(start, after, most, now_ms)


def _rolled_until() -> int | None:
    fact = Fact.objects.filter(pk="rolled_until").first()
    return int(fact.value) if fact else None


def _set_rolled_until(start: int, now_ms: int) -> None:
    _remember("rolled_until", start, now_ms)


def _rolled_after(done: int | None) -> int:
    """The last monitor whose hour ``done`` was rolled up; 0 when that hour was not begun."""
    fact = Fact.objects.filter(pk="rolled_after").first()
    return int(fact.value["monitor"]) if fact and fact.value["hour"] == done else 0


def _remember(name: str, value: Any, now_ms: int) -> None:
    at = datetime.fromtimestamp(now_ms / 1000, UTC)
    Fact.objects.update_or_create(name=name, defaults={"value": value, "at": at})


def _next_hour(start: int) -> int | None:
    """The first hour from ``start`` on with any look: hours in which we were off cost nothing."""
    with connection.cursor() as cursor:
        cursor.execute(f"{LOOKED_AT} SELECT min({FIRST_LOOK}) FROM pair", [0, EVERYONE, start])  # noqa: S608
        oldest = cursor.fetchone()[0]
    return None if oldest is None else int(oldest) // HOUR_MS * HOUR_MS


def _roll_step(start: int, after: int, most: int, now_ms: int) -> int:
    """Read first, then write: the write lock is held for the writing alone."""
    ids = list(Monitor.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:most])
    hours: list[Rolled] = []
    last, read = after, 0
    for monitor_id, locations in _locations(after, ids).items():
        for location in locations:
            hour = _read_hour((monitor_id, location), start)
            if hour.n:
                hours.append(hour)
                read += hour.n
        last = monitor_id
        if read >= MOST_LOOKS:
            break
    finished = len(ids) < most and (not ids or last == ids[-1])
    with transaction.atomic():
        _store(hours)
        if finished:
            _set_rolled_until(start + HOUR_MS, now_ms)
        else:
            _remember("rolled_until", start, now_ms)
            _remember("rolled_after", {"hour": start, "monitor": last}, now_ms)
    return max(len(hours), 1)


def _locations(after: int, ids: Sequence[int]) -> dict[int, list[str]]:
    """Of every monitor, in order of id."""
    found: dict[int, list[str]] = {monitor_id: [] for monitor_id in ids}
    with connection.cursor() as cursor:
        cursor.execute(f"{LOOKED_AT} SELECT monitor_id, location FROM pair", [after, len(ids)])  # noqa: S608
        for monitor_id, location in cursor.fetchall():
            if location is not None and monitor_id in found:
                found[monitor_id].append(location)
    return found


COLUMNS = ("outcome", "severity", "total_ms", "dns_ms", "connect_ms", "tls_ms", "wait_ms", "transfer_ms")
PHASES = ("dns", "connect", "tls", "wait", "transfer")


@dataclass(frozen=True, slots=True)
class Rolled:
    """An hour or a day of one pair. Totals and phases are of looks that got an answer."""

    pair: Pair
    span: int
    start: int
    n: int
    failed: int
    phases: dict[str, float]
    sketch: Sketch


def _hour_rows(pair: Pair, start: int) -> Any:
    return Look.objects.filter(monitor_id=pair[0], location=pair[1], at__gte=start, at__lt=start + HOUR_MS)


def _read_hour(pair: Pair, start: int) -> Rolled:
    """A look failed if it got no answer or one that brings a monitor down, as the pages count it."""
    rows = list(_hour_rows(pair, start).values_list(*COLUMNS))
    answered = [row for row in rows if row[0] == "ok"]
    failed = sum(row[0] != "ok" or (row[1] or 0) >= Severity.ERROR for row in rows)
    phases = {name: sum(row[place] for row in answered) for place, name in enumerate(PHASES, start=3)}
    return Rolled(pair, HOUR, start, len(rows), failed, phases, Sketch.of(row[2] for row in answered))


def _read_day(pair: Pair, start: int) -> Rolled:
    rows = list(
        Rollup.objects.filter(
            monitor_id=pair[0], location=pair[1], span=HOUR, start__gte=start, start__lt=start + DAY_MS
        )
    )
    sketch = Sketch()
    for row in rows:
        sketch = sketch.merge(Sketch.from_bytes(bytes(row.sketch)))
    phases = {name: sum(row.phases[name] for row in rows) for name in PHASES}
    n, failed = sum(row.n for row in rows), sum(row.failed for row in rows)
    return Rolled(pair, DAY, start, n, failed, phases, sketch)


# A fuller roll-up is never replaced by a poorer one, whatever the clock did.
UPSERT = """
INSERT INTO monitors_rollup (monitor_id, location, span, start, n, failed, phases, sketch)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (monitor_id, location, span, start) DO UPDATE SET
    n = excluded.n, failed = excluded.failed, phases = excluded.phases, sketch = excluded.sketch
WHERE excluded.n >= monitors_rollup.n
"""


def _store(hours: Sequence[Rolled]) -> None:
    """The hours, and the days they are part of."""
    _upsert(hours)
    days = {(hour.pair, hour.start // DAY_MS * DAY_MS) for hour in hours}
    _upsert([_read_day(pair, start) for pair, start in sorted(days)])


def _upsert(rolled: Iterable[Rolled]) -> None:
    values = [
        (*r.pair, r.span, r.start, r.n, r.failed, json.dumps(r.phases), r.sketch.to_bytes()) for r in rolled
    ]
    if values:
        with connection.cursor() as cursor:
            cursor.executemany(UPSERT, values)


# ---- retention ----------------------------------------------------------------------------------


def forget(now: datetime, raw_s: float, rollup_s: float, cursor: int) -> int:
    """Delete what is too old, for some monitors after ``cursor``; the id to go on from (0: start anew)."""
    ids = list(
        Monitor.objects.filter(pk__gt=cursor).order_by("pk").values_list("pk", flat=True)[:MOST_MONITORS]
    )
    before = now - timedelta(seconds=rollup_s)
    if not ids:
        _forget_shared(now, before)
        return 0
    raw_before = min(_ms(now - timedelta(seconds=raw_s)), _rolled_until() or 0)
    last = _forget_looks(cursor, ids, raw_before)
    ids = [monitor_id for monitor_id in ids if monitor_id <= last]
    _forget_rollups(cursor, len(ids), _ms(before))
    _forget_transitions(ids, before)
    Remark.objects.filter(monitor_id__in=ids, at__lt=before).delete()
    Flip.objects.filter(monitor_id__in=ids, at__lt=_ms(before), handled=True).delete()
    forget_values(ids, raw_before)
    return last


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _forget_looks(cursor: int, ids: Sequence[int], before: int) -> int:
    """Whole hours that are over before ``before``; the last monitor that was looked through."""
    with connection.cursor() as reader:
        reader.execute(
            f"{LOOKED_AT} SELECT monitor_id, location, {FIRST_LOOK} FROM pair WHERE location IS NOT NULL",  # noqa: S608
            [cursor, len(ids), 0],
        )
        oldest = sorted((monitor_id, location, at) for monitor_id, location, at in reader.fetchall())
    left = MOST_ROWS
    for monitor_id, location, at in oldest:
        left -= _forget_pair((monitor_id, location), at, before)
        if left <= 0:
            return int(monitor_id)
    return ids[-1]


def _forget_pair(pair: Pair, oldest: int | None, before: int) -> int:
    deleted = 0
    while oldest is not None and deleted < MOST_ROWS_EACH:
        start = oldest // HOUR_MS * HOUR_MS
        if start + HOUR_MS > before:
            break
        deleted += _forget_hour(pair, start)
        later = Look.objects.filter(monitor_id=pair[0], location=pair[1], at__gte=start + HOUR_MS)
        oldest = later.order_by("at").values_list("at", flat=True).first()
    return deleted


def _forget_hour(pair: Pair, start: int) -> int:
    """The hour's raw rows, after those its roll-up does not hold yet were taken in."""
    kept = Rollup.objects.filter(monitor_id=pair[0], location=pair[1], span=HOUR, start=start)
    with transaction.atomic():
        known = kept.values_list("n", flat=True).first() or 0
        if known < _hour_rows(pair, start).count():
            _store([_read_hour(pair, start)])
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM monitors_look WHERE monitor_id = %s AND location = %s AND at >= %s AND at < %s",
                [*pair, start, start + HOUR_MS],
            )
            return int(cursor.rowcount)


def _forget_rollups(cursor: int, count: int, before: int) -> None:
    with connection.cursor() as rows:
        rows.execute(
            OLD_ROLLUPS,
            [cursor, count, before],
        )
        for row in rows.fetchall():
            rows.execute(
                "DELETE FROM monitors_rollup "
                "WHERE monitor_id = %s AND location = %s AND span = %s AND start < %s",
                [*row, before],
            )


def _forget_transitions(ids: Sequence[int], before: datetime) -> None:
    """The newest one before the limit stays: it says what was shown when the kept history begins."""
    old = Transition.objects.filter(monitor_id__in=ids, at__lt=before)
    for row in old.values("monitor_id").annotate(count=Count("id")).filter(count__gt=1):
        mine = Transition.objects.filter(monitor_id=row["monitor_id"], at__lt=before)
        newest = mine.order_by("-at", "-id").values_list("pk", flat=True)[0]
        mine.exclude(pk=newest).delete()
    Transition.of_parts.filter(monitor_id__in=ids, at__lt=before).delete()


def _forget_shared(now: datetime, before: datetime) -> None:
    Change.objects.filter(at__lt=now - timedelta(hours=1)).delete()
    Delivery.objects.filter(incident=None, created_at__lt=now - timedelta(days=30)).delete()
    over = Incident.objects.filter(state="resolved", resolved_at__lt=before).order_by("resolved_at")
    Incident.objects.filter(pk__in=list(over.values_list("pk", flat=True)[:MOST_INCIDENTS])).delete()
    AliveSpan.objects.filter(alive_at__lt=before).delete()
