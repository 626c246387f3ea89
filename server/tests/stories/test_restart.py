"""The engine dies in the middle of something and another takes over: nothing twice, nothing lost."""

from __future__ import annotations

from datetime import timedelta

from tests.stories.telling import Story
from watchpost.incidents import act
from watchpost.incidents.models import Delivery
from watchpost.monitors.models import Look


def ids(story: Story) -> list[str]:
    return [message["delivery_id"] for message in story.told]


def test_a_doubt_is_settled_after_the_restart_with_its_true_beginning(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    story.pass_time(60)
    began = story.time
    story.look(home, 502)
    story.restart()
    assert any(due <= at_ms(story) + 3000 for due, _, pk in story.engine.prober.heap if pk == home.pk)
    story.pass_time(3)
    story.look(home, 502)
    story.deliver()
    assert story.incidents()[0].began_at == began
    assert story.events == ["opened"]


def at_ms(story: Story) -> int:
    return int(story.time.timestamp() * 1000)


def test_one_more_bad_look_after_a_good_one_before_the_restart_is_no_outage(story: Story) -> None:
    home = story.monitor()
    for status in (502, 200):
        story.look(home, status)
        story.pass_time(3)
    story.restart()
    story.look(home, 502)
    assert story.incidents() == []


def test_what_was_acknowledged_stays_so_and_heals_once(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.fails(home)
    story.deliver()
    act.acknowledge(story.incidents()[0].pk, "ana@example.com", story.time)
    story.restart()
    story.fails(home)
    story.pass_time(9 * 3600)
    story.tick()
    story.deliver()
    assert story.events == ["opened", "acknowledged"]
    story.heals(home)
    story.restart()
    story.heals(home)
    story.deliver()
    assert story.events == ["opened", "acknowledged", "resolved"]
    assert len(set(ids(story))) == 3


def test_a_snooze_lasts_over_the_restart_and_tells_again_once(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.fails(home)
    act.snooze(story.incidents()[0].pk, story.time + timedelta(hours=1), "ana@example.com", story.time)
    story.restart()
    story.fails(home)
    story.tick()
    story.deliver()
    assert story.events == ["opened"]
    story.pass_time(3600)
    story.tick()
    story.restart()
    story.tick()
    story.deliver()
    assert story.events == ["opened", "updated"]


def test_flapping_is_remembered_and_ends_by_time_alone(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    for _ in range(3):
        story.fails(home)
        story.heals(home)
    flapping = [incident.state for incident in story.incidents()]
    story.restart()
    assert [incident.state for incident in story.incidents()] == flapping
    assert flapping[-1] == "open"
    home.state.refresh_from_db()
    assert home.state.flapping
    story.pass_time(1801)
    story.tick()
    story.tick()
    home.state.refresh_from_db()
    assert not home.state.flapping
    assert story.incidents()[-1].state == "resolved"


def test_unknown_outlasts_the_restart_and_ends_with_a_good_look(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    story.engine.selfcheck.answered, story.references_answer = True, False
    for _ in range(2):
        story.fails(home)
    assert story.shown(home) == "unknown"
    story.restart()
    assert story.shown(home) == "unknown"
    story.references_answer = True
    story.heals(home)
    story.deliver()
    assert story.shown(home) == "up"
    assert story.told == []


def test_rows_of_the_outbox_are_sent_by_whoever_comes_next_under_the_same_id(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    story.receiver.answer = lambda: (500, {})
    story.fails(home)
    story.deliver()  # refused: it waits for its next attempt
    promised = list(Delivery.objects.values_list("delivery_id", flat=True))
    story.restart()
    story.heals(home)
    story.restart()
    story.receiver.answer = lambda: (200, {})
    story.pass_time(60)
    story.deliver()
    assert story.events == ["opened", "resolved"]
    assert ids(story)[0] == promised[0]
    assert len(set(ids(story))) == 2


def test_a_window_that_ended_meanwhile_is_over_and_one_that_began_has_begun(story: Story) -> None:
    from watchpost.monitors import edit

    home, about = story.monitor("Home"), story.monitor("About")
    for monitor in (home, about):
        story.look(monitor)
    soon = story.time + timedelta(minutes=10)
    edit.create_window(story.project, [home], story.time, soon, "", "ana", story.time)
    story.take_changes()
    story.tick()
    edit.create_window(story.project, [about], soon, soon + timedelta(hours=1), "", "ana", story.time)
    story._let_go()
    story.pass_time(700)
    story.start()
    story.tick()
    assert (story.shown(home), story.shown(about)) == ("up", "maintenance")


def test_looks_that_were_stored_are_not_stored_twice(story: Story) -> None:
    home = story.monitor()
    story.look(home)
    story.restart()
    story.look(home)  # the same moment once more
    assert Look.objects.filter(monitor_id=home.pk).count() == 1
