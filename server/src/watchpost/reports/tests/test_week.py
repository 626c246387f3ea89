"""Which week, and when it is due: also where clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from watchpost.reports.week import last_week, week_of, zone_of

LISBON = ZoneInfo("Europe/Lisbon")


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        (datetime(2026, 11, 23, 7, 59, 59, tzinfo=UTC), date(2026, 11, 16)),
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 11, 29, 23, 59, tzinfo=UTC), date(2026, 11, 23)),
    ],
)
def test_a_week_is_the_last_one_from_monday_at_eight_on(now: datetime, monday: date) -> None:
    assert last_week(now, UTC).monday == monday


def test_a_week_in_which_clocks_change_is_whole() -> None:
    autumn = week_of(date(2026, 10, 26), LISBON)
    assert (autumn.start, autumn.end) == (
        datetime(2026, 10, 18, 23, tzinfo=UTC), datetime(2026, 10, 26, 0, tzinfo=UTC)
    )  # fmt: skip
    assert autumn.end - autumn.start == timedelta(days=7, hours=1)
    assert autumn.due == datetime(2026, 10, 26, 8, tzinfo=UTC)
    assert week_of(date(2026, 10, 19), LISBON).due == datetime(2026, 10, 19, 7, tzinfo=UTC)


def test_words_name_months_and_years_once() -> None:
    assert week_of(date(2026, 11, 23), UTC).words == "16 to 22 November 2026"
    assert week_of(date(2026, 11, 2), UTC).words == "26 October to 1 November 2026"
    assert week_of(date(2027, 1, 4), UTC).words == "28 December 2026 to 3 January 2027"


@pytest.mark.parametrize("name", ["", "Nowhere/Land", "../../etc/passwd", "a\0b"])
def test_a_zone_nobody_knows_is_utc(name: str) -> None:
    assert zone_of(name) is UTC
