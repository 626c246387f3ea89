"""When a heartbeat is due, on ordinary days and on the two odd nights, in three zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.registry.schedule import ByCalendar, ByCron, Every

ZONES = ("Europe/Lisbon", "America/New_York", "Australia/Lord_Howe")  # the last one leaps by half an hour


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# zone, expression, last sign (UTC), next due (UTC); the clocks of 2026
NIGHTS = [
    # Lisbon leaps 01:00 -> 02:00 on 29 March (UTC 01:00), and falls back 02:00 -> 01:00 on 25 October (UTC 01:00)
    ("Europe/Lisbon", "30 1 * * *", "2026-03-28T01:30", "2026-03-29T01:00"),
    ("Europe/Lisbon", "30 1 * * *", "2026-03-29T01:00", "2026-03-30T00:30"),
    ("Europe/Lisbon", "30 1 * * *", "2026-10-24T00:30", "2026-10-25T00:30"),
    ("Europe/Lisbon", "30 1 * * *", "2026-10-25T00:30", "2026-10-26T01:30"),
    ("Europe/Lisbon", "*/30 * * * *", "2026-10-25T00:30", "2026-10-25T01:00"),
    ("Europe/Lisbon", "*/30 * * * *", "2026-03-29T00:30", "2026-03-29T01:00"),
    ("Europe/Lisbon", "0 3 * * *", "2026-03-28T03:00", "2026-03-29T02:00"),
    # New York leaps 02:00 -> 03:00 on 8 March (UTC 07:00), and falls back 02:00 -> 01:00 on 1 November (UTC 06:00)
    ("America/New_York", "30 2 * * *", "2026-03-07T07:30", "2026-03-08T07:00"),
    ("America/New_York", "30 1 * * *", "2026-10-31T05:30", "2026-11-01T05:30"),
    ("America/New_York", "30 1 * * *", "2026-11-01T05:30", "2026-11-02T06:30"),
    ("America/New_York", "0 12 * * *", "2026-03-07T17:00", "2026-03-08T16:00"),
    # Lord Howe leaps 02:00 -> 02:30 on 4 October (UTC 15:30 the day before), and back 02:00 -> 01:30 on 5 April
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-02T15:45", "2026-10-03T15:30"),
    ("Australia/Lord_Howe", "45 1 * * *", "2026-04-03T14:45", "2026-04-04T14:45"),
    ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T14:45", "2026-04-05T15:15"),
]


@pytest.mark.parametrize(("zone", "expression", "last", "due"), NIGHTS)
def test_cron_on_the_odd_nights(zone: str, expression: str, last: str, due: str) -> None:
    assert ByCron(expression, ZoneInfo(zone)).due_after(utc(last)) == utc(due)


@pytest.mark.parametrize(
    ("zone", "expression", "last", "due"),
    [
        ("Europe/Lisbon", "*-*-* 03:00", "2026-06-01T10:00", "2026-06-02T02:00"),
        ("Europe/Lisbon", "Mon *-*-* 03:00", "2026-06-01T10:00", "2026-06-08T02:00"),
        ("America/New_York", "*-*-* 12:00\n*-*-* 13:00", "2026-06-01T16:00", "2026-06-01T17:00"),
        ("Europe/Lisbon", "*-*-* 03:00", "2026-03-28T03:00", "2026-03-29T02:00"),
        ("Australia/Lord_Howe", "*:0/15", "2026-06-01T00:01", "2026-06-01T00:15"),
    ],
)
def test_calendar(zone: str, expression: str, last: str, due: str) -> None:
    assert ByCalendar(expression, ZoneInfo(zone)).due_after(utc(last)) == utc(due)


def test_a_calendar_that_is_over_expects_nothing_any_more() -> None:
    assert ByCalendar("2020-01-01 00:00", ZoneInfo("UTC")).due_after(utc("2026-01-01T00:00")) is None


def test_a_period() -> None:
    assert Every(25 * 3600).due_after(utc("2026-03-28T12:00")) == utc("2026-03-29T13:00")


@given(
    st.sampled_from(ZONES),
    st.sampled_from(["*/5 * * * *", "30 1 * * *", "0 0 1 * *", "15 2 * * 0", "0 3 * * 1-5"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001
)
def test_the_next_one_lies_ahead_and_none_lies_between(zone: str, expression: str, naive: datetime) -> None:
    rule, last = ByCron(expression, ZoneInfo(zone)), naive.replace(tzinfo=UTC)
    due = rule.due_after(last)
    assert due is not None
    assert due > last
    assert rule.due_after(due - timedelta(seconds=1)) == due
