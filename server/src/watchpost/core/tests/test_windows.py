"""Series of windows: the odd nights in several zones by a table, and each instant against brute force."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchpost.core.windows import (
    DAY,
    MOST_JOINED,
    Rule,
    Series,
    Weekly,
    instant_of,
    merged,
    shortest_pause,
    upcoming,
)

HOUR = timedelta(hours=1)
EVERY_DAY = frozenset(range(7))
ZONES = (
    "Europe/Lisbon",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "America/Havana",  # leaps at midnight
    "Africa/Casablanca",  # turns back for Ramadan
    "Pacific/Apia",  # left out a whole Friday in 2011
    "Asia/Kathmandu",  # never turns
)

ODD_NIGHTS = [
    # zone, day, time on the clock, beginning, and end after two hours, as UTC shows them
    # The night that leaps: the beginning is at the leap, and it lasts two real hours.
    ("Europe/Lisbon", "2026-03-29", "01:30", "2026-03-29 01:00", "2026-03-29 03:00"),
    ("Europe/Lisbon", "2026-03-29", "00:30", "2026-03-29 00:30", "2026-03-29 02:30"),
    ("Europe/Lisbon", "2026-03-29", "02:00", "2026-03-29 01:00", "2026-03-29 03:00"),
    ("America/New_York", "2026-03-08", "02:30", "2026-03-08 07:00", "2026-03-08 09:00"),
    ("America/New_York", "2026-03-08", "03:00", "2026-03-08 07:00", "2026-03-08 09:00"),
    ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03 15:30", "2026-10-03 17:30"),
    ("America/Havana", "2026-03-08", "00:00", "2026-03-08 05:00", "2026-03-08 07:00"),
    # The night that comes twice: the first time.
    ("Europe/Lisbon", "2026-10-25", "01:30", "2026-10-25 00:30", "2026-10-25 02:30"),
    ("Europe/Lisbon", "2026-10-25", "02:00", "2026-10-25 02:00", "2026-10-25 04:00"),
    ("America/New_York", "2026-11-01", "01:30", "2026-11-01 05:30", "2026-11-01 07:30"),
    ("America/New_York", "2026-11-01", "02:30", "2026-11-01 07:30", "2026-11-01 09:30"),
    ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04 14:45", "2026-04-04 16:45"),
    ("America/Havana", "2026-11-01", "00:30", "2026-11-01 04:30", "2026-11-01 06:30"),
    # The day that never was: its window is at the leap.
    ("Pacific/Apia", "2011-12-30", "02:00", "2011-12-30 10:00", "2011-12-30 12:00"),
    # An ordinary night.
    ("Europe/Lisbon", "2026-07-05", "02:00", "2026-07-05 01:00", "2026-07-05 03:00"),
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("zone", "day", "at", "start", "end"), ODD_NIGHTS)
def test_the_odd_nights(zone: str, day: str, at: str, start: str, end: str) -> None:
    that = date.fromisoformat(day)
    weekly = Weekly(frozenset({that.weekday()}), time.fromisoformat(at), ZoneInfo(zone), that, that)
    series = Series(weekly, 2 * HOUR)
    for before in (timedelta(0), HOUR, 5 * DAY, 40 * DAY):
        assert list(series.stretches(utc(start) - before)) == [(utc(start), utc(end))]
    assert list(weekly.starts(utc(start))) == [utc(start)]
    assert list(weekly.starts(utc(start) + timedelta(microseconds=1))) == []
    running = series.window(utc(end) - timedelta(seconds=1))
    assert running is not None
    assert (running.start, running.end) == (utc(start), utc(end))
    assert series.window(utc(end)) is None


def test_two_beginnings_at_one_leap_are_one() -> None:
    daily = Weekly(EVERY_DAY, time(0), ZoneInfo("Pacific/Apia"))
    found = list(islice(daily.starts(utc("2011-12-29 00:00")), 3))
    assert found == [utc("2011-12-29 10:00"), utc("2011-12-30 10:00"), utc("2011-12-31 10:00")]


def brute_starts(days: frozenset[int], at: time, zone: ZoneInfo, day: date, count: int) -> list[datetime]:
    """The first second of each day at which the zone's clock shows the time or something later, by walking:
    the clock is asked second by second at the end, minute by minute before."""
    found = []
    for number in range(count):
        that = day + number * DAY
        if that.weekday() not in days:
            continue
        local = datetime.combine(that, at)
        instant = datetime.combine(that, at, UTC) - 27 * HOUR  # before it in every zone, leap or not
        for step in (HOUR, timedelta(minutes=10), timedelta(minutes=1), timedelta(seconds=1)):
            while (instant + step).astimezone(zone).replace(tzinfo=None) < local:
                instant += step
        found.append(instant + timedelta(seconds=1))
    return found


MOMENTS = st.one_of(
    st.integers(0, 9000 * 86400).map(
        lambda seconds: datetime.fromisoformat("2010-01-01") + timedelta(seconds=seconds)
    ),
    # Near a leap of one of the zones, where it matters.
    st.builds(
        lambda edge, off: edge + timedelta(seconds=off),
        st.sampled_from([datetime.fromisoformat(row[3]) for row in ODD_NIGHTS]),
        st.integers(-100_000, 100_000),
    ),
).map(lambda at: at.replace(tzinfo=UTC))
DAYS = st.frozensets(st.integers(0, 6), min_size=1)
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
LENGTHS = st.integers(60, 40 * 3600).map(lambda seconds: timedelta(seconds=seconds))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ZONES).map(ZoneInfo), DAYS, TIMES, LENGTHS, MOMENTS)
def test_each_instant_is_answered_as_by_walking_through_time(
    zone: ZoneInfo, days: frozenset[int], at: time, lasts: timedelta, now: datetime
) -> None:
    series = Series(Weekly(days, at, zone), lasts)
    walked = brute_starts(days, at, zone, now.date() - 5 * DAY, 24)
    inside = any(start <= now < start + lasts for start in walked)
    window = series.window(now)
    assert window is not None
    assert (window.start <= now) == inside
    assert window.end > now
    if not inside:
        assert window.start == min(start for start in walked if start > now)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES).map(ZoneInfo), DAYS, TIMES, LENGTHS, MOMENTS)
def test_stretches_ascend_and_never_touch(
    zone: ZoneInfo, days: frozenset[int], at: time, lasts: timedelta, now: datetime
) -> None:
    found = list(islice(Series(Weekly(days, at, zone), lasts).stretches(now), 6))
    assert all(start < end for start, end in found)
    # A series without any pause is told in pieces that touch.
    endless = lasts >= DAY and len(days) == 7
    assert all(end < start or (endless and end >= start) for (_, end), (start, _) in pairwise(found))
    starts = list(islice(Weekly(days, at, zone).starts(now), 10))
    assert starts[0] >= now
    assert starts == sorted(set(starts))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES).map(ZoneInfo), MOMENTS)
def test_an_instant_is_found_by_what_its_clock_shows(zone: ZoneInfo, now: datetime) -> None:
    now = now.replace(microsecond=0)
    local = now.astimezone(zone)
    found = instant_of(local.replace(tzinfo=None, fold=0), zone)
    assert found == (now if not local.fold else local.replace(fold=0).astimezone(UTC))


STRETCHES = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=12)


@given(STRETCHES)
def test_what_overlaps_or_touches_is_one(pairs: list[tuple[int, int]]) -> None:
    def at(minutes: int) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)

    given = sorted((at(start), at(start + length)) for start, length in pairs)
    found = list(merged(given))
    assert all(end < start for (_, end), (start, _) in pairwise(found))
    for minute in range(90):
        now = at(minute)
        assert any(a <= now < b for a, b in given) == any(a <= now < b for a, b in found)


def sundays(**more: date) -> Weekly:
    return Weekly(frozenset({6}), time(2), ZoneInfo("Europe/Lisbon"), more.get("first"), more.get("last"))


def test_the_first_and_the_last_day_are_part_of_it() -> None:
    rule = sundays(first=date(2026, 6, 7), last=date(2026, 6, 21))
    days = [start.astimezone(rule.zone).date().day for start in rule.starts(utc("2020-01-01"))]
    assert days == [7, 14, 21]
    assert list(sundays(last=date(2026, 6, 6)).starts(utc("2026-06-01"))) == []
    assert list(Weekly(frozenset(), time(2), UTC).starts(utc("2026-06-01"))) == []


def test_a_window_ended_by_hand_is_over_and_the_next_one_comes() -> None:
    first, second = utc("2026-06-07 01:00"), utc("2026-06-14 01:00")
    series = Series(sundays(), 2 * HOUR, ended_at=first + HOUR)
    assert upcoming(series, first, 2) == [(first, first + HOUR), (second, second + 2 * HOUR)]
    assert upcoming(series, first + HOUR, 1) == [(second, second + 2 * HOUR)]
    # Ended before it began, or long ago: nothing is cut.
    for early in (first - HOUR, first - 30 * DAY):
        assert upcoming(Series(sundays(), 2 * HOUR, ended_at=early), first, 1) == [(first, first + 2 * HOUR)]


def test_a_day_of_23_hours_joins_what_a_day_of_24_keeps_apart() -> None:
    daily = Series(Weekly(EVERY_DAY, time(2), ZoneInfo("Europe/Lisbon")), 23 * HOUR + HOUR / 2)
    ordinary, leap = utc("2026-06-07 12:00"), utc("2026-03-28 12:00")
    assert [end - start for start, end in upcoming(daily, ordinary, 2)] == [daily.lasts, daily.lasts]
    assert upcoming(daily, leap, 1)[0][1] - upcoming(daily, leap, 1)[0][0] > 40 * HOUR


def test_a_series_that_never_pauses_is_told_in_pieces() -> None:
    endless = Series(Weekly(EVERY_DAY, time(2), UTC), 30 * HOUR)
    (start, end), (after, _) = upcoming(endless, utc("2026-06-07"), 2)
    assert (end - start) // DAY in (MOST_JOINED, MOST_JOINED + 1)
    assert after < end


def test_the_least_time_between_beginnings() -> None:
    since = utc("2026-06-01")
    assert shortest_pause(Weekly(EVERY_DAY, time(2), UTC), since) == DAY
    assert shortest_pause(Weekly(frozenset({0, 2}), time(2), UTC), since) == 2 * DAY
    assert shortest_pause(sundays(), since) == 7 * DAY - HOUR  # over the leap in spring
    assert shortest_pause(sundays(last=date(2026, 6, 7)), since) is None

    class Rarely(Rule):
        def starts(self, since: datetime) -> Iterator[datetime]:
            yield from (since + years * 365 * DAY for years in (1, 9, 9.5))

    assert shortest_pause(Rarely(), since) == 8 * 365 * DAY
