"""From the first failing look to the resolved message."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.stories.telling import Story
from watchpost.core.types import Outcome
from watchpost.incidents import act
from watchpost.incidents.models import Channel, Delivery, Incident
from watchpost.monitors import edit
from watchpost.monitors.models import Look, MonitorLast, MonitorState


def test_one_outage_is_one_incident_told_once_and_resolved_with_its_true_length(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    story.pass_time()
    began = story.time
    story.fails(home)
    story.pass_time(54)
    story.look(home, 502)
    story.pass_time(60)
    ended = story.time
    story.heals(home)
    story.deliver()

    [incident] = story.incidents()
    assert incident.state == "resolved"
    assert (incident.began_at, incident.resolved_at) == (began, ended)
    assert story.events == ["opened", "resolved"]
    assert "502" in story.told[0]["title"]
    assert story.transitions(home) == [("new", "up"), ("up", "down"), ("down", "up")]


def test_one_bad_look_alone_tells_nobody(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    for status in (200, 502, 200):
        story.look(home, status)
        story.pass_time(3)
    story.deliver()
    assert story.incidents() == []
    assert story.told == []
    assert Look.objects.filter(monitor_id=home.pk).count() == 3


def test_the_last_look_is_kept_beside_the_monitor(story: Story) -> None:
    home = story.monitor()
    story.look(home, 503)
    last = MonitorLast.objects.get(monitor=home)
    assert last.findings[0]["code"] == "site.error_status"
    assert last.phases == {"dns": 1, "connect": 2, "tls": 3, "wait": 40, "transfer": 5}


def test_two_monitors_on_one_host_share_an_incident_and_two_hosts_do_not(story: Story) -> None:
    home, about = story.monitor("Home"), story.monitor("About")
    other = story.monitor("Other", host="other.example")
    for monitor in (home, about):
        story.fails(monitor)
    for _ in range(2):
        story.look(other, 502, address="198.51.100.9")
        story.pass_time(3)
    assert [incident.members.count() for incident in story.incidents()] == [2, 1]


@pytest.mark.parametrize("is_www_first", [True, False])
def test_where_a_redirect_leads_is_shared_with_whoever_looks_there(story: Story, is_www_first: bool) -> None:
    """www leads to the page, and each met another address of it: one trouble."""
    home, www = story.monitor("Home page"), story.monitor("www", host="www.shop.example")
    away = {"hops": [["https://www.shop.example/1", 301]], "final": "https://shop.example/"}
    for which in (www, home) if is_www_first else (home, www):
        for _ in range(2):
            if which is www:
                story.look(www, 500, address="203.0.113.1", facts=away)
            else:
                story.look(home, 500, address="203.0.113.2")
            story.pass_time(3)
    [incident] = story.incidents()
    assert incident.title.endswith("at shop.example is down, too")


def test_an_incident_ends_when_its_last_member_is_up_again(story: Story) -> None:
    home, about = story.monitor("Home"), story.monitor("About")
    story.webhook()
    story.fails(home)
    story.fails(about)
    story.heals(home)
    assert story.incidents()[0].state == "open"
    story.heals(about)
    story.deliver()
    assert story.incidents()[0].state == "resolved"
    assert story.events == ["opened", "updated", "updated", "resolved"]


def test_a_resolve_never_overtakes_its_trigger(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    story.receiver.answer = lambda: (500, {})
    story.fails(home)
    story.deliver()
    story.heals(home, apart=0.5)
    story.receiver.answer = lambda: (200, {})
    story.deliver()
    assert story.events == []  # the trigger waits for its retry, and the resolve behind it
    story.pass_time(60)
    story.deliver()
    assert story.events == ["opened", "resolved"]


def test_retry_after_is_honoured(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.receiver.answer = lambda: (429, {"Retry-After": "120"})
    story.fails(home)
    story.deliver()
    story.receiver.answer = lambda: (200, {})
    story.pass_time(100)
    story.deliver()
    assert story.events == []
    story.pass_time(25)
    story.deliver()
    assert story.events == ["opened"]


def test_a_receiver_that_is_gone_switches_the_channel_off_loudly_and_nothing_is_lost(story: Story) -> None:
    home, hook = story.monitor(), story.webhook()
    story.receiver.answer = lambda: (410, {})
    story.fails(home)
    for _ in range(12):
        story.deliver()
        story.pass_time(60)
    hook.refresh_from_db()
    assert "410" in hook.broken
    assert story.pending() == 1
    Channel.objects.update(broken="", broken_at=None)
    story.receiver.answer = lambda: (200, {})
    story.deliver()
    assert story.events == ["opened"]


def test_the_other_channels_hear_that_one_is_silent(story: Story) -> None:
    home, hook = story.monitor(), story.webhook("old")
    other = edit.create_project("blog", story.time)
    story.fails(home)
    story.receiver.answer = lambda: (410, {})
    for _ in range(2):
        story.deliver()
        story.pass_time(30)
    hook.refresh_from_db()
    assert hook.broken == ""
    story.webhook("new")
    story.webhook("foreign", projects=[other.slug])
    story.pass_time(60)
    story.deliver()
    story.receiver.answer = lambda: (200, {})
    hook.refresh_from_db()
    assert "410" in hook.broken
    story.pass_time(30)
    story.deliver()
    assert [message["reason"] for message in story.told] == [
        "The channel old was switched off by an error and hears nothing of this."
    ]


def test_acknowledging_stops_the_resend(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.fails(home)
    story.pass_time(4 * 3600 + 1)
    story.tick()
    story.deliver()
    assert story.events == ["opened", "updated"]
    [incident] = story.incidents()
    assert act.acknowledge(incident.pk, "ana@example.com", story.time).ok
    story.pass_time(9 * 3600)
    story.tick()
    story.deliver()
    assert story.events == ["opened", "updated", "acknowledged"]


def test_a_snooze_tells_again_when_it_ends(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.fails(home)
    [incident] = story.incidents()
    act.snooze(incident.pk, story.time + timedelta(hours=1), "ana@example.com", story.time)
    story.pass_time(1800)
    story.tick()
    story.deliver()
    assert story.events == ["opened"]
    story.pass_time(1801)
    story.tick()
    story.deliver()
    assert story.events == ["opened", "updated"]


def test_resolved_by_hand_stays_closed_until_something_changes(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.fails(home)
    act.resolve(story.incidents()[0].pk, "ana@example.com", story.time)
    story.fails(home, times=3)
    assert len(story.incidents()) == 1
    story.heals(home)
    story.fails(home)
    assert [incident.state for incident in story.incidents()] == ["resolved", "open"]


def test_two_people_cannot_both_take_it(story: Story) -> None:
    home = story.monitor()
    story.fails(home)
    pk = story.incidents()[0].pk
    assert act.acknowledge(pk, "ana@example.com", story.time).ok
    second = act.acknowledge(pk, "rui@example.com", story.time)
    assert not second.ok
    assert "ana@example.com" in second.sentence


def test_flapping_holds_the_incident_open(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    for _ in range(3):
        story.fails(home)
        story.heals(home)
    assert len(story.incidents()) < 3
    assert story.incidents()[-1].state == "open"
    says = "home page was down 3 times in 30 min and is up now; held open until it holds still"
    assert story.incidents()[-1].title.lower() == says
    assert [incident.is_held for incident in Incident.objects.held().order_by("pk")][-1:] == [True]
    story.fails(home)
    assert "held open" not in story.incidents()[-1].title
    assert not Incident.objects.held().latest("pk").is_held
    story.heals(home)
    story.pass_time(1801)
    story.look(home)
    story.tick()
    story.tick()
    assert story.incidents()[-1].state == "resolved"


def test_a_maintenance_window_keeps_quiet_and_tells_again_when_it_ends(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.fails(home)
    began = story.incidents()[0].began_at
    edit.create_window(
        story.project, [home], story.time, story.time + timedelta(minutes=10), "move", "ana", story.time
    )
    story.take_changes()
    story.tick()
    assert story.shown(home) == "maintenance"
    story.fails(home)
    story.pass_time(700)
    story.tick()
    story.deliver()
    assert story.shown(home) == "down"
    assert story.events == ["opened", "updated"]
    assert story.incidents()[0].began_at == began


def test_trouble_that_began_inside_a_window_is_told_after_it_with_that_beginning(story: Story) -> None:
    home, _ = story.monitor(interval="15m"), story.webhook()
    story.look(home)
    story.pass_time(10)
    end = story.time + timedelta(minutes=20)
    edit.create_window(story.project, [home], story.time, end, "move", "ana", story.time)
    story.take_changes()
    story.tick()
    story.pass_time(60)
    began = story.time
    story.fails(home, times=1)
    story.restart()
    story.time = end
    story.tick()
    assert story.due_s(home) == 0  # not in fifteen minutes
    story.fails(home)
    assert story.shown(home) == "down"
    assert story.incidents()[0].began_at == began
    story.heals(home)
    story.deliver()
    assert story.told[-1]["reason"] == "Resolved: the trouble lasted 19 min 6 s."


def test_paused_is_not_looked_at_and_tells_nobody(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    edit.set_paused(home, True, story.time)
    story.take_changes()
    story.fails(home)
    assert story.shown(home) == "paused"
    assert story.incidents() == []


def test_a_look_made_before_an_edit_does_not_count(story: Story) -> None:
    home = story.monitor()
    old = story.engine.watched[home.pk]
    story.run(story.engine.flush())
    edit.update_monitor(
        home, edit.spec_of(home) | {"timeout": "7s", "url": "https://shop.example/new"}, story.time
    )
    story.take_changes()
    from watchpost.core.types import Observation, Phases

    stale = Observation(
        home.pk, "local", story.time, old.revision, Outcome.OK, Phases(), 1.0, "", {"status": 502}
    )
    story.run(story._report(old, stale))
    assert Look.objects.count() == 0
    assert story.engine.figures["dropped"] == 1


def test_our_own_network_down_is_unknown_and_alerts_nobody(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    story.engine.selfcheck.answered = True
    story.references_answer = False
    nothing = {"failure": {"phase": "connect", "kind": "timeout", "sentence": "nothing answered"}}
    for _ in range(4):
        story.look(home, 0, outcome=Outcome.FAILED, facts=dict(nothing))
        story.pass_time(3)
    assert story.shown(home) == "unknown"
    assert story.incidents() == []
    story.references_answer = True
    story.pass_time(20)
    story.heals(home)
    assert story.shown(home) == "up"


def test_references_that_never_answered_prove_nothing(story: Story) -> None:
    home = story.monitor()
    story.references_answer = False
    story.fails(home)
    assert len(story.incidents()) == 1


def test_a_restart_keeps_the_streak_the_state_and_the_outbox(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    story.pass_time(60)
    began = story.time
    story.look(home, 502)
    story.restart()
    story.pass_time(3)
    story.look(home, 502)
    story.restart()
    story.deliver()
    assert story.incidents()[0].began_at == began
    assert story.events == ["opened"]


def test_a_channel_of_another_project_hears_nothing(story: Story) -> None:
    other = edit.create_project("billing", story.time)
    hook = story.webhook("billing-hook")
    hook.projects.add(other)
    story.fails(story.monitor())
    assert Delivery.objects.count() == 0
    assert "Nobody was told" in story.incidents()[0].timeline.last().sentence


def test_the_certificate_that_was_read_stays_beside_the_monitor(story: Story) -> None:
    home = story.monitor()
    story.look(home, facts={"certificate": {"not_after": "2027-01-01T00:00:00Z"}})
    story.pass_time()
    story.look(home)
    assert MonitorLast.objects.get(monitor=home).facts["certificate"]["not_after"].startswith("2027")


def test_an_outage_whose_cause_changes_is_told_anew(story: Story) -> None:
    """A gateway error, then another failure of the application: nobody is sent after what is gone."""
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    story.fails(home, 502)
    story.deliver()
    story.fails(home, 500, times=1)
    assert "502" in story.incidents()[0].title  # one look proves nothing
    story.fails(home, 500, times=1)
    story.deliver()
    [incident] = story.incidents()
    assert "500" in incident.title
    assert "502" not in incident.title
    assert "traceback" in incident.causes[0]["fix"]
    assert story.events == ["opened", "updated"]
    state = MonitorState.objects.get(monitor=home)
    assert "another reason" in state.reason
    assert story.transitions(home)[-1] == ("up", "down")  # the outage is one, from its true beginning
    story.restart()
    story.fails(home, 500, times=3)
    assert story.events == ["opened", "updated"]
    story.heals(home)
    assert story.incidents()[0].state == "resolved"


def test_another_finding_takes_the_place_of_the_first(story: Story) -> None:
    home, _ = story.monitor(expect={"body_contains": "basket"}), story.webhook()
    story.look(home)
    for _ in range(2):
        story.look(home, 200, facts={"missing": ["basket"]})
        story.pass_time(3)
    assert "basket" in story.incidents()[0].title
    story.fails(home, 500)
    story.deliver()
    [incident] = story.incidents()
    assert "500" in incident.title
    assert [cause["code"] for cause in incident.causes] == ["site.error_status"]
    assert [entry.kind for entry in incident.timeline.all()].count("changed") == 2  # the new one, the old one
    story.heals(home)
    assert story.incidents()[0].state == "resolved"


def test_a_pause_lasts_since_it_began(story: Story) -> None:
    home = story.monitor()
    story.fails(home)
    story.pass_time(3600)
    edit.set_paused(home, True, story.time)
    story.take_changes()
    story.tick()
    state = MonitorState.objects.get(monitor=home)
    assert (state.shown, state.since) == ("paused", story.time)
    edit.set_paused(home, False, story.time)
    story.take_changes()
    story.tick()
    assert MonitorState.objects.get(monitor=home).since < story.time  # down since it really began


def test_who_paused_it_stands_in_its_history(story: Story) -> None:
    home = story.monitor()
    story.look(home)
    edit.set_paused(home, True, story.time, "ana@example.com")
    story.take_changes()
    story.tick()
    assert MonitorState.objects.get(monitor=home).reason == "ana@example.com paused it."
