"""The chart of a part's values: numbers in, lines and a band out."""

from __future__ import annotations

import pytest

from watchpost.engine.values import STEP_MS
from watchpost.web.part_rows import _chart, figure

STEP = STEP_MS / 86_400_000


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (1.8412, "ms", "1.84 ms"),
        (97.0, "connections", "97 connections"),
        (12_400.4, "", "12,400"),
        (61.25, "%", "61.2 %"),
        (1.0, "workers", "1 worker"),
        (1.0, "queries", "1 query"),
        (1.0, "processes", "1 process"),
        (1.0, "ms", "1 ms"),
        (0.0, "workers", "0 workers"),
        (1.5, "workers", "1.5 workers"),
    ],
)
def test_numbers_for_people(value: float, unit: str, shown: str) -> None:
    assert figure(value, unit) == shown


def test_a_chart_spans_from_the_least_to_the_most() -> None:
    chart = _chart([(0.0, 1.0, 2.0, 3.0), (STEP, 2.0, 4.0, 5.0)], "ms")
    assert chart["lines"] == ["0.0,20.0 2.5,8.0"]
    assert chart["band"] == "M0.0,14.0 L2.5,2.0 L2.5,20.0 L0.0,26.0Z"
    assert (chart["range"], chart["says"]) == ("1 to 5 ms", "1 to 5 ms in the last 24 hours")


def test_where_no_value_came_the_line_is_broken() -> None:
    points = [
        (0.0, 1.0, 1.0, 1.0),
        (STEP, 1.0, 1.0, 1.0),
        (STEP * 5, 1.0, 2.0, 2.0),
        (STEP * 6, 1.0, 2.0, 2.0),
    ]
    assert len(_chart(points, "")["lines"]) == 2
    closer = [*points[:2], (STEP * 3, 1.0, 2.0, 2.0)]  # one that is missing is no gap
    assert len(_chart(closer, "")["lines"]) == 1


def test_a_value_that_never_changes_is_a_line_in_the_middle() -> None:
    chart = _chart([(0.0, 7.0, 7.0, 7.0), (1.0, 7.0, 7.0, 7.0)], "%")
    assert (chart["lines"], chart["range"]) == (["0.0,14.0", "240.0,14.0"], "7 %")
