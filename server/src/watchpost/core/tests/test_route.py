from __future__ import annotations

import pytest

from watchpost.core.route import Event, Route, route
from watchpost.core.types import Severity

ALL = Route(1, "mail", frozenset(), Severity.WARNING, True)
PAGER = Route(2, "pager", frozenset({10}), Severity.ERROR, True)
OTHER = Route(3, "blog", frozenset({11}), Severity.WARNING, True)
OFF = Route(4, "old", frozenset(), Severity.WARNING, False)


@pytest.mark.parametrize(
    ("event", "severity", "told", "expected"),
    [
        ("opened", Severity.ERROR, set(), [1, 2, 4]),
        ("opened", Severity.WARNING, set(), [1, 4]),
        ("opened", Severity.INFO, set(), []),
        ("updated", Severity.WARNING, {2}, [1, 2, 4]),  # the severity fell, but it was told
        ("resolved", Severity.WARNING, {2}, [2]),  # the others never heard of it
        ("resolved", Severity.CRITICAL, set(), []),
        ("acknowledged", Severity.ERROR, {3}, [1, 2, 3, 4]),  # it was told before its projects changed
    ],
)
def test_who_hears(event: str, severity: Severity, told: set[int], expected: list[int]) -> None:
    chosen = route(Event(event, 10, severity, ""), (ALL, PAGER, OTHER, OFF), frozenset(told))
    assert [c.channel_id for c in chosen] == expected
    assert all(c.reason for c in chosen)


def test_a_disabled_channel_waits_and_says_so() -> None:
    (only,) = route(Event("opened", 10, Severity.ERROR, ""), (OFF,), frozenset())
    assert only.reason == "old hears all projects from warning up; it is disabled, so the message waits"
