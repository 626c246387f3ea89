"""Beat's schedule as the server is told it, and kept: which entries, when, on whose clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import islice
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from celery import Celery
from celery.schedules import crontab, schedule, solar
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st
from oncalendar import OnCalendar

from django_watchpost.celery.entries import Entry, Untold, read_entry, slug_of
from django_watchpost.celery.registry import NotDone, Registry
from tests.pinged import Pinged

ATHENS = Celery("athens", set_as_current=False)
ATHENS.conf.timezone = "Europe/Athens"


def read(when, name: str = "nightly", task: str = "shop.fine", **wishes) -> Entry:
    return read_entry(name, SimpleNamespace(task=task, schedule=when), wishes)


def tab(*args, **kwargs) -> crontab:
    return crontab(*args, **kwargs, app=ATHENS)


@pytest.mark.parametrize(
    ("when", "told"),
    [
        (tab(), "* * * * *"),
        (tab(minute=0, hour=3), "0 3 * * *"),
        (tab(minute="*/15"), "*/15 * * * *"),
        (tab(minute="0,30", hour="8-18"), "0,30 8-18 * * *"),
        (tab(minute=0, hour=0, day_of_week="mon-fri"), "0 0 * * 1-5"),
        (tab(minute=0, hour=0, day_of_week="sunday"), "0 0 * * 0"),
        (tab(minute=5, hour=1, day_of_month=1, month_of_year="*/3"), "5 1 1 */3 *"),
        (tab(minute=0, hour=9, day_of_month="1-7", day_of_week="mon"), "Mon *-*-1..7 9:0:00"),
    ],
)
def test_crontabs(when, told):
    found = read(when)
    assert (found.schedule, found.zone) == (told, "Europe/Athens")


fields = st.tuples(
    st.sampled_from(["*", "0", "*/7", "5,50-59", "1-59/2"]),
    st.sampled_from(["*", "0", "*/5", "8-18", "23"]),
    st.sampled_from(["*", "1", "*/2", "28", "1-7", "10,20,29"]),
    st.sampled_from(["*", "2", "*/4", "1-6", "12"]),
    st.sampled_from(["*", "mon", "sat,sun", "1-5", "*/3"]),
)


@settings(max_examples=40, deadline=None)
@given(fields)
def test_what_is_told_is_what_celery_does(given_fields):
    """Minute by minute, by Celery's own sets: all of its fields must fit."""
    minute, hour, day, month, weekday = given_fields
    when = tab(minute, hour, day_of_week=weekday, day_of_month=day, month_of_year=month)
    told = read(when).schedule
    begin = datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC"))
    kind = CronSim if len(told.split()) == 5 else OnCalendar
    for due in islice(kind(told, begin), 40):
        assert (due.minute in when.minute, due.hour in when.hour, due.day in when.day_of_month) == (True,) * 3
        assert (due.month in when.month_of_year, due.isoweekday() % 7 in when.day_of_week) == (True,) * 2
    first = next(kind(told, begin))
    if first - begin > timedelta(days=60):
        return  # too many minutes to count
    at = begin + timedelta(minutes=1)
    while not (
        at.minute in when.minute and at.hour in when.hour and at.day in when.day_of_month
        and at.month in when.month_of_year and at.isoweekday() % 7 in when.day_of_week
    ):  # fmt: skip
        at += timedelta(minutes=1)
    assert first == at


@pytest.mark.parametrize(
    ("every", "period_s", "grace_s"),
    [
        (schedule(10.0), 60, 1800),
        (schedule(timedelta(minutes=5)), 300, 1800),
        (schedule(timedelta(days=1)), 86_400, 3600),
    ],
)
def test_intervals(every, period_s, grace_s):
    found = read(every)
    assert (found.period_s, found.grace_s, found.schedule) == (period_s, grace_s, "")


@pytest.mark.parametrize(
    ("when", "says"),
    [
        (solar.__new__(solar), "when it is due (solar) can be told by no fixed schedule"),
        (schedule(timedelta(days=500)), "it runs less than once a year"),
    ],
)
def test_what_is_left_out_says_why(when, says):
    with pytest.raises(Untold) as found:
        read(when)
    assert str(found.value) == says


class Fixed(crontab):
    """A crontab on a clock that has no name."""

    tz = timezone(timedelta(hours=2))


def test_a_zone_without_a_name_is_left_out():
    with pytest.raises(Untold, match=r"its time zone UTC\+02:00 has no name"):
        read(Fixed(minute=0, app=ATHENS))
    assert read(crontab(app=Celery("utc", set_as_current=False))).zone == "UTC"


def test_wishes():
    found = read(tab(minute=0), **{"night*": {"grace": 7200}})
    assert (found.grace_s, found.is_grace_set, found.depends_on) == (7200, True, ())
    found = read(tab(minute=0), **{"night*": {"depends_on": "health"}})
    assert (found.grace_s, found.is_grace_set, found.depends_on) == (1800, False, ("health",))
    assert read(tab(minute=0), **{"*": {"depends_on": ["health", "api"]}}).depends_on == ("health", "api")
    for name, task, wishes in (
        ("noisy-1", "x.y", {"noisy-*": False}),
        ("celery.backend_cleanup", "x.y", {}),
        ("w", "watchpost.beat", {}),
    ):
        with pytest.raises(Untold) as found:
            read(tab(), name, task, **wishes)
        assert str(found.value) == ""


