"""The bucket of an address: so many a minute, and what is refused costs nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.ingest.pace import MOST_KNOWN, Pace
from watchpost.ingest.pings import plain_address


def test_so_many_at_once_then_one_by_one() -> None:
    pace = Pace(6)
    assert [pace.wait_s("a", 0) for _ in range(6)] == [0.0] * 6
    assert pace.wait_s("a", 0) == pytest.approx(10)
    assert pace.wait_s("a", 9.9) == pytest.approx(0.1)
    assert pace.wait_s("b", 0) == 0.0
    assert pace.wait_s("a", 10) == 0.0
    assert pace.wait_s("a", 10) > 0


def test_a_clock_that_is_put_back_locks_nobody_out() -> None:
    pace = Pace(6)
    for _ in range(7):
        pace.wait_s("a", 1_000_000)
    assert pace.wait_s("a", 0) <= 10


def test_a_flood_of_names_is_forgotten() -> None:
    pace = Pace(1)
    for n in range(MOST_KNOWN + 10):
        pace.wait_s(str(n), 0)
    assert len(pace._full_at) == MOST_KNOWN


@given(st.lists(st.floats(0, 20), max_size=100), st.integers(1, 60))
def test_never_more_in_any_minute_than_twice_the_rate(gaps: list[float], rate: int) -> None:
    pace, now, taken = Pace(rate), 0.0, []
    for gap in gaps:
        now += gap
        if not pace.wait_s("a", now):
            taken.append(now)
    for start in taken:
        assert sum(start <= one < start + 60 for one in taken) <= 2 * rate


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("<script>", ""),
        ("", ""),
    ],
)
def test_addresses_as_the_log_shows_them(text: str, shown: str) -> None:
    assert plain_address(text) == shown
