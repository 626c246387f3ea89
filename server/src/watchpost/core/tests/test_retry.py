from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.core.retry import Break, Failure, GiveUp, Retry, backoff_s, next_attempt

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN = Failure(False, False, None)
BROKEN = Failure(True, True, None)


def wait(failure: Failure, attempts: int, jitter: float = 0.0) -> float:
    decision = next_attempt(failure, attempts, jitter, NOW, NOW)
    assert isinstance(decision, Retry)
    return (decision.at - NOW).total_seconds()


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (500, 900)])
def test_it_doubles_up_to_a_quarter_of_an_hour(attempts: int, seconds: float) -> None:
    assert wait(PLAIN, attempts) == seconds


@pytest.mark.parametrize(("asked", "seconds"), [(30, 30), (0, 1), (-5, 1), (99_999, 3600)])
def test_retry_after_is_honoured_within_bounds(asked: float, seconds: float) -> None:
    assert wait(Failure(False, False, asked), 1) == seconds


@given(st.integers(1, 400), st.floats(0, 1, exclude_max=True))
def test_waits_never_shrink_and_stay_bounded(attempts: int, jitter: float) -> None:
    assert backoff_s(attempts, jitter) <= backoff_s(attempts + 1, jitter)
    assert 3.75 <= backoff_s(attempts, jitter) <= 900


@given(st.floats(1, 3600), st.integers(1, 50), st.floats(0, 1, exclude_max=True))
def test_never_before_the_time_asked_for(asked: float, attempts: int, jitter: float) -> None:
    assert asked - 1e-6 <= wait(Failure(False, False, asked), attempts, jitter) <= asked + 1.001


def test_a_permanent_failure_gives_up_and_patience_ends_after_three_days() -> None:
    assert isinstance(next_attempt(Failure(True, False, None), 1, 0, NOW, NOW), GiveUp)
    assert isinstance(next_attempt(PLAIN, 300, 0, NOW, NOW - timedelta(hours=71, minutes=59)), Retry)
    assert isinstance(next_attempt(PLAIN, 2, 0, NOW, NOW - timedelta(hours=72)), GiveUp)


def test_without_a_first_time_the_attempts_tell() -> None:
    assert isinstance(next_attempt(PLAIN, 280, 0, NOW), Retry)
    assert isinstance(next_attempt(PLAIN, 5000, 0, NOW), GiveUp)


@pytest.mark.parametrize(
    ("attempts", "seconds", "breaks"),
    [(1, 0, False), (2, 90, False), (3, 59, False), (3, 60, True), (9, 5, False)],
)
def test_a_channel_breaks_after_three_tries_over_a_minute(attempts: int, seconds: int, breaks: bool) -> None:
    decision = next_attempt(BROKEN, attempts, 0.5, NOW, NOW - timedelta(seconds=seconds))
    assert isinstance(decision, Break if breaks else Retry)
