"""What people do in the middle of an outage: pause, plan, delete, snooze, acknowledge."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from tests.stories.telling import Story
from watchpost.incidents import act
from watchpost.incidents.models import Delivery, TimelineEntry
from watchpost.monitors import edit
from watchpost.monitors.models import Look, Monitor


def hear(story: Story) -> None:
    """The engine hears of it, and stores what follows."""
    story.take_changes()
    story.tick()


def window(story: Story, monitors: list[Monitor], seconds: float) -> None:
    edit.create_window(
        story.project,
        monitors,
        story.time,
        story.time + timedelta(seconds=seconds),
        "move",
        "ana",
        story.time,
    )
    hear(story)


def test_a_monitor_paused_while_down_stays_in_its_incident_and_heals_after_it_was_resumed(
    story: Story,
) -> None:
    home, _ = story.monitor(), story.webhook()
    story.fails(home)
    began = story.incidents()[0].began_at
    edit.set_paused(home, True, story.time)
    hear(story)
    story.heals(home)
    assert story.shown(home) == "paused"
    assert story.incidents()[0].state == "open"
    edit.set_paused(home, False, story.time)
    hear(story)
    assert story.shown(home) == "down"
    story.heals(home)
    story.deliver()
    assert [(i.state, i.began_at) for i in story.incidents()] == [("resolved", began)]
    assert story.events[0] == "opened"
    assert story.events[-1] == "resolved"
    assert story.events.count("resolved") == 1


def test_pause_outranks_maintenance_and_maintenance_goes_on_when_the_pause_ends(story: Story) -> None:
    home = story.monitor()
    story.look(home)
    window(story, [home], 600)
    assert story.shown(home) == "maintenance"
    edit.set_paused(home, True, story.time)
    hear(story)
    assert story.shown(home) == "paused"
    edit.set_paused(home, False, story.time)
    hear(story)
    assert story.shown(home) == "maintenance"
    story.pass_time(601)
    story.tick()
    assert story.shown(home) == "up"
    shown = [after for _, after in story.transitions(home)]
    assert shown[0] == "up"
    assert shown[-1] == "up"


def test_trouble_that_begins_in_a_window_is_told_only_if_it_outlasts_it(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    window(story, [home], 600)
    story.fails(home, times=3)
    story.deliver()
    assert (story.incidents(), story.told) == ([], [])
    story.pass_time(600)
    story.tick()
    story.fails(home)
    story.deliver()
    assert story.events == ["opened"]


def test_a_window_that_is_cancelled_ends_at_once(story: Story) -> None:
    home = story.monitor()
    story.look(home)
    window(story, [home], 600)
    edit.cancel_window(story.project.windows.get(), story.time)
    hear(story)
    assert story.shown(home) == "up"


def test_a_window_over_a_project_covers_no_other(story: Story) -> None:
    other = edit.create_project("billing", story.time)
    home, bills = story.monitor(), story.monitor("Bills", "billing.example", other)
    for monitor in (home, bills):
        story.look(monitor)
    window(story, [], 600)
    assert (story.shown(home), story.shown(bills)) == ("maintenance", "up")


def test_a_monitor_deleted_while_down_ends_its_incident_and_tells_so(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.fails(home)
    pk = home.pk
    edit.delete_monitor(home, story.time)
    hear(story)
    story.deliver()
    assert story.incidents()[0].state == "resolved"
    assert story.events == ["opened", "resolved"]
    assert pk not in story.engine.watched
    assert Look.objects.filter(monitor_id=pk).count() == 0


def test_deleting_one_of_two_that_are_down_leaves_the_incident_open(story: Story) -> None:
    home, about, _ = story.monitor("Home"), story.monitor("About"), story.webhook()
    story.fails(home)
    story.fails(about)
    edit.delete_monitor(home, story.time)
    hear(story)
    assert [i.state for i in story.incidents()] == ["open"]
    story.heals(about)
    story.deliver()
    assert [i.state for i in story.incidents()] == ["resolved"]
    assert story.events[-1] == "resolved"


def test_a_snooze_mutes_what_gets_no_worse_and_a_rise_breaks_it(story: Story) -> None:
    home, _ = story.monitor(expect={"max_ms": 20}), story.webhook()
    story.fails(home, 200)  # too slow: a warning
    [incident] = story.incidents()
    assert act.snooze(incident.pk, story.time + timedelta(hours=6), "ana@example.com", story.time).ok
    story.pass_time(5 * 3600)
    story.tick()
    story.deliver()
    assert story.events == ["opened"]
    story.fails(home, 502)
    story.deliver()
    assert story.events == ["opened", "updated"]
    assert (story.told[1]["severity"], len(story.incidents())) == ("error", 1)


def test_a_snooze_into_the_past_is_refused(story: Story) -> None:
    home = story.monitor()
    story.fails(home)
    assert not act.snooze(story.incidents()[0].pk, story.time, "ana@example.com", story.time).ok


def test_a_snoozed_incident_that_heals_is_resolved_and_told(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.fails(home)
    act.snooze(story.incidents()[0].pk, story.time + timedelta(hours=6), "ana@example.com", story.time)
    story.heals(home)
    story.deliver()
    assert story.events == ["opened", "resolved"]
    assert story.incidents()[0].snoozed_until is None
    story.pass_time(7 * 3600)
    story.tick()
    story.deliver()
    assert story.events == ["opened", "resolved"]


def test_two_projects_with_the_same_monitor_on_the_same_host_have_an_incident_each(story: Story) -> None:
    other = edit.create_project("billing", story.time)
    ours, theirs = story.monitor("Home"), story.monitor("Home", project=other)
    assert ours.slug == theirs.slug
    story.fails(ours)
    story.fails(theirs)
    assert [(i.project.slug, i.members.count()) for i in story.incidents()] == [("shop", 1), ("billing", 1)]
    story.heals(ours)
    assert [i.state for i in story.incidents()] == ["resolved", "open"]


def test_staging_never_joins_an_incident_of_production(story: Story) -> None:
    live, trial = story.monitor("Home"), story.monitor("Trial", environment="staging")
    story.fails(live)
    story.fails(trial)
    assert [(i.environment, i.members.count()) for i in story.incidents()] == [
        ("production", 1),
        ("staging", 1),
    ]


def test_two_people_at_the_same_moment_make_one_winner_and_one_message(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.fails(home)
    pk = story.incidents()[0].pk
    both, acted = threading.Barrier(2), {}

    def take(actor: str) -> None:
        both.wait()
        acted[actor] = act.acknowledge(pk, actor, story.time)
        connection.close()

    people = [threading.Thread(target=take, args=(f"{name}@example.com",)) for name in ("ana", "rui")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    [winner] = [actor for actor, done in acted.items() if done.ok]
    story.deliver()
    assert story.incidents()[0].acknowledged_by == winner
    assert story.events == ["opened", "acknowledged"]
    assert TimelineEntry.objects.filter(kind="acknowledged").count() == 1


def test_a_swap_against_an_older_version_changes_nothing(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.fails(home)
    mine, theirs = story.incidents()[0], story.incidents()[0]
    assert act.swap(mine, {"acknowledged_by": "ana@example.com"})
    assert not act.swap(theirs, {"acknowledged_by": "rui@example.com"})
    assert story.incidents()[0].acknowledged_by == "ana@example.com"


def test_an_acknowledgement_while_the_engine_resolves_loses_neither(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.fails(home)
    pk = story.incidents()[0].pk
    assert act.acknowledge(pk, "ana@example.com", story.time).ok
    story.heals(home)
    assert not act.acknowledge(pk, "rui@example.com", story.time).ok
    story.deliver()
    [incident] = story.incidents()
    assert (incident.state, incident.acknowledged_by) == ("resolved", "ana@example.com")
    assert story.events == ["opened", "acknowledged", "resolved"]


def test_a_state_that_somebody_else_changed_is_loaded_anew_and_the_look_is_not_lost(story: Story) -> None:
    home, other = story.monitor(), story.monitor("Other", "other.example")
    story.look(home)
    story.pass_time(3)
    type(home.state).objects.filter(pk=home.pk).update(version=41)
    story.look(home, 502)
    story.look(other, 502, address="198.51.100.9")
    assert story.engine.watched[home.pk].version == 41
    story.pass_time(3)
    story.fails(home)
    story.look(other, 502, address="198.51.100.9")
    assert (story.shown(home), story.shown(other)) == ("down", "down")
    assert Look.objects.filter(monitor_id=home.pk).count() == 4


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_channel_deleted_with_messages_waiting_stops_nobody(story: Story, when: str) -> None:
    home, gone, _ = story.monitor(), story.webhook("gone"), story.webhook("stays")
    if when == "before":
        edit.delete_channel(gone, story.time)
    story.fails(home)
    if when == "after":
        edit.delete_channel(gone, story.time)
    hear(story)
    story.heals(home)
    story.deliver()
    assert story.events == ["opened", "resolved"]
    assert Delivery.objects.filter(state="pending").count() == 0
