"""What a monitor's past says, read from looks, transitions and the ledger. Pages and API use the same.

``series`` gives one dict a step: p50_ms, p95_ms, p99_ms, n, failed, phases, and seconds up, degraded,
down, unknown, paused and maintenance. ``figures`` and ``ninety_days`` are what the page of a monitor shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from django.conf import settings

from watchpost.core import uptime
from watchpost.core.sketch import Sketch, percentile
from watchpost.core.uptime import Piece, Span
from watchpost.monitors.looks import looks_of, looks_of_many, rollups_of
from watchpost.monitors.models import AliveSpan, Monitor, Rollup, Transition
from watchpost.web import words
from watchpost.web.charts import PHASES

STATES = ("up", "degraded", "down", "unknown", "paused", "maintenance")
DAY_S = 86_400.0
HOURS, DAYS = 1, 2  # spans of roll-ups
ALIVE_EVERY = timedelta(seconds=90)


def series(monitor: Monitor, start: datetime, end: datetime, step_s: float) -> list[dict[str, Any]]:
    """Figures of every step between ``start`` and ``end``, oldest first."""
    first, count = start.timestamp(), max(1, ceil((end - start).total_seconds() / step_s))
    if step_s >= 3600 and (end - start).total_seconds() > settings.WATCHPOST["RETENTION_RAW"]:
        rolled = _rollups_by_step(monitor, start, end, step_s)
        points = [_rolled_point(first + place * step_s, rolled[place]) for place in range(count)]
    else:
        looks = _looks_by_step(monitor, start, end, step_s)
        points = [_point(first + place * step_s, looks[place]) for place in range(count)]
    spread_seconds(points, stretches(monitor, start, end), first, step_s)
    return points


def _looks_by_step(monitor: Monitor, start: datetime, end: datetime, step_s: float) -> dict[int, list[Any]]:
    first = int(start.timestamp() * 1000)
    rows = looks_of(monitor.pk).filter(at__gte=first, at__lt=int(end.timestamp() * 1000))
    found: dict[int, list[Any]] = defaultdict(list)
    columns = ("at", "outcome", "severity", "total_ms", *(f"{phase}_ms" for phase in PHASES))
    for row in rows.values_list(*columns):
        found[int((row[0] - first) / 1000 // step_s)].append(row)
    return found


def _point(at: float, rows: Sequence[Any]) -> dict[str, Any]:
    answered = [row for row in rows if row[1] == "ok"]
    totals = sorted(row[3] for row in answered)
    means = [sum(row[4 + place] for row in answered) / max(len(answered), 1) for place in range(len(PHASES))]
    return {
        "at": datetime.fromtimestamp(at, UTC),
        "n": len(rows),
        "failed": sum(row[1] != "ok" or (row[2] or 0) >= 2 for row in rows),
        "p50_ms": percentile(totals, 0.5),
        "p95_ms": percentile(totals, 0.95),
        "p99_ms": percentile(totals, 0.99),
        "phases": dict(zip(PHASES, means, strict=True)),
    } | dict.fromkeys(STATES, 0.0)


def _rollups_by_step(
    monitor: Monitor, start: datetime, end: datetime, step_s: float
) -> dict[int, list[Rollup]]:
    """Hours, or days for steps of a day and more: single looks are not kept that long."""
    first, span = int(start.timestamp() * 1000), DAYS if step_s >= DAY_S else HOURS
    rows = rollups_of(monitor.pk, span)
    found: dict[int, list[Rollup]] = defaultdict(list)
    for row in rows.filter(start__gte=first, start__lt=int(end.timestamp() * 1000)):
        found[int((row.start - first) / 1000 // step_s)].append(row)
    return found


def _rolled_point(at: float, rows: Sequence[Rollup]) -> dict[str, Any]:
    sketch = Sketch()
    for row in rows:
        sketch = sketch.merge(Sketch.from_bytes(bytes(row.sketch)))
    n, failed = sum(row.n for row in rows), sum(row.failed for row in rows)
    answered = max(sketch.count, 1)
    return {
        "at": datetime.fromtimestamp(at, UTC),
        "n": n,
        "failed": failed,
        "p50_ms": sketch.quantile(0.5),
        "p95_ms": sketch.quantile(0.95),
        "p99_ms": sketch.quantile(0.99),
        "phases": {phase: sum(row.phases[phase] for row in rows) / answered for phase in PHASES},
    } | dict.fromkeys(STATES, 0.0)


def stretches(
    monitor: Monitor, start: datetime, end: datetime, away: Sequence[uptime.Gap] | None = None
) -> list[Piece]:
    """What was shown, from the monitor's first day; our own downtime is unknown. ``away`` are the ``gaps`` of
    this time, if the caller has read them for many monitors."""
    begin = max(start, monitor.created_at)
    away = gaps(start, end) if away is None else away
    return [
        piece
        for piece in uptime.pieces(_changes(monitor, start, end), begin, end, away)
        if piece.shown != "new"
    ]


def _changes(monitor: Monitor, start: datetime, end: datetime) -> list[Span]:
    rows = Transition.objects.filter(monitor=monitor, at__lt=end)
    inside = list(rows.filter(at__gte=start).order_by("at", "id").values_list("began", "before", "after"))
    last = rows.filter(at__lt=start).order_by("-at", "-id").values_list("after", flat=True).first()
    state = getattr(monitor, "state", None)
    opening = last or (inside[0][1] if inside else state.shown if state else "new")
    return [Span(start, opening), *(Span(max(began, start), after) for began, _, after in inside)]


def gaps(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Time within the ledger when no engine ran. Runs may overlap: a clock that was set back."""
    spans = AliveSpan.objects.filter(alive_at__gte=start, started_at__lt=end).order_by("started_at")
    before = AliveSpan.objects.filter(alive_at__lt=start).order_by("-alive_at")[:1]
    rows = [(row.started_at, row.alive_at) for row in (*before, *spans)]
    found, alive = [], rows[0][1] if rows else end
    for started, ended in [*rows[1:], (end, end)]:
        if started - alive > ALIVE_EVERY:
            found.append((max(alive, start), started))
        alive = max(alive, ended)
    return found


