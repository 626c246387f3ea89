"""Cadence, valve, windows, words: small cores in one file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.core.cadence import first_due, next_due, phase_ms, places
from watchpost.core.valve import Failures, Valve, held_until, is_open, observe
from watchpost.core.windows import Window, active, next_edge
from watchpost.core.words import duration_words, nearest, read_count

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def s(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


# cadence

INTERVALS = st.integers(1000, 86_400_000)
NOWS = st.integers(0, 4_000_000_000_000)


def test_the_phase_is_the_same_for_ever() -> None:
    assert phase_ms(1, 60_000) == 13_910  # a change here moves every monitor of every installation
    assert phase_ms("1", 60_000) == phase_ms(1, 60_000)


def test_phases_are_spread() -> None:
    tenths = [phase_ms(n, 60_000) // 6_000 for n in range(1000)]
    assert all(70 <= tenths.count(tenth) <= 130 for tenth in range(10))


@given(NOWS, INTERVALS, st.integers(0, 10**9))
def test_next_due_is_the_next_point_of_the_grid(now: int, interval: int, key: int) -> None:
    phase = phase_ms(key, interval)
    due = next_due(now, interval, phase)
    assert now < due <= now + interval
    assert due % interval == phase
    assert next_due(due, interval, phase) == due + interval


@given(NOWS, NOWS, INTERVALS, st.integers(0, 10**9))
def test_at_start_nothing_waits_longer_than_it_should(now: int, last: int, interval: int, key: int) -> None:
    phase = phase_ms(key, interval)
    due = first_due(last, now, interval, phase)
    assert now <= due <= now + interval
    if now - last >= interval:
        assert due <= now + min(interval, 60_000)
    elif due > now + min(interval, 60_000):
        assert due <= min(last, now) + interval
    assert now <= first_due(None, now, interval, phase) < now + min(interval, 60_000)


@given(st.dictionaries(st.integers(1, 10**6), st.none() | st.integers(0, 10**6), min_size=1, max_size=50))
def test_the_oldest_look_comes_first_and_all_lie_evenly_apart(last: dict[int, int | None]) -> None:
    found = places(last)
    assert sorted(found.values()) == [rank / len(last) for rank in range(len(last))]
    ages = [last[monitor] for monitor in sorted(found, key=found.__getitem__)]
    assert ages == sorted(ages, key=lambda at: -1 if at is None else at)
    dues = [first_due(None, 10**7, 60_000, 5, place) for place in found.values()]
    assert all(10**7 <= due < 10**7 + 60_000 for due in dues)


def test_due_this_very_moment_is_not_late() -> None:
    assert first_due(500, 60_500, 60_000, 500) == 60_500


# valve


def fail(count: int, hosts: int, gap_s: float = 0.1, state: Failures | None = None) -> Failures:
    state = state or Failures()
    for n in range(count):
        state = observe(state, (f"h{n % hosts}", n), True, s(n * gap_s))
    return state


@pytest.mark.parametrize(
    ("count", "hosts", "total", "after_s", "expected"),
    [
        (5, 3, 10, 1, True),
        (4, 3, 10, 1, False),
        (5, 2, 10, 1, False),
        (9, 5, 100, 1, False),
        (10, 5, 100, 1, True),
        (5, 3, 10, 10.3, True),
        (5, 3, 10, 10.4, False),  # held for ten seconds from the fifth failure
        (5, 3, 10, 70, False),
    ],
)
def test_the_valve(count: int, hosts: int, total: int, after_s: float, expected: bool) -> None:
    assert is_open(fail(count, hosts), total, s(after_s)) is expected


def test_failures_spread_over_more_than_the_window_are_no_mass_failure() -> None:
    assert held_until(fail(5, 3, gap_s=14.9), 10, s(59.6)) is not None
    assert held_until(fail(5, 3, gap_s=15.1), 10, s(60.4)) is None


def test_one_target_failing_again_and_again_counts_once_and_recovery_forgets() -> None:
    state = Failures()
    for n in range(20):
        state = observe(state, ("a", 443), True, s(n))
    assert len(state.since) == 1
    assert observe(state, ("b", 443), False, s(21)) is state
    assert not observe(state, ("a", 443), False, s(21)).since


def test_hosts_that_are_down_for_hours_never_open_it() -> None:
    state = fail(4, 4)
    state = observe(state, ("new", 1), True, s(7200))
    assert not is_open(state, 5, s(7201))
    assert is_open(fail(5, 5, state=Failures(Valve(hold_s=60))), 5, s(30))


# windows


def test_windows() -> None:
    one = Window(s(10), s(20), monitors=frozenset({1}))
    project = Window(s(15), s(40), projects=frozenset({9}))
    nothing = Window(s(0), s(99))
    every = [one, project, nothing]
    assert active(every, 1, 8, s(9)) is None
    assert active(every, 1, 8, s(10)) is one
    assert active(every, 2, 8, s(10)) is None
    assert active(every, 1, 9, s(15)) is project
    assert active(every, 1, 8, s(20)) is None
    assert [next_edge([one, project], s(n)) for n in (0, 10, 15, 20, 40)] == [
        s(10),
        s(15),
        s(20),
        s(40),
        None,
    ]
    assert next_edge([Window(s(20), s(10))], s(0)) is None


# words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.44, "0.4 s"),
        (0.97, "1 s"),
        (1, "1 s"),
        (59.6, "1 min"),
        (372, "6 min 12 s"),
        (3599.7, "1 h"),
        (7200, "2 h"),
        (7380, "2 h 3 min"),
        (86_399, "1 d"),
        (86_400 + 3600, "1 d 1 h"),
        (-90, "-1 min 30 s"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


def test_nearest() -> None:
    assert nearest("intervall", ["interval", "timeout"]) == "interval"
    assert nearest("HTPP", ["http", "dns"]) == "http"
    assert nearest("zzz", ["http", "dns"]) is None
    assert nearest("x", []) is None


@pytest.mark.parametrize(
    ("text", "read"),
    [("0", 0), ("7", 7), ("99", 99), ("100", None), ("", None), ("-1", None), ("²", None), ("٣", None),
     ("1" * 5000, None), (" 1", None), ("1.0", None)],
)  # fmt: skip
def test_read_count(text: str, read: int | None) -> None:
    assert read_count(text, 99) == read
