"""Maintenance that comes again: to the second, over months, without asking the database."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.stories.telling import Story
from watchpost.core.types import Overlay
from watchpost.monitors import edit
from watchpost.monitors.models import MaintenanceWindow, Monitor, Transition
from watchpost.monitors.recurrence import rule_of

SECOND = timedelta(seconds=1)
WEEKLY: dict[str, Any] = {
    "name": "Sunday backup",
    "weekly": {"days": ["sun"], "at": "02:00"},
    "for": "2h",
    "timezone": "Europe/Lisbon",
}
SUNDAY = datetime(2026, 11, 8, 2, tzinfo=UTC)  # the first after the story begins; Lisbon is on UTC


def plan(story: Story, *monitors: Monitor, **change: Any) -> MaintenanceWindow:
    spec = WEEKLY | {"monitors": [monitor.slug for monitor in monitors]} | change
    row = edit.create_series(story.project, spec, "ana", story.time)
    hear(story)
    return row


def hear(story: Story) -> None:
    story.take_changes()
    story.tick()


def go(story: Story, at: datetime) -> None:
    story.time = at
    story.tick()


def covered(story: Story, monitor: Monitor) -> bool:
    return story.engine.watched[monitor.pk].track.overlay is Overlay.MAINTENANCE


@pytest.mark.parametrize(
    ("change", "zone"),
    [
        ({}, "Europe/Lisbon"),
        ({"weekly": {"days": ["sun", "wed"], "at": "02:30"}}, "America/New_York"),
        ({"weekly": None, "cron": "15 2 * * 0"}, "Australia/Lord_Howe"),
        ({"weekly": {"days": ["mon"], "at": "23:30"}}, "Asia/Kathmandu"),
    ],
)
def test_to_the_second_over_a_year_without_a_query(story: Story, change: dict[str, Any], zone: str) -> None:
    home, other = story.monitor("Home"), story.monitor("Other")
    story.look(home)
    story.look(other)
    row = plan(story, home, **change, timezone=zone)
    starts = list(islice(rule_of(row).starts(story.time), 60))
    assert starts[-1] - starts[0] > timedelta(days=200)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        for start in starts:
            end = start + timedelta(hours=2)
            for at, inside in ((start - SECOND, False), (start, True), (end - SECOND, True), (end, False)):
                story.time = at
                for _ in range(3):
                    story.engine._mind_windows()
                    story.time += timedelta(milliseconds=100)
                assert (covered(story, home), covered(story, other)) == (inside, False), at
    assert len(queries) == 0
    assert all(watched.track.overlay is Overlay.NONE for watched in story.engine.watched.values())


def test_a_tick_between_two_edges_looks_at_no_monitor(story: Story) -> None:
    home = story.monitor()
    plan(story, home)
    laid: list[int] = []
    story.engine._lay_overlays = lambda watched: laid.append(watched.id)  # type: ignore[method-assign]
    for _ in range(20):
        story.pass_time(0.1)
        story.engine._mind_windows()
    assert laid == []
    go(story, SUNDAY)
    assert laid == [home.pk]


def test_every_week_it_keeps_quiet_and_still_down_is_told_again_with_the_original_beginning(
    story: Story,
) -> None:
    home, _ = story.monitor(), story.webhook()
    plan(story)
    for week in range(3):
        go(story, SUNDAY + week * timedelta(days=7) + timedelta(minutes=5))
        assert story.shown(home) == "maintenance"
        story.fails(home)
        story.heals(home)
        go(story, SUNDAY + week * timedelta(days=7) + timedelta(hours=2))
        assert story.shown(home) == ("up" if week else "new")
        story.heals(home)
    story.deliver()
    assert story.events == []
    go(story, SUNDAY + timedelta(days=21) - timedelta(minutes=10))
    story.fails(home)
    began = story.incidents()[0].began_at
    go(story, SUNDAY + timedelta(days=21))
    story.fails(home)
    story.deliver()
    assert story.events == ["opened"]
    go(story, SUNDAY + timedelta(days=21, hours=2))
    story.deliver()
    assert story.shown(home) == "down"
    assert story.events == ["opened", "updated"]
    assert [incident.began_at for incident in story.incidents()] == [began]


def test_the_monitor_says_which_window_it_is(story: Story) -> None:
    home = story.monitor()
    story.look(home)
    plan(story, home)
    go(story, SUNDAY)
    go(story, SUNDAY + timedelta(hours=2))
    said = list(Transition.objects.filter(monitor=home).order_by("pk").values_list("reason", flat=True))[-2:]
    assert said == ["A maintenance window began: Sunday backup.", "The maintenance window ended."]


def test_a_restart_in_the_middle_is_in_maintenance_and_one_after_it_is_not(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    plan(story, home)
    story._let_go()
    story.time = SUNDAY + timedelta(minutes=30)
    story.start()
    story.tick()
    assert story.shown(home) == "maintenance"
    story.fails(home)
    story.restart()
    story.tick()
    assert story.shown(home) == "maintenance"
    story._let_go()
    story.time = SUNDAY + timedelta(days=3)
    story.start()
    story.tick()
    assert story.shown(home) == "up"
    go(story, SUNDAY + timedelta(days=7))
    assert story.shown(home) == "maintenance"
    assert story.events == []


def test_ended_now_is_this_one_and_the_next_week_comes(story: Story) -> None:
    home = story.monitor()
    story.look(home)
    row = plan(story, home)
    go(story, SUNDAY + timedelta(minutes=30))
    assert story.shown(home) == "maintenance"
    assert edit.end_window(row, story.time)
    hear(story)
    assert story.shown(home) == "up"
    go(story, SUNDAY + timedelta(minutes=90))
    assert story.shown(home) == "up"
    go(story, SUNDAY + timedelta(days=7))
    assert story.shown(home) == "maintenance"


def test_a_change_a_pause_and_a_deletion_take_effect_at_once(story: Story) -> None:
    home = story.monitor()
    story.look(home)
    row = plan(story, home)
    go(story, SUNDAY + timedelta(minutes=30))
    for act, shown in (
        (lambda: edit.pause_series(row, True, story.time), "up"),
        (lambda: edit.pause_series(row, False, story.time), "maintenance"),
        (lambda: edit.update_series(row, WEEKLY | {"for": "10m"}, story.time), "up"),
        (lambda: edit.update_series(row, WEEKLY | {"for": "3h"}, story.time), "maintenance"),
        (lambda: edit.update_series(row, WEEKLY | {"timezone": "Asia/Tokyo"}, story.time), "up"),
        (lambda: edit.update_series(row, WEEKLY | {"cron": "* 2 8 11 *", "weekly": None, "for": "30s"}, story.time), None),
        (lambda: edit.update_series(row, WEEKLY | {"cron": "0 1 8 11 *", "weekly": None}, story.time), "maintenance"),
        (lambda: edit.cancel_window(row, story.time), "up"),
    ):  # fmt: skip
        if shown is None:
            with pytest.raises(edit.Invalid, match="30s is not possible"):
                act()
            continue
        act()
        hear(story)
        assert story.shown(home) == shown
        assert covered(story, home) == (shown == "maintenance")


def test_windows_that_overlap_are_one_stretch(story: Story) -> None:
    home = story.monitor()
    story.look(home)
    plan(story, home)
    edit.create_window(
        story.project, [home], SUNDAY + timedelta(hours=1), SUNDAY + timedelta(hours=2), "", "ana", story.time
    )
    plan(story, name="Whole shop", weekly=None, cron="0 4 * * 0", **{"for": "1h"})
    for minutes in range(0, 180, 15):
        go(story, SUNDAY + timedelta(minutes=minutes))
        assert story.shown(home) == "maintenance", minutes
    go(story, SUNDAY + timedelta(hours=3))
    assert story.shown(home) == "up"
    assert story.transitions(home)[-2:] == [("up", "maintenance"), ("maintenance", "up")]


def test_a_clock_that_is_set_back_ends_a_window_that_has_not_begun(story: Story) -> None:
    home = story.monitor()
    story.look(home)
    plan(story, home)
    go(story, SUNDAY + timedelta(hours=1))
    assert covered(story, home)
    go(story, SUNDAY - timedelta(hours=1))
    assert not covered(story, home)
    go(story, SUNDAY)
    assert covered(story, home)


def test_a_clock_that_leaps_over_weeks_is_where_it_is(story: Story) -> None:
    home = story.monitor()
    story.look(home)
    plan(story, home)
    go(story, SUNDAY + timedelta(days=70, minutes=1))
    assert covered(story, home)
    go(story, SUNDAY + timedelta(days=141))
    assert not covered(story, home)


def test_a_series_nobody_can_read_does_not_stop_the_others(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    home = story.monitor()
    broken = plan(story, home, name="Broken")
    MaintenanceWindow.objects.filter(pk=broken.pk).update(zone="Europe/Atlantis")
    with caplog.at_level(logging.ERROR):
        plan(story, home)
    assert "The window broken cannot be read" in caplog.text
    go(story, SUNDAY)
    assert covered(story, home)


def test_an_edge_seen_by_one_monitor_that_is_loaded_anew_is_seen_by_all(story: Story) -> None:
    home, about = story.monitor("Home"), story.monitor("About")
    plan(story)
    story.time = SUNDAY
    story.changed(("monitor", str(home.pk)))
    assert covered(story, home)
    story.engine._mind_windows()
    assert covered(story, about)
