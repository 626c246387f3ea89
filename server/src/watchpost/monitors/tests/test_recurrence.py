"""Series in the database: the cron form agrees with the weekly one, bad input is named, and the words."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchpost.core.tests.test_windows import DAYS as DAY_SETS
from watchpost.core.tests.test_windows import LENGTHS, MOMENTS, ODD_NIGHTS, TIMES, ZONES
from watchpost.core.windows import Series, Weekly
from watchpost.monitors import edit
from watchpost.monitors.models import Change, MaintenanceWindow, Project
from watchpost.monitors.recurrence import (
    DAYS,
    Cron,
    check_cron,
    nearest_zone,
    next_of,
    rule_of,
    rule_words,
    series_of,
)
from watchpost.monitors.spec import Invalid
from watchpost.monitors.window_spec import read_window, window_differences, window_spec_of

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)  # a Wednesday
WEEKLY = {"days": ["sun"], "at": "02:00"}
SUNDAY: dict[str, Any] = {"name": "Sunday backup", "weekly": WEEKLY, "for": "2h", "timezone": "Europe/Lisbon"}
PAGE: dict[str, Any] = {"name": "Home page", "kind": "page", "url": "https://shop.example.com/"}


def without(spec: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key not in keys}


def refusal(spec: dict[str, Any], **more: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        read_window(spec, ["home-page", "basket"], **more)
    return dict(refused.value.errors)


# ---- cron -----------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES).map(ZoneInfo), DAY_SETS, TIMES, LENGTHS, MOMENTS)
def test_cron_and_weekly_say_the_same_on_all_nights(
    zone: ZoneInfo, days: frozenset[int], at: time, lasts: timedelta, now: datetime
) -> None:
    dows = ",".join(str((day + 1) % 7) for day in sorted(days))
    cron = Cron(f"{at.minute} {at.hour} * * {dows}", zone)
    weekly = Weekly(days, at, zone)
    assert list(islice(cron.starts(now), 4)) == list(islice(weekly.starts(now), 4))
    assert Series(cron, lasts).window(now) == Series(weekly, lasts).window(now)


@pytest.mark.parametrize(("zone", "day", "at", "start", "end"), ODD_NIGHTS)
def test_cron_on_the_odd_nights(zone: str, day: str, at: str, start: str, end: str) -> None:
    that, clock = date.fromisoformat(day), time.fromisoformat(at)
    begins = datetime.fromisoformat(start).replace(tzinfo=UTC)
    cron = Cron(f"{clock.minute} {clock.hour} {that.day} {that.month} *", ZoneInfo(zone), that - timedelta(1))
    for before in (0, 1, 3600, 80_000):
        assert next(cron.starts(begins - timedelta(seconds=before))) == begins
    # Nor does it come again in the second of two hours that are alike, or for half a second.
    for after in (
        timedelta(microseconds=1),
        timedelta(seconds=1),
        timedelta(minutes=29),
        timedelta(minutes=59),
    ):
        assert next(cron.starts(begins + after)) > begins + timedelta(days=300)


MINUTES = st.sampled_from(["*", "*/15", "0", "7,37", "30-40/5"])
HOURS = st.sampled_from(["*", "*/2", "1-3", "0", "2", "23"])
DATES = st.sampled_from(
    [("*", "*", "*"), ("*", "*", "0"), ("29", "3", "*"), ("*/2", "*", "*"), ("1", "*", "1")]
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES).map(ZoneInfo), MINUTES, HOURS, DATES, MOMENTS)
def test_beginnings_by_cron_do_not_hang_on_where_one_begins_to_ask(
    zone: ZoneInfo, minute: str, hour: str, dates: tuple[str, str, str], now: datetime
) -> None:
    rule = Cron(f"{minute} {hour} {' '.join(dates)}", zone)
    found = list(islice(rule.starts(now), 40))
    assert found == sorted(set(found))
    assert found[0] >= now
    for place in (0, 1, 17, 39):  # each is found again from itself, and not from just after it
        assert next(rule.starts(found[place])) == found[place]
        assert next(rule.starts(found[place] + timedelta(seconds=1))) > found[place]


def test_first_and_last_day_bound_a_cron_series() -> None:
    zone = ZoneInfo("America/New_York")
    rule = Cron("0 22 * * *", zone, date(2026, 3, 7), date(2026, 3, 9))
    found = [start.astimezone(zone) for start in rule.starts(datetime(2020, 1, 1, tzinfo=UTC))]
    assert [(start.day, start.hour) for start in found] == [(7, 22), (8, 22), (9, 22)]


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ("0 2 * *", "has 4 fields; write five"),
        ("@weekly", "has 1 field; write five"),
        ("0 0 2 * * *", "has 6 fields"),
        ("60 2 * * *", "'60' is no minute; write 0 to 59"),
        ("0 24 * * *", "'24' is no hour"),
        ("0 2 0 * *", "'0' is no day of month; write 1 to 31"),
        ("0 2 * 13 *", "'13' is no month"),
        ("0 2 * * 8", "'8' is no day of week; write 0 to 7 or SUN to SAT"),
        ("0 2 * * SUNDAY", "'SUNDAY' is no day of week"),
        ("0 2 30 2 *", "0 2 30 2 * never comes"),
        ("0 2 31 4,6 *", "never comes"),
        ("0 0 */0 * *", "no day of month"),
        ("*/5 5-2 * * *", "'5-2' is no hour"),
    ],
)
def test_what_no_cron_reads_is_named(cron: str, says: str) -> None:
    assert says in check_cron(cron, NOW)
    assert says in refusal({"cron": cron, "for": "10m"})["cron"]


@pytest.mark.parametrize(
    "cron", ["0 2 * * 0", "0 2 29 2 *", "0 2 L * *", "0 2 * * 5L", "0 2 * * MON#1", "5 4 LW * *"]
)
def test_what_cron_reads_is_taken(cron: str) -> None:
    assert check_cron(cron, NOW) == ""
    assert read_window({"cron": f" {cron} ", "for": "10m"}, []).columns["cron"] == cron


# ---- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        (
            {"weekly": {"days": ["sudnay"], "at": "02:00"}},
            "weekly.days",
            "no day of the week; did you mean sunday?",
        ),
        ({"weekly": {"days": ["sn"], "at": "02:00"}}, "weekly.days", "did you mean sun?"),
        ({"weekly": {"days": [], "at": "02:00"}}, "weekly.days", "names no day"),
        ({"weekly": {"at": "02:00"}}, "weekly.days", "names no day"),
        ({"weekly": {"days": ["sun", 1], "at": "02:00"}}, "weekly.days.1", "is not a text"),
        ({"weekly": {"days": 7, "at": "02:00"}}, "weekly.days", "must be a list"),
        ({"weekly": {"days": ["sun"]}}, "weekly.at", "is missing"),
        ({"weekly": {"days": ["sun"], "at": 750}}, "weekly.at", 'put it in quotes: "12:30"'),
        ({"weekly": {"days": ["sun"], "at": "25:00"}}, "weekly.at", "no time of the day"),
        ({"weekly": {"days": ["sun"], "at": "2 am"}}, "weekly.at", "no time of the day"),
        ({"weekly": {"day": ["sun"], "at": "2:00"}}, "weekly.day", "did you mean days?"),
        ({"weekly": ["sun"]}, "weekly", "must be a mapping"),
        ({"weekly": None}, "weekly", "is missing"),
        ({"cron": "0 2 * * 0"}, "cron", "stands beside weekly"),
        ({"for": 0}, "for", "0s is not possible; write 60s to 30d"),
        ({"for": "-2h"}, "for", ""),
        ({"for": "90.5s"}, "for", "whole number of seconds"),
        ({"for": "31d"}, "for", "not possible"),
        ({"for": "soon"}, "for", ""),
        ({"for": None}, "for", "is missing"),
        ({"for": "7d"}, "for", "7 d is as long as the time from one beginning to the next (7 d)"),
        (
            {"timezone": "Europe/Lisabon"},
            "timezone",
            "there is no zone Europe/Lisabon; did you mean Europe/Lisbon?",
        ),
        ({"timezone": "lisbon"}, "timezone", "did you mean Europe/Lisbon?"),
        ({"timezone": "New York"}, "timezone", "did you mean America/New_York?"),
        ({"timezone": "../etc/passwd"}, "timezone", "no zone"),
        ({"timezone": 2}, "timezone", "no zone 2; write a name of the IANA database"),
        ({"first_day": "2026-02-30"}, "first_day", "no day"),
        ({"first_day": NOW}, "first_day", "no day"),
        ({"last_day": "9999-01-01"}, "last_day", "between the years"),
        ({"first_day": "2026-06-02", "last_day": "2026-06-01"}, "last_day", "lies before the first day"),
        (
            {"first_day": "2026-06-01", "last_day": "2026-06-06"},
            "last_day",
            "before the window would begin once",
        ),
        ({"monitors": ["home"]}, "monitors", "no monitor home; did you mean home-page?"),
        ({"reason": "x" * 201}, "reason", "1 to 200"),
        ({"reason": "a\nb"}, "reason", "line break"),
        ({"name": "a\x00b"}, "name", "NUL"),
        ({"name": ""}, "name", "1 to 100"),
        ({"slug": "No Slug"}, "slug", "not a slug"),
        ({"paused": "yes"}, "paused", "neither true nor false"),
        ({"ends_at": "2026-06-03T12:00:00Z"}, "ends_at", "set on the page or by the API"),
        ({"wekly": {}}, "wekly", "did you mean weekly?"),
    ],
)
def test_what_cannot_be_meant_is_named(change: dict[str, Any], where: str, says: str) -> None:
    assert says in refusal(SUNDAY | change)[where]


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = refusal({"weekly": {"days": ["x"], "at": "x"}, "for": "x", "timezone": "x", "monitors": ["x"]})
    assert set(wrong) == {"weekly.days", "weekly.at", "for", "timezone", "monitors"}
    assert set(refusal({}, must_be_named=True)) == {"weekly", "for", "name"}


@pytest.mark.parametrize(
    ("rule", "lasts", "may"),
    [
        ({"weekly": {"days": ["mon", "tue"], "at": "02:00"}}, "24h", False),
        ({"weekly": {"days": ["mon", "tue"], "at": "02:00"}}, "23h", True),
        ({"weekly": {"days": ["fri"], "at": "18:00"}}, "62h", True),
        ({"cron": "*/30 * * * *"}, "30m", False),
        ({"cron": "*/30 * * * *"}, "29m", True),
        ({"cron": "0 2,3 1 * *"}, "1h", False),
        ({"cron": "0 0 1 * *"}, "27d", True),
        ({"cron": "0 0 1 * *"}, "28d", False),
        ({"cron": "0 0 29 2 *"}, "30d", True),
    ],
)
def test_a_window_ends_before_the_next_begins(rule: dict[str, Any], lasts: str, may: bool) -> None:
    spec = rule | {"for": lasts, "timezone": "Europe/Lisbon"}
    if may:
        assert read_window(spec, []).columns["zone"] == "Europe/Lisbon"
    else:
        assert "or longer, so it would hardly ever end" in refusal(spec)["for"]


def test_the_nearest_zone() -> None:
    near = {
        "europe/lisbon": "Europe/Lisbon",
        "Lisbon": "Europe/Lisbon",
        "Europe/Lisbonn": "Europe/Lisbon",
        "utc": "UTC",
    }
    assert {name: nearest_zone(name) for name in near} == near
    assert nearest_zone("Atlantis/Deep Town Hall Number Nine") is None


# ---- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "every Sunday 02:00 to 04:00 Europe/Lisbon"),
        ({"timezone": None}, "every Sunday 02:00 to 04:00 UTC"),
        ({"weekly": WEEKLY | {"at": "23:00"}}, "every Sunday 23:00 to 01:00 the next day Europe/Lisbon"),
        (
            {"weekly": WEEKLY | {"days": ["Tuesday", "mon"]}},
            "every Monday and Tuesday 02:00 to 04:00 Europe/Lisbon",
        ),
        (
            {"weekly": {"days": "FRI", "at": "18:00"}, "for": "60h"},
            "every Friday 18:00 for 2 d 12 h Europe/Lisbon",
        ),
        ({"weekly": WEEKLY | {"days": list(DAYS)}}, "every day 02:00 to 04:00 Europe/Lisbon"),
        (
            {"weekly": WEEKLY | {"days": list(DAYS[:5])}},
            "every Monday to Friday 02:00 to 04:00 Europe/Lisbon",
        ),
        (
            {"weekly": None, "cron": "0 2 * * 0", "first_day": "2026-06-01", "last_day": date(2026, 12, 31)},
            "at 02:00 on Sunday, for 2 h, Europe/Lisbon (cron 0 2 * * 0), from 1 Jun 2026, until 31 Dec 2026",
        ),
    ],
)
def test_the_rule_in_words(change: dict[str, Any], words: str) -> None:
    columns = read_window(SUNDAY | change, []).columns
    assert rule_words(MaintenanceWindow(**columns)) == words
    unnamed = read_window(without(SUNDAY | change, "name"), []).columns
    assert unnamed["name"] == words[0].upper() + words[1:]


# ---- written --------------------------------------------------------------------------------------


@pytest.fixture
def shop(db: None) -> Project:
    project = edit.create_project("Shop", NOW)
    edit.create_monitor(project, PAGE, NOW)
    edit.create_monitor(project, PAGE | {"name": "Basket"}, NOW)
    Change.objects.all().delete()
    return project


def announced() -> list[str]:
    topics = list(Change.objects.order_by("id").values_list("topic", flat=True))
    Change.objects.all().delete()
    return topics


def test_a_series_is_written_read_back_and_changed(shop: Project) -> None:
    spec = SUNDAY | {"monitors": ["home-page"], "reason": "the disks", "last_day": date(2027, 1, 1)}
    row = edit.create_series(shop, spec, "ana", NOW)
    assert announced() == ["window"]
    assert window_spec_of(row) == spec | {"slug": "sunday-backup", "last_day": "2027-01-01"}
    row.refresh_from_db()
    assert not window_differences(row, read_window(window_spec_of(row), ["home-page"], existing=row))
    assert not edit.update_series(row, window_spec_of(row), NOW)
    assert announced() == []
    assert edit.update_series(row, without(spec, "monitors", "last_day") | {"for": "3h"}, NOW)
    assert announced() == ["window"]
    row.refresh_from_db()
    assert (row.lasts_s, row.last_day, row.monitors.count()) == (3 * 3600, None, 0)


def test_what_would_change_is_told_in_the_words_of_the_file(shop: Project) -> None:
    row = edit.create_series(shop, SUNDAY, "ana", NOW)
    wanted = read_window(
        SUNDAY | {"weekly": None, "cron": "0 3 * * 0", "monitors": ["basket"], "paused": True}, ["basket"]
    )
    assert window_differences(row, wanted) == [
        ("weekly", "sun 02:00", ""),
        ("paused", "False", "True"),
        ("cron", "", "0 3 * * 0"),
        ("monitors", "all", "basket"),
    ]


def test_names_of_series_do_not_clash_on_the_page_and_do_in_a_file(shop: Project) -> None:
    slugs = [edit.create_series(shop, SUNDAY, "ana", NOW).slug for _ in range(3)]
    assert slugs == ["sunday-backup", "sunday-backup-2", "sunday-backup-3"]
    assert edit.create_series(shop, SUNDAY | {"name": "резерв"}, "ana", NOW).slug == "window"
    for slug in ("sunday-backup", "sunday-backup-2"):
        with pytest.raises(Invalid, match=f"has a window {slug} already"):
            edit.create_series(shop, SUNDAY | {"slug": slug}, "ana", NOW)
    second = MaintenanceWindow.objects.get(slug="sunday-backup-2")
    with pytest.raises(Invalid, match="has a window sunday-backup already"):
        edit.update_series(second, SUNDAY | {"slug": "sunday-backup"}, NOW)


def test_a_series_that_comes_no_more_is_refused_on_the_page_and_kept_in_a_file(shop: Project) -> None:
    over = SUNDAY | {"last_day": "2026-06-01"}
    with pytest.raises(Invalid, match="last_day: has passed before"):
        edit.create_series(shop, over, "ana", NOW)
    assert next_of(edit.create_series(shop, over, "", NOW, applied=True), NOW) == []


def test_ending_pausing_and_deleting(shop: Project) -> None:
    row = edit.create_series(shop, SUNDAY, "ana", NOW)
    begins = datetime(2026, 6, 7, 1, tzinfo=UTC)
    announced()
    assert not edit.end_window(row, NOW)
    assert announced() == []
    assert edit.end_window(row, begins + timedelta(minutes=5))
    assert announced() == ["window"]
    row.refresh_from_db()
    after = next_of(row, begins + timedelta(minutes=6))
    assert [start.day for start, _ in after] == [14, 21, 28]
    assert edit.pause_series(row, True, NOW)
    assert not edit.pause_series(row, True, NOW)
    assert next_of(MaintenanceWindow.objects.get(), NOW) == []
    assert edit.pause_series(row, False, NOW)
    assert announced() == ["window", "window"]
    edit.cancel_window(row, begins)
    assert not MaintenanceWindow.objects.exists()
    assert announced() == ["window"]


def test_a_window_over_a_deleted_monitor_does_not_cover_the_whole_project(shop: Project) -> None:
    alone = edit.create_series(shop, SUNDAY | {"monitors": ["home-page"]}, "ana", NOW)
    both = edit.create_series(shop, SUNDAY | {"monitors": ["home-page", "basket"]}, "ana", NOW)
    home = shop.monitors.get(slug="home-page")
    once = edit.create_window(shop, [home], NOW, NOW + timedelta(hours=1), "", "ana", NOW)
    whole = edit.create_series(shop, SUNDAY, "ana", NOW)
    announced()
    edit.delete_monitor(home, NOW)
    assert announced() == ["window", "window", "monitor"]
    left = set(MaintenanceWindow.objects.values_list("pk", flat=True))
    assert left == {both.pk, whole.pk}
    assert not left & {alone.pk, once.pk}


def test_a_row_this_machine_cannot_read_raises_one_error_and_shows_nothing(shop: Project) -> None:
    row = edit.create_series(shop, SUNDAY, "ana", NOW)
    for change in ({"zone": "Europe/Atlantis"}, {"cron": "0 2 30 2 *"}, {"days": ["so"]}, {"at": "x"}):
        for column, value in change.items():
            setattr(row, column, value)
        with pytest.raises(ValueError):  # as long as it is no other
            rule_of(row)
        with pytest.raises(ValueError):
            series_of(row)
        assert next_of(row, NOW) == []
        assert rule_words(row)
        row.refresh_from_db()
