"""Numbers of parts over time: mean, least and most of each quarter of an hour. Runs in the database thread.

A health endpoint of fifteen checks that is read every thirty seconds gives 43,000 numbers a day; this keeps
1,440 rows of them, upserted with the looks of the tick, so that a crash loses none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from watchpost.engine.memory import Written

STEP_MS = 15 * 60_000

UPSERT = """
INSERT INTO monitors_value (monitor_id, start, location, part, n, low, high, total, last)
VALUES (%s, %s, %s, %s, 1, %s, %s, %s, %s)
ON CONFLICT (monitor_id, start, location, part) DO UPDATE SET
    n = monitors_value.n + 1,
    low = CASE WHEN excluded.low < monitors_value.low THEN excluded.low ELSE monitors_value.low END,
    high = CASE WHEN excluded.high > monitors_value.high THEN excluded.high ELSE monitors_value.high END,
    total = monitors_value.total + excluded.total,
    last = excluded.last
"""


def store_values(looks: Sequence[Written]) -> None:
    """In the order of the looks: the last one stands."""
    rows = [row for written in looks if written.values for row in _rows(written)]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(UPSERT, rows)


def _rows(written: Written) -> Iterable[tuple[Any, ...]]:
    seen = written.observation
    start = int(seen.at.timestamp() * 1000) // STEP_MS * STEP_MS
    for part, value in sorted(written.values.items()):  # one order: two writers never wait for each other
        yield written.watched.id, start, seen.location, part[:60], value, value, value, value


def forget_values(monitor_ids: Iterable[int], before_ms: int) -> None:
    """What began before: nobody draws it any more."""
    with connection.cursor() as cursor:
        for monitor_id in monitor_ids:
            cursor.execute(
                "DELETE FROM monitors_value WHERE monitor_id = %s AND start < %s", [monitor_id, before_ms]
            )
