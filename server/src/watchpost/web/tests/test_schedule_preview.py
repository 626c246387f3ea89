"""The next times of a schedule, shown while it is typed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from tests.e2e.seed import Seeded, seed

from watchpost.registry.schedule import schedule_of
from watchpost.web.beats import clocks, next_times
from watchpost.web.schedule_preview import preview_of
from watchpost.web.tests.test_access import enter

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(NOW)


def test_a_clock_that_leaps_is_told_and_both_clocks_are_shown() -> None:
    before = datetime(2027, 3, 27, 12, tzinfo=UTC)
    timezone.activate(UTC)
    preview = preview_of({"schedule": "30 2 * * *", "timezone": "Europe/Berlin"}, before)
    assert [one.there for one in preview.times][:2] == ["Sun 28 Mar 03:00 Berlin", "Mon 29 Mar 02:30 Berlin"]
    assert [one.turns for one in preview.times] == [True, False, False, False, False]
    assert preview.times[0].here == "01:00"
    there = clocks(before, ZoneInfo("Asia/Tokyo"), "Asia/Tokyo", before)
    assert (there.there, there.here) == ("Sat 27 Mar 21:00 Tokyo", "12:00")


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"schedule": "0 25 * * *"}, "is no schedule"),
        ({"schedule": "0 3 * * *", "timezone": "Europe/Lisbonn"}, "did you mean Europe/Lisbon?"),
        ({"schedule": "2020-01-01 03:00"}, "does not come any more"),
        ({"schedule": "0 0 30 2 *"}, "is no schedule"),
        ({"schedule": "<script>"}, "is no schedule"),
    ],
)
def test_a_schedule_that_cannot_be_is_told_while_it_is_typed(
    seeded: Seeded, given: dict[str, str], wrong: str
) -> None:
    assert wrong in preview_of(given, NOW).wrong
    page = enter(seeded.admin).get("/heartbeats/next/", given)
    assert page.status_code == 200
    assert b"<script>" not in page.content


def test_one_that_comes_once_more_has_one_time() -> None:
    rule = schedule_of("2027-01-01 03:00", UTC)
    timezone.activate(UTC)
    times = next_times(rule, UTC, "UTC", datetime(2026, 12, 31, tzinfo=UTC))
    assert [one.there for one in times] == ["Fri 1 Jan 2027 03:00 UTC"]
