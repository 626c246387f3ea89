"""Geometry of the drawn charts: numbers in, rectangles out. Templates only print them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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


def spark(lane: Mapping[str, Any], moment: float | None) -> dict[str, Any]:
    """A lane of ``history.lanes`` drawn: a line, with failures as pale bars behind."""
    points, steps = lane["points"], lane["steps"]
    top = _nice(max((value for _, value, _ in points if value is not None), default=100.0))
    width = WIDTH / steps
    bad = [x * WIDTH - width / 2 for x, _, failed in points if failed]
    bars = [_bar("miss", x, 0, width, 34) for x in bad]
    line = " ".join(
        f"{x * WIDTH:.1f},{32 - value / top * 30:.1f}" for x, value, _ in points if value is not None
    )
    return {"bars": bars, "line": line, "moment": None if moment is None else f"{moment * WIDTH:.1f}"}
