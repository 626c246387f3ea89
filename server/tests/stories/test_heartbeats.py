"""Jobs that report by themselves: what comes of their pings, and of their silence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import F

from tests.stories.telling import Story
from watchpost.core.heartbeat import Ping, Sign
from watchpost.engine import portions
from watchpost.engine.load import away_between
from watchpost.heartbeats.models import Flip, Heartbeat
from watchpost.heartbeats.standing import standing_of
from watchpost.heartbeats.store import Incoming, store_pings
from watchpost.monitors import edit
from watchpost.monitors.models import AliveSpan, Monitor, MonitorState, Transition

HOUR = 3600.0


def heartbeat(story: Story, name: str = "Daily reconciliation", **spec: Any) -> Monitor:
    row = edit.create_monitor(story.project, {"name": name, "kind": "heartbeat"} | spec, story.time)
    story.changed(("monitor", str(row.pk)))
    story.tick()
    return row


def ping(story: Story, monitor: Monitor, sign: str = "success", **more: Any) -> None:
    """As the web process stores it; the engine hears of it by the changes."""
    code = Heartbeat.objects.get(pk=monitor.pk).code
    body = more.pop("body", b"")
    [stored] = store_pings([Incoming(Ping(story.time, Sign(sign), body=body), code=code, **more)], story.time)
    assert stored.outcome == "ok"


def told(story: Story) -> None:
    story.take_changes()
    story.tick()


def alive(story: Story, name: str = "Daily reconciliation", **spec: Any) -> Monitor:
    """One that had a good run just now."""
    job = heartbeat(story, name, **spec)
    ping(story, job)
    told(story)
    return job


def pass_time(story: Story, seconds: float) -> None:
    """Time in which the engine lives and keeps its ledger."""
    ends = story.time + timedelta(seconds=seconds)
    AliveSpan.objects.all().delete()
    AliveSpan.objects.create(started_at=story.time - timedelta(days=30), alive_at=ends)
    story.time = ends
    story.tick()


def test_a_task_that_misses_its_25_hours_is_named_within_its_grace(story: Story) -> None:
    story.webhook()
    task = heartbeat(story, period="25h", grace="1h")
    assert story.shown(task) == "new"
    ping(story, task)
    told(story)
    assert story.shown(task) == "up"
    pass_time(story, 26 * HOUR - 1)
    assert story.shown(task) == "up"
    pass_time(story, 1)
    assert story.shown(task) == "down"
    story.deliver()
    assert story.events == ["opened"]
    assert story.told[0]["title"].startswith("Daily reconciliation: No sign came: it was expected ")
    assert story.told[0]["causes"][0]["code"] == "heartbeat.missed"
    assert Heartbeat.objects.get(pk=task.pk).status == "down"
    assert list(Flip.objects.order_by("id").values_list("after", "why", "handled")) == [
        ("up", "", True), ("down", "timeout", True),
    ]  # fmt: skip
    ping(story, task)
    told(story)
    assert story.shown(task) == "up"
    story.deliver()
    assert story.events == ["opened", "resolved"]


def count_statements(story: Story) -> list[str]:
    """What the engine asks its database from now on."""
    asked: list[str] = []

    def listen(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    async def install() -> None:
        await story.engine.call(lambda: connection.execute_wrappers.append(listen))

    story.run(install())
    return asked


@pytest.mark.parametrize("most", [500, 7])
def test_many_that_are_due_in_one_second_are_each_told_and_cost_little_each(
    story: Story, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(portions.split, "__defaults__", (most,))
    story.webhook()
    jobs = [heartbeat(story, f"Job {n}", period="1h", grace="1m") for n in range(45)]
    for job in jobs:
        ping(story, job)
    told(story)
    asked = count_statements(story)
    pass_time(story, HOUR + 60)
    assert {story.shown(job) for job in jobs} == {"down"}
    assert Flip.objects.filter(after="down", why="timeout", handled=True).count() == 45
    assert set(Heartbeat.objects.values_list("status", flat=True)) == {"down"}
    each, portion = 4, 30
    assert 45 < len(asked) < each * 45 + portion * (1 + 45 // most)
    story.deliver()
    assert sorted(one["title"].split(":")[0] for one in story.told) == sorted(job.name for job in jobs)


def test_a_ping_in_time_moves_the_deadline_without_a_word(story: Story) -> None:
    task = alive(story, period="1h", grace="10m")
    for _ in range(5):
        pass_time(story, HOUR)
        ping(story, task)  # the engine is told nothing
    pass_time(story, 4100)
    assert story.shown(task) == "up"
    pass_time(story, 100)
    assert story.shown(task) == "down"


def test_a_failure_and_its_mending_between_two_looks_are_both_told(story: Story) -> None:
    story.webhook()
    task = alive(story)
    ping(story, task, "fail", exit_code=2, body=b"disk full")
    story.pass_time(5)
    ping(story, task)
    told(story)
    story.deliver()
    assert story.events == ["opened", "resolved"]
    assert "exit code 2: disk full." in story.told[0]["title"]
    assert story.transitions(task) == [("new", "up"), ("up", "down"), ("down", "up")]


def test_what_came_while_the_engine_was_dead_is_told_when_it_lives_again(story: Story) -> None:
    story.webhook()
    task = heartbeat(story)
    ping(story, task)
    ping(story, task, "fail")
    ping(story, task)
    story.restart()
    story.tick()
    story.deliver()
    assert story.events == ["opened", "resolved"]
    story.restart()
    story.tick()
    story.deliver()
    assert story.events == ["opened", "resolved"]


def test_time_in_which_we_were_away_is_added(story: Story) -> None:
    task = alive(story, period="1h", grace="10m")
    began = story.time
    AliveSpan.objects.all().delete()
    AliveSpan.objects.create(started_at=began, alive_at=began + timedelta(minutes=62))
    story.time = began + timedelta(minutes=82)  # twenty minutes later it is started again
    story.restart()
    AliveSpan.objects.create(started_at=story.time, alive_at=story.time)
    story.tick()
    assert story.shown(task) == "up"
    story.time = began + timedelta(minutes=89, seconds=59)
    AliveSpan.objects.filter(started_at=began + timedelta(minutes=82)).update(alive_at=story.time)
    story.tick()
    assert story.shown(task) == "up"
    row = Heartbeat.objects.select_related("monitor__state").get(pk=task.pk)
    end = standing_of(row, story.time, away_between(story.time)).end  # what its page shows
    story.time += timedelta(seconds=1)
    assert end is not None
    assert end.at == story.time
    story.tick()
    assert story.shown(task) == "down"
    task.state.refresh_from_db()
    assert "Watchpost itself was away for 20 min of it" in task.state.reason


@pytest.mark.parametrize("asleep", [timedelta(minutes=5), timedelta(hours=1), timedelta(days=2)])
def test_a_machine_that_slept_wakes_without_an_alarm(story: Story, asleep: timedelta) -> None:
    """Nobody could ping it, and no process of ours was started anew: only the clock tells."""
    task = alive(story, period="1h", grace="10m")
    pass_time(story, HOUR + 300)  # five minutes of its grace are left
    story.time += asleep
    story.tick()
    assert story.shown(task) == "up"
    AliveSpan.objects.create(started_at=story.time, alive_at=story.time)  # as the ledger goes on
    stay_awake(story, 299)
    assert story.shown(task) == "up"
    stay_awake(story, 2)
    assert story.shown(task) == "down"


def test_a_clock_that_is_put_back_and_forth_again_is_nobodys_silence(story: Story) -> None:
    task = alive(story, period="1h", grace="10m")
    for jump_s in (-2 * HOUR, 0.5 * HOUR, 1.5 * HOUR):  # the last one is the true time again
        story.time += timedelta(seconds=jump_s)
        story.tick()
        assert story.shown(task) == "up"
        ping(story, task)
        told(story)
    stay_awake(story, 4199)
    assert story.shown(task) == "up"
    stay_awake(story, 2)
    assert story.shown(task) == "down"


def stay_awake(story: Story, seconds: float) -> None:
    """The newest life goes on."""
    story.time += timedelta(seconds=seconds)
    newest = list(AliveSpan.objects.order_by("-id").values_list("pk", flat=True)[:1])
    AliveSpan.objects.filter(pk__in=newest).update(alive_at=story.time)
    story.tick()


def test_reasons_speak_of_pings_and_of_no_looks(story: Story) -> None:
    task = heartbeat(story, period="1h", grace="10m")
    reasons = [MonitorState.objects.get(monitor=task).reason, task.last.reason]
    ping(story, task)
    told(story)
    ping(story, task, "log")
    told(story)
    pass_time(story, 4200)
    begins = story.time + timedelta(seconds=1)
    ends = begins + timedelta(hours=1)
    window = edit.create_window(story.project, [task], begins, ends, "move", "ana", story.time)
    story.changed(("window", str(window.pk)))
    pass_time(story, 10)
    assert story.shown(task) == "maintenance"
    pass_time(story, HOUR)
    ping(story, task)
    told(story)
    ping(story, task, "fail", exit_code=2)
    told(story)
    rows = Transition.objects.filter(monitor=task).order_by("pk")
    reasons += [row.reason for row in rows]
    assert [said.partition(": ")[0] for said in reasons] == [
        "waits for its first ping",
        "Nothing changes",
        "The first ping was good.",
        "Now down",
        "A maintenance window began",
        f"The maintenance window ended; it is still down since {rows[1].began:%Y-%m-%d %H:%M:%S} UTC.",
        "Now up; the last ping was good.",
        "Now down",
    ]
    assert not [said for said in reasons if "look" in said]


@pytest.mark.parametrize("runs_again", [True, False])
def test_a_job_that_failed_with_what_it_depends_on_is_told_when_it_does_not_run_again(
    story: Story, runs_again: bool
) -> None:
    story.webhook()
    site = story.monitor("Site")
    story.heals(site)
    task = alive(story, depends_on=[site.slug])
    story.fails(site)
    ping(story, task, "fail")
    told(story)
    story.look(site, 502)  # it is asked first
    assert story.engine.watched[task.pk].track.behind == (site.pk,)
    story.heals(site)
    pass_time(story, 299)
    assert len(story.incidents()) == 1
    if runs_again:
        ping(story, task)
        told(story)
    for _ in range(3):
        pass_time(story, 60)
    story.deliver()
    [first, *more] = story.incidents()
    assert first.state == "resolved"
    assert [(one.state, one.title.split(":")[0]) for one in more] == (
        [] if runs_again else [("open", "Daily reconciliation")]
    )


def test_a_run_that_does_not_end(story: Story) -> None:
    task = heartbeat(story, longest="30m")
    ping(story, task, "start")
    told(story)
    pass_time(story, 1800)
    assert story.shown(task) == "down"
    task.state.refresh_from_db()
    assert "has not ended; 30 min were allowed." in task.state.reason


def test_paused_nobody_misses_it_and_resumed_it_waits_for_its_first_ping(story: Story) -> None:
    task = alive(story, period="1h", grace="10m")
    edit.set_paused(task, True, story.time)
    told(story)
    pass_time(story, 10 * HOUR)
    assert story.shown(task) == "paused"
    edit.set_paused(task, False, story.time)
    told(story)
    pass_time(story, 10 * HOUR)
    assert story.shown(task) == "up"
    ping(story, task)
    told(story)
    pass_time(story, 4200)
    assert story.shown(task) == "down"


def test_a_miss_that_another_process_answers_at_the_last_moment(story: Story) -> None:
    task = alive(story, period="1h", grace="10m")
    pass_time(story, 4199)
    story.time += timedelta(seconds=1)
    ping(story, task)
    story.tick()
    assert story.shown(task) == "up"
    assert not story.incidents()


def test_a_database_that_cannot_be_read_at_the_deadline_delays_the_alarm_alone(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = alive(story, period="1h", grace="10m")

    def locked(*_: Any) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patched:
        patched.setattr("watchpost.engine.signals.read", locked)
        pass_time(story, 4200)
        assert story.shown(task) == "up"
    pass_time(story, 1)
    assert story.shown(task) == "down"


def test_a_failure_whose_change_of_state_lost_its_swap_is_judged_again(story: Story) -> None:
    story.webhook()
    task = alive(story)
    ping(story, task, "fail")
    ping(story, task)
    story.take_changes()  # judged, and not stored yet
    MonitorState.objects.filter(monitor=task).update(version=F("version") + 1)  # somebody else was faster
    story.tick()
    story.tick()
    story.deliver()
    assert story.events == ["opened", "resolved"]
    assert not Flip.objects.filter(handled=False).exists()


def test_a_failure_that_could_not_be_stored_at_once_is_told_once(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.webhook()
    task = alive(story)
    ping(story, task, "fail")
    ping(story, task)

    def locked(*_: Any) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patched:
        patched.setattr("watchpost.incidents.desk.Desk.handle", locked)
        told(story)
        story.changed(("beat", str(task.pk)))  # the news is still there, and must not be judged a second time
        story.tick()
    story.tick()
    story.deliver()
    assert story.events == ["opened", "resolved"]
    assert story.transitions(task) == [("new", "up"), ("up", "down"), ("down", "up")]


def test_a_job_that_fails_with_its_application_is_in_the_incident_of_that(story: Story) -> None:
    """Whichever is seen first: the application is what is told."""
    people = story.webhook()
    app = story.monitor("Application", "shop.example")
    job = heartbeat(story, depends_on=["application"], period="1h", grace="10m")
    story.look(app)
    ping(story, job)
    told(story)
    story.pass_time(60)
    ping(story, job, "fail", body=b"OperationalError: the database does not answer")
    told(story)
    for _ in range(2):
        story.look(app, 502)
        story.pass_time(3)
        told(story)
    [incident] = story.incidents()
    assert sorted(row.monitor.name for row in incident.members.all()) == [
        "Application",
        "Daily reconciliation",
    ]
    assert incident.title.startswith("Application: ")
    assert people.deliveries.filter(event="opened").count() == 1


@pytest.mark.parametrize("falls", [True, False])
def test_what_its_application_says_of_itself_may_be_seconds_old(story: Story, falls: bool) -> None:
    """The job met the dead database first; the health endpoint still told of its last good check."""
    app = story.monitor("Application")
    job = heartbeat(story, depends_on=[app.slug])
    story.look(app)
    ping(story, job)
    told(story)
    ping(story, job, "fail")
    told(story)
    story.pass_time(1)
    story.look(app)  # as of ten seconds ago
    told(story)
    assert story.incidents() == []
    for _ in range(3):
        story.pass_time(5)
        story.look(app, 502 if falls else 200)
        story.tick()
    [incident] = story.incidents()
    names = {row.monitor.name for row in incident.members.all()}
    assert names == ({"Application", job.name} if falls else {job.name})


@pytest.mark.parametrize("interruption", ["restart", "edit"])
def test_a_failure_that_waits_for_its_application_outlives_an_interruption(
    story: Story, interruption: str
) -> None:
    """It was mended meanwhile, too: both are told."""
    story.webhook()
    app = story.monitor("Application")
    job = heartbeat(story, depends_on=[app.slug])
    story.look(app)
    ping(story, job)
    told(story)
    ping(story, job, "fail")
    told(story)
    story.pass_time(1)
    story.look(app)  # something is stored while the failure waits
    assert story.incidents() == []
    ping(story, job)
    if interruption == "restart":
        story.restart()
        story.tick()
    else:
        story.changed(("monitor", str(job.pk)))
        told(story)
    for _ in range(3):
        story.pass_time(5)
        story.look(app)
        story.tick()
    story.deliver()
    assert story.events == ["opened", "resolved"]
    assert story.transitions(job) == [("new", "up"), ("up", "down"), ("down", "up")]
    assert not Flip.objects.filter(handled=False).exists()


def test_silence_waits_for_no_second_answer_of_its_application(story: Story) -> None:
    app = story.monitor("Application")
    job = alive(story, period="1h", grace="10m", depends_on=[app.slug])
    story.look(app)
    pass_time(story, 4200)
    assert story.shown(job) == "up"  # the application is asked first
    story.pass_time(0.5)
    story.look(app)
    story.tick()
    assert story.shown(job) == "down"
