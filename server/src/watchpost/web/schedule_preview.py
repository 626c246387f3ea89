"""What a schedule that somebody types would do: its next five times, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from watchpost.core.words import duration_words
from watchpost.registry.duration import parse_duration
from watchpost.registry.schedule import check_schedule, check_zone, schedule_of, zone_of
from watchpost.web.beats import Clocks, next_times


@dataclass(frozen=True, slots=True)
class Preview:
    """``says`` stands above the times; ``wrong`` in their place."""

    says: str = ""
    times: tuple[Clocks, ...] = ()
    wrong: str = ""


def preview_of(given: Mapping[str, str], now: datetime) -> Preview:
    """Of ``schedule``, ``timezone`` and ``period`` as they stand in the form."""
    schedule, name = (
        given.get("schedule", "").replace("\r\n", "\n").strip(),
        given.get("timezone", "").strip(),
    )
    if not schedule:
        return _by_period(given.get("period", ""))
    try:
        rule = schedule_of(check_schedule(schedule), zone_of(check_zone(name or "UTC")))
        times = next_times(rule, zone_of(name or "UTC"), name or "UTC", now)
    except ValueError as error:
        return Preview(wrong=str(error))
    if not times:
        return Preview(wrong=f"{schedule} does not come any more; write one that does")
    return Preview("Next:" if len(times) > 1 else "Once more:", tuple(times))


def _by_period(period: str) -> Preview:
    try:
        length = duration_words(parse_duration(period or "1d"))
    except (ValueError, TypeError):
        return Preview()
    return Preview(f"Without a schedule: {length} after each success.")
