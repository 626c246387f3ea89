"""What follows a delivery that failed: another try, giving up, or declaring the channel broken. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

BASE_S = 5.0
CAP_S = 15 * 60.0
RETRY_AFTER_CAP_S = 3600.0
RETRY_AFTER_FLOOR_S = 1.0
PATIENCE = timedelta(hours=72)
BREAK_ATTEMPTS = 3
BREAK_SPAN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Failure:
    """How it failed. ``permanent``: this message never; ``channel_broken``: nor any other."""

    permanent: bool
    channel_broken: bool
    retry_after_s: float | None


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again at this time."""

    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """This message will not be delivered."""

    reason: str


@dataclass(frozen=True, slots=True)
class Break:
    """The channel needs a person; its messages wait."""

    reason: str


def next_attempt(
    failure: Failure, attempts: int, jitter: float, now: datetime, first_at: datetime | None = None
) -> Retry | GiveUp | Break:
    """Decide after the ``attempts``-th failed attempt (1 for the first).

    ``jitter`` is in [0, 1). ``first_at`` is when the first attempt was made; without it the time
    spent is taken from the number of attempts, at the shortest waits they can have had.
    """
    spent = _least_spent(attempts) if first_at is None else now - first_at
    if failure.channel_broken:
        # A deploy of the receiver may answer 404 for a moment: three tries over a minute first.
        if attempts >= BREAK_ATTEMPTS and spent >= BREAK_SPAN:
            return Break(f"Switched off after {attempts} failed attempts over {spent.total_seconds():.0f} s:")
    elif failure.permanent:
        return GiveUp("the receiver will never accept this message")
    if spent >= PATIENCE:
        return GiveUp(f"not delivered within {PATIENCE.total_seconds() / 3600:.0f} h ({attempts} attempts)")
    return Retry(now + timedelta(seconds=_wait_s(failure, attempts, jitter)))


def backoff_s(attempts: int, jitter: float) -> float:
    """Seconds after the ``attempts``-th failure: 5 s doubling to 15 min, less up to a quarter of jitter."""
    full = min(BASE_S * 2.0 ** min(max(attempts - 1, 0), 20), CAP_S)
    return full * (1.0 - 0.25 * jitter)


def _wait_s(failure: Failure, attempts: int, jitter: float) -> float:
    if failure.retry_after_s is None:
        return backoff_s(attempts, jitter)
    asked = min(max(failure.retry_after_s, RETRY_AFTER_FLOOR_S), RETRY_AFTER_CAP_S)
    return asked + min(1.0, asked * 0.1) * jitter  # never before the time asked for


def _least_spent(attempts: int) -> timedelta:
    growing = min(attempts, 12)  # from here on every wait is the cap
    seconds = sum(backoff_s(n, 1.0) for n in range(1, growing))
    return timedelta(seconds=seconds + max(0, attempts - growing) * backoff_s(growing, 1.0))
