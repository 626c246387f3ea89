"""When a monitor looks. Pure; every time and duration is in milliseconds.

Looks lie on a grid: ``phase + n * interval``. The phase comes from the monitor alone, so it is the
same after a restart and monitors are spread over the interval. A run that was missed is skipped.
"""

from __future__ import annotations

from hashlib import blake2b

SPREAD_MS = 60_000


def phase_ms(monitor_key: str | int, interval_ms: int) -> int:
    """The monitor's place inside its interval, 0 <= phase < interval."""
    digest = blake2b(str(monitor_key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % interval_ms


def next_due(now_ms: int, interval_ms: int, phase_ms: int) -> int:
    """The first time on the grid strictly after now: a look at its due time is not repeated."""
    return now_ms + interval_ms - (now_ms - phase_ms) % interval_ms


def first_due(last_at_ms: int | None, now_ms: int, interval_ms: int, phase_ms: int) -> int:
    """The first look after a start.

    What should have been looked at meanwhile is due, spread over min(interval, 60 s) in the order of
    the phases; what is not overdue keeps its grid. A last look in the future (the clock was set
    back) counts as one made now.
    """
    if last_at_ms is not None:
        due = next_due(min(last_at_ms, now_ms), interval_ms, phase_ms)
        if due >= now_ms:
            return due
    return now_ms + phase_ms * min(interval_ms, SPREAD_MS) // interval_ms