def spread_seconds(points: list[dict[str, Any]], shown: Iterable[Piece], first: float, step_s: float) -> None:
    """Adds the seconds of each stretch to the steps it covers."""
    for piece in shown:
        begin, until = piece.start.timestamp(), piece.end.timestamp()
        low = max(0, int((begin - first) // step_s))
        for place in range(low, min(len(points), int((until - first) // step_s) + 1)):
            left = first + place * step_s
            points[place][piece.shown] += max(0.0, min(until, left + step_s) - max(begin, left))


def figures(monitor: Monitor, now: datetime, shown: Sequence[Piece]) -> dict[str, Any]:
    """p50, p95, p99 of 24 hours; share of judged time up and the longest outage of what ``shown`` covers."""
    since = int((now - timedelta(days=1)).timestamp() * 1000)
    rows = looks_of(monitor.pk).filter(at__gte=since, outcome="ok")
    totals = sorted(rows.values_list("total_ms", flat=True))
    seconds: dict[str, float] = dict.fromkeys(STATES, 0.0)
    for piece in shown:
        seconds[piece.shown] += piece.seconds
    return {
        "p50": percentile(totals, 0.5),
        "p95": percentile(totals, 0.95),
        "p99": percentile(totals, 0.99),
        "uptime": uptime.availability(seconds),
        "longest": max((piece.seconds for piece in shown if piece.shown == "down"), default=0.0),
    }


def ninety_days(shown: Sequence[Piece], now: datetime) -> list[dict[str, Any]]:
    """Ninety days up to now, oldest first: the seconds of each state, what to draw and what to say."""
    first = now.timestamp() - 90 * DAY_S
    days: list[dict[str, Any]] = [dict.fromkeys(STATES, 0.0) for _ in range(90)]
    spread_seconds(days, shown, first, DAY_S)
    for place, day in enumerate(days):
        at = datetime.fromtimestamp(first + (place + 1) * DAY_S, UTC)
        day["title"] = f"{at.day} {at:%b}: {_day_words(day)}"
        day["kind"] = _day_kind(day)
    return days


def _day_kind(day: dict[str, Any]) -> str:
    """Down and degraded show however short they were; else what filled most of the day."""
    if day["down"] >= 1 or day["degraded"] >= 60:
        return "d" if day["down"] >= 1 else "w"
    most = max(STATES, key=lambda state: float(day[state]))
    if not day[most]:
        return "n"
    return {"unknown": "u", "maintenance": "m", "paused": "m"}.get(most, "")


def _day_words(day: dict[str, Any]) -> str:
    bad = [f"{state} {words.span(day[state])}" for state in STATES[1:] if day[state] >= 1]
    return ", ".join(bad) if bad else "up all day" if day["up"] else "not watched"


def lanes(monitor_ids: Iterable[int], start: datetime, end: datetime) -> dict[int, dict[str, Any]]:
    """Small lines of several monitors on one time axis: (place 0..1, mean ms or none, failed)."""
    low, size = int(start.timestamp() * 1000), max(60_000.0, (end - start).total_seconds() * 1000 / 60)
    steps = max(1.0, (end - start).total_seconds() * 1000 / size)  # never finer than a minute
    sums: dict[int, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
    rows = looks_of_many(monitor_ids).filter(at__gte=low, at__lt=int(end.timestamp() * 1000))
    for monitor_id, at, outcome, severity, total in rows.values_list(
        "monitor_id", "at", "outcome", "severity", "total_ms"
    ):
        sums[monitor_id][int((at - low) / size)].append((outcome == "ok", (severity or 0) >= 2, total))
    return {
        pk: {"steps": steps, "points": [_lane_point(*each, steps) for each in sorted(found.items())]}
        for pk, found in sums.items()
    }


def _lane_point(
    place: int, looks: list[tuple[bool, bool, float]], steps: float
) -> tuple[float, float | None, bool]:
    good = [total for ok, _, total in looks if ok]
    failed = any(not ok or bad for ok, bad, _ in looks)
    return (place + 0.5) / steps, sum(good) / len(good) if good else None, failed
