"""When a monitor looks. Pure; every time and duration is in milliseconds.

Looks lie on a grid: ``phase + n * interval``. The phase comes from the monitor alone, so it is the
same after a restart and monitors are spread over the interval. A run that was missed is skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

SPREAD_MS = 60_000


def phase_ms(monitor_key: str | int, interval_ms: int) -> int:
    """The monitor's place inside its interval, 0 <= phase < interval."""
    digest = blake2b(str(monitor_key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % interval_ms


def next_due(now_ms: int, interval_ms: int, phase_ms: int) -> int:
    """The first time on the grid strictly after now: a look at its due time is not repeated."""
    return now_ms + interval_ms - (now_ms - phase_ms) % interval_ms


def first_due(
    last_at_ms: int | None, now_ms: int, interval_ms: int, phase_ms: int, place: float | None = None
) -> int:
    """The first look after a start.

    What should have been looked at meanwhile is due, spread over min(interval, 60 s): at ``place``
    (0 to 1, from ``places``), or where its phase lies. What is not overdue keeps its grid. A last look
    in the future (the clock was set back) counts as one made now.
    """
    if not is_overdue(last_at_ms, now_ms, interval_ms, phase_ms) and last_at_ms is not None:
        return next_due(min(last_at_ms, now_ms), interval_ms, phase_ms)
    share = phase_ms / interval_ms if place is None else place
    return now_ms + int(share * min(interval_ms, SPREAD_MS))


def is_overdue(last_at_ms: int | None, now_ms: int, interval_ms: int, phase_ms: int) -> bool:
    """Whether a look was missed, or none was ever made."""
    return last_at_ms is None or next_due(min(last_at_ms, now_ms), interval_ms, phase_ms) < now_ms


def places(last_looks_ms: Mapping[int, int | None]) -> dict[int, float]:
    """Where in the spread each overdue monitor comes, by its id: the oldest look first, evenly apart.

    By age, not by phase: whoever is killed again and again before the spread ends would else never
    get to the late phases.
    """

    def age(monitor: int) -> tuple[int, int]:
        last = last_looks_ms[monitor]
        return (-1 if last is None else last, phase_ms(monitor, SPREAD_MS))

    order = sorted(last_looks_ms, key=age)
    return {monitor: rank / len(order) for rank, monitor in enumerate(order)}