def test_each_name_has_a_slug_of_its_own():
    assert slug_of("nightly-report_2") == "beat-nightly-report_2"
    names = [
        "Nightly report",
        "nightly-report",
        "nightly report",
        "NIGHTLY",
        "nightly",
        "日次",
        "月次",
        "x" * 300,
    ]
    slugs = [slug_of(name) for name in names]
    assert len(set(slugs)) == len(names)
    assert all(one.isascii() and one == one.lower() and " " not in one and len(one) < 100 for one in slugs)


# ---- the server -----------------------------------------------------------------------------------


@pytest.fixture
def pinged() -> Iterator[Pinged]:
    server = Pinged()
    yield server
    server.close()


def checks(pinged: Pinged) -> dict[str, dict]:
    return {one["slug"]: one for one in pinged.checks.values()}


NIGHTLY = Entry("nightly", "beat-nightly", "shop.fine", 3600, schedule="0 3 * * *", zone="Europe/Athens")
OFTEN = Entry("often", "beat-often", "shop.mail", 1800, period_s=300)


def test_entries_are_made_kept_and_let_go(pinged):
    registry = Registry(pinged.url, "a-key", "shop")
    registry.bring([NIGHTLY, OFTEN])
    made = checks(pinged)
    assert made["beat-nightly"] | {"uuid": ""} == {
        "uuid": "", "status": "new", "name": "nightly", "slug": "beat-nightly", "tags": "celery-beat beat-shop",
        "schedule": "0 3 * * *", "tz": "Europe/Athens", "grace": 3600, "desc": "Celery Beat runs shop.fine.",
    }  # fmt: skip
    assert made["beat-often"]["timeout"] == 300
    assert pinged.keys == {"a-key"}
    assert pinged.heard[0][1] == "/api/v3/checks/?tag=celery-beat&tag=beat-shop"

    made["beat-nightly"]["grace"] = 60  # by somebody, on its page
    assert registry.unheard == {"beat-nightly", "beat-often"}

    made["beat-often"]["status"] = "up"
    made["beat-nightly"]["started"] = True
    count = len(pinged.heard)
    registry.bring([NIGHTLY, OFTEN])
    assert registry.unheard == set()
    assert [one[0] for one in pinged.heard[count:]] == ["GET"]  # nothing to write

    moved = Entry("nightly", "beat-nightly", "shop.fine", 3600, schedule="0 4 * * *", zone="Europe/Athens")
    registry.bring([moved])
    made = checks(pinged)
    assert (made["beat-nightly"]["schedule"], made["beat-nightly"]["grace"]) == ("0 4 * * *", 60)
    assert made["beat-often"]["status"] == "paused"
    assert made["beat-often"]["desc"].startswith("Paused: the entry is gone from Beat's schedule since 20")

    count = len(pinged.heard)
    registry.bring([moved])
    assert len(pinged.heard) == count + 1  # said once

    registry.bring([moved, OFTEN])
    made = checks(pinged)
    assert (made["beat-often"]["status"], made["beat-often"]["desc"]) == (
        "new",
        "Celery Beat runs shop.mail.",
    )


def test_a_pause_by_people_stays(pinged):
    registry = Registry(pinged.url, "a-key", "shop")
    registry.bring([NIGHTLY])
    checks(pinged)["beat-nightly"]["status"] = "paused"
    registry.bring([NIGHTLY])
    assert checks(pinged)["beat-nightly"]["status"] == "paused"


def test_what_it_stands_on_is_told_once_and_tried_again_while_it_is_not_there(pinged, caplog):
    registry = Registry(pinged.url, "a-key", "shop")
    below = replace(OFTEN, depends_on=("health",))
    refused = b'{"error": "json validation error: depends_on there is no monitor health"}'
    pinged.answers = [(200, b'{"checks": []}'), (201, b"{}"), (400, refused)]
    assert registry.bring([below]) is False
    pinged.answers = [(200, b'{"checks": []}'), (201, b"{}"), (400, refused)]
    assert registry.bring([below]) is False
    assert caplog.text.count("does not stand on health") == 1
    assert "there is no monitor health" in caplog.text

    assert registry.bring([below]) is True
    assert checks(pinged)["beat-often"]["depends_on"] == ["health"]
    checks(pinged)["beat-often"]["depends_on"] = []  # by somebody, on its page
    assert registry.bring([below]) is True
    assert checks(pinged)["beat-often"]["depends_on"] == []


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((401, b"{}"), "WATCHPOST['API_KEY'] is refused"),
        ((500, b"oops"), "answers 500: oops"),
        ((200, b"<html>"), "answers no JSON; correct WATCHPOST['PING_URL']"),
    ],
)
def test_a_server_that_refuses(pinged, answer, says):
    pinged.answers = [answer]
    with pytest.raises(NotDone) as found:
        Registry(pinged.url, "k", "shop").bring([NIGHTLY])
    assert says in str(found.value)


def test_one_entry_that_is_refused_does_not_hold_up_the_others(pinged, caplog):
    pinged.answers = [(200, b'{"checks": []}'), (400, b'{"error": "too many"}')]
    Registry(pinged.url, "k", "shop").bring([NIGHTLY, OFTEN])
    assert set(checks(pinged)) == {"beat-often"}
    assert "Beat's entry 'nightly' has no heartbeat" in caplog.text
