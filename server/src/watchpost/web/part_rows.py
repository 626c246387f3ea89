"""The parts of a monitor as rows of its page: state, since when, the last day, and a chart of the values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from watchpost.engine.values import STEP_MS
from watchpost.monitors.models import Monitor, Value
from watchpost.monitors.parts import Part, placed, tracks_of
from watchpost.registry import PartRow
from watchpost.web.strips import DAY, WIDTH, last_day_of_parts

HEIGHT = 28.0
MOST_UNFOLDED = 20  # checks of which all are shown at once
Point = tuple[float, float, float, float]  # place on the axis, least, mean, most


def rows_of(monitor: Monitor, parts: Sequence[PartRow], now: datetime) -> list[dict[str, Any]]:
    """One dict a part, with three queries however many there are."""
    if not parts:
        return []
    tracks = tracks_of(monitor)
    strips = last_day_of_parts(monitor, {key: track.shown for key, track in tracks.items()}, now)
    values = _values(monitor, now)
    return [_row(one, strips.get(one.key, {}), values.get(one.row.part, [])) for one in placed(parts, tracks)]


def folded(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is not well, which is always seen, and what is, which folds where there are many checks in all."""
    return {
        "trouble": [row for row in rows if row["row"].state != "up"],
        "well": [row for row in rows if row["row"].state == "up"],
        "is_short": len(rows) <= MOST_UNFOLDED,
    }


def _row(one: Part, strip: Mapping[str, Any], points: Sequence[Point]) -> dict[str, Any]:
    row = one.row
    return {
        "row": row,
        "since": one.since,
        "strip": strip,
        "value": "" if row.value is None else figure(row.value, row.unit),
        "chart": _chart(points, row.unit) if len(points) > 1 else None,
    }


def _values(monitor: Monitor, now: datetime) -> dict[str, list[Point]]:
    start = int((now - DAY).timestamp() * 1000)
    rows = Value.objects.filter(monitor_id=monitor.pk, start__gte=start - STEP_MS).order_by("start")
    found: dict[str, list[Point]] = defaultdict(list)
    for part, at, n, low, high, total in rows.values_list("part", "start", "n", "low", "high", "total"):
        place = (at + STEP_MS / 2 - start) / (DAY.total_seconds() * 1000)
        found[part].append((min(max(place, 0.0), 1.0), low, total / n, high))
    return found


def _chart(points: Sequence[Point], unit: str) -> dict[str, Any]:
    """A line of means over a band from least to most. Where no value came for a while, both are broken."""
    low, high = min(point[1] for point in points), max(point[3] for point in points)
    pieces = list(_unbroken(points))
    least, most = figure(low), figure(high, unit)
    spread = most if low == high else f"{least} to {most}"
    return {
        "lines": [" ".join(_at(x, mean, low, high) for x, _, mean, _ in piece) for piece in pieces],
        "band": " ".join(_band(piece, low, high) for piece in pieces),
        "range": spread,
        "says": f"{spread} in the last 24 hours",
    }


def _unbroken(points: Sequence[Point]) -> Iterable[list[Point]]:
    step = STEP_MS / (DAY.total_seconds() * 1000)
    piece: list[Point] = []
    for point in points:
        if piece and point[0] - piece[-1][0] > 2.5 * step:
            yield piece
            piece = []
        piece.append(point)
    yield piece


def _band(piece: Sequence[Point], low: float, high: float) -> str:
    there = [_at(x, most, low, high) for x, _, _, most in piece]
    back = [_at(x, least, low, high) for x, least, _, _ in reversed(piece)]
    return f"M{' L'.join([*there, *back])}Z"


def _at(x: float, value: float, low: float, high: float) -> str:
    share = (value - low) / (high - low) if high > low else 0.5
    return f"{x * WIDTH:.1f},{HEIGHT - 2 - share * (HEIGHT - 4):.1f}"


def figure(value: float, unit: str = "") -> str:
    """A number for people: 1.84 ms, 97 connections, 1 worker, 12,400."""
    shown = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{shown} {_single(unit) if shown == '1' else unit}".strip()


def _single(unit: str) -> str:
    """Checks give counted things in the plural; of abbreviations (ms, fps) nothing is cut off."""
    if len(unit) < 4 or not unit.islower() or unit.endswith(("ss", "us", "is")):
        return unit
    for many, one in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("xes", "x"), ("s", "")):
        if unit.endswith(many):
            return unit.removesuffix(many) + one
    return unit
