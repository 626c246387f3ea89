"""Geometry of the drawn charts: numbers in, rectangles out. Templates only print them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

SPARK = 34.0  # height
WIDTH, HEIGHT = 720.0, 150.0
PHASES = ("dns", "connect", "tls", "wait", "transfer")


def stacked(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Bars of mean time per phase; where looks failed a pale bar of full height stands behind."""
    top = _nice(max((sum(point["phases"].values()) for point in points if point["n"]), default=100.0))
    width = WIDTH / max(len(points), 1)
    bars: list[dict[str, Any]] = []
    for place, point in enumerate(points):
        bars += _column(point, place * width, width, top)
    return {"bars": bars, "top": top, "width": WIDTH, "height": HEIGHT}


def _column(point: Mapping[str, Any], x: float, width: float, top: float) -> list[dict[str, Any]]:
    thick = max(width - min(1.4, width * 0.2), 0.5)
    bars: list[dict[str, Any]] = []
    if point["failed"]:
        bars.append(_bar("miss", x, 0.0, thick, HEIGHT))
    y = HEIGHT
    for number, phase in enumerate(PHASES if point["n"] else (), start=1):
        height = min(point["phases"][phase] / top * HEIGHT, y)
        y -= height
        if height > 0.05:
            bars.append(_bar(f"c{number}", x, y, thick, height))
    return bars


def _bar(kind: str, x: float, y: float, width: float, height: float) -> dict[str, Any]:
    # Text, so that no locale ever puts a comma into an attribute.
    return {"kind": kind, "x": f"{x:.2f}", "y": f"{y:.2f}", "w": f"{width:.2f}", "h": f"{height:.2f}"}


def _nice(value: float) -> float:
    """The next round number above."""
    step = 10.0
    while step * 10 < value:
        step *= 10
    return next((step * k for k in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * k >= value), step * 10)


def day_bar(days: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One rectangle a day, by what it mostly has to say."""
    return [_day(place, day) for place, day in enumerate(days)]


def _day(place: int, day: Mapping[str, Any]) -> dict[str, Any]:
    kind = day["kind"]
    hollow = kind == "u"
    box = _bar(
        kind,
        place * 8 + (0.7 if hollow else 0),
        1.0 if hollow else 0.0,
        4.6 if hollow else 5.6,
        24.0 if hollow else 26.0,
    )
    return box | {"title": day["title"]}


def spark(
    lane: Mapping[str, Any], moment: float | None, trouble: Sequence[tuple[float, float, bool]] = ()
) -> dict[str, Any]:
    """A lane of ``history.lanes`` drawn: a line, the time of trouble as pale bands behind it, and a mark
    at the foot for each failed look. ``trouble``: from, to (0..1 of the width) and whether it was down."""
    points, steps = lane["points"], lane["steps"]
    top = _nice(max((value for _, value, _ in points if value is not None), default=100.0))
    width = WIDTH / steps
    bad = [x * WIDTH - width / 2 for x, _, failed in points if failed]
    marks = [_bar("miss foot", x, SPARK - 3, width, 3) for x in bad]
    bands = [
        _bar("miss" if is_down else "miss warn", low * WIDTH, 0, max((high - low) * WIDTH, 1.0), SPARK)
        for low, high, is_down in worst_of(trouble)
    ]
    line = " ".join(
        f"{x * WIDTH:.1f},{32 - value / top * 30:.1f}" for x, value, _ in points if value is not None
    )
    return {
        "bars": bands + marks,
        "line": line,
        "moment": None if moment is None else f"{moment * WIDTH:.1f}",
    }


def worst_of(trouble: Sequence[tuple[float, float, bool]]) -> list[tuple[float, float, bool]]:
    """The same without overlaps: each moment once, down before degraded; what touches is one."""
    found: list[tuple[float, float, bool]] = []
    for low, high in pairwise(sorted({at for one in trouble for at in one[:2]})):
        here = [is_down for start, end, is_down in trouble if start <= low and end >= high]
        if not here:
            continue
        if found and found[-1][1:] == (low, any(here)):
            low = found.pop()[0]
        found.append((low, high, any(here)))
    return found
