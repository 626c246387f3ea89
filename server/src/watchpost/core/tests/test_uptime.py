from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchpost.core.uptime import STATES, Span, availability, days, longest_outage, pieces, seconds

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SHORT = {
    "u": "up",
    "d": "down",
    "g": "degraded",
    "?": "unknown",
    "m": "maintenance",
    "p": "paused",
    "n": "new",
}


def s(n: float) -> datetime:
    return T0 + timedelta(seconds=n)


def spans(text: str) -> list[Span]:
    """``u0 d10``: up from second 0, down from second 10, in the order recorded."""
    return [Span(s(int(word[1:])), SHORT[word[0]]) for word in text.split()]


def shown(text: str, gaps: str = "", end: int = 100) -> str:
    found = pieces(spans(text), s(0), s(end), [(s(int(a)), s(int(b))) for a, b in _pairs(gaps)])
    back = {word: letter for letter, word in SHORT.items()}
    return " ".join(f"{back[p.shown]}{(p.start - T0).seconds}-{(p.end - T0).seconds}" for p in found)


def _pairs(gaps: str) -> list[list[str]]:
    return [word.split("-") for word in gaps.split()]


@pytest.mark.parametrize(
    ("changes", "gaps", "expected"),
    [
        ("", "", ""),
        ("u0", "", "u0-100"),
        ("u20", "", "u20-100"),  # nothing is known of the time before
        ("u0 d10 u20", "", "u0-10 d10-20 u20-100"),
        ("u0 d200", "", "u0-100"),
        ("u0 u10 u20", "", "u0-100"),
        ("u0 g10 u50 d40", "", "u0-10 g10-40 d40-100"),  # back-dated over the up of 50
        ("u0 ?10 d5", "", "u0-5 d5-100"),
        ("u0 g10 d10", "", "u0-10 d10-100"),
        ("u0 m10 u20 d5", "", "u0-5 d5-10 m10-20 d20-100"),  # planned time is never replaced
        ("u0 m10 u20 d15", "", "u0-10 m10-20 d20-100"),
        ("u0 m10 u20 g30 d15", "", "u0-10 m10-20 d20-100"),
        ("u0 p10 u10", "", "u0-100"),
        ("u0 d10", "20-30", "u0-10 d10-20 ?20-30 d30-100"),
        ("u0 m10 u50", "20-60", "u0-10 m10-50 ?50-60 u60-100"),
        ("u0", "5-10 8-20 20-25 90-200", "u0-5 ?5-25 u25-90 ?90-100"),
        ("u0", "5-30 8-10", "u0-5 ?5-30 u30-100"),
        ("u50", "0-60", "?50-60 u60-100"),
        ("u0", "7-7", "u0-100"),
    ],
)
def test_what_was_shown_when(changes: str, gaps: str, expected: str) -> None:
    assert shown(changes, gaps) == expected


def test_availability() -> None:
    sums = seconds(spans("u0 d10 g20 ?30 m40 p50"), s(0), s(100), [])
    assert {k: v for k, v in sums.items() if v} == {
        "up": 10, "down": 10, "degraded": 10, "unknown": 10, "maintenance": 10, "paused": 50,
    }  # fmt: skip
    assert availability(sums) == pytest.approx(2 / 3)
    assert availability(seconds(spans("p0"), s(0), s(9))) is None


def test_longest_outage_is_clipped_to_the_window() -> None:
    text = "u0 d10 u20 d30 g35 d50 u61"
    found = longest_outage(spans(text), s(0), s(100))
    assert found is not None
    assert (found.start, found.seconds) == (s(50), 11)
    clipped = longest_outage(spans(text), s(0), s(52))
    assert clipped is not None
    assert clipped.start == s(10)
    assert longest_outage(spans("u0"), s(0), s(100)) is None


def test_days() -> None:
    noon = [Span(T0 + timedelta(hours=12), "up"), Span(T0 + timedelta(hours=36), "down")]
    found = days(noon, [], date(2026, 1, 1), 3, until=T0 + timedelta(hours=60))
    assert [d.day.day for d in found] == [1, 2, 3]
    assert [(d.seconds["up"] / 3600, d.seconds["down"] / 3600) for d in found] == [(12, 0), (12, 12), (0, 12)]


CHANGES = st.lists(st.builds(Span, st.integers(0, 400_000).map(s), st.sampled_from(STATES)), max_size=15)
GAPS = st.lists(st.tuples(st.integers(0, 400_000).map(s), st.integers(0, 400_000).map(s)), max_size=4)


@settings(max_examples=300, deadline=None)
@given(CHANGES, GAPS, st.integers(0, 300_000))
def test_time_is_neither_lost_nor_counted_twice(changes: list[Span], gaps: list, cut: int) -> None:
    sums = seconds(changes, s(0), s(400_000), gaps)
    first = min((c.at for c in changes), default=s(400_000))
    assert sum(sums.values()) == pytest.approx((s(400_000) - first).total_seconds())
    left, right = seconds(changes, s(0), s(cut), gaps), seconds(changes, s(cut), s(400_000), gaps)
    assert all(left[k] + right[k] == pytest.approx(sums[k]) for k in STATES)
    by_day = days(changes, gaps, date(2026, 1, 1), 5, until=s(400_000))
    assert all(sum(d.seconds[k] for d in by_day) == pytest.approx(sums[k]) for k in STATES)


@settings(max_examples=200, deadline=None)
@given(CHANGES, GAPS)
def test_stretches_are_in_order_and_differ_from_their_neighbours(changes: list[Span], gaps: list) -> None:
    found = list(pieces(changes, s(0), s(400_000), gaps))
    assert all(p.start < p.end for p in found)
    assert all(a.end == b.start and a.shown != b.shown for a, b in itertools.pairwise(found))
