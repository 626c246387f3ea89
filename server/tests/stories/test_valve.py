"""Many targets fail at once: is it them, or is it us?"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from tests.stories.telling import Story
from watchpost.core import valve
from watchpost.core.types import Observation, Outcome, Phases
from watchpost.monitors.models import Look, Monitor
from watchpost.outbound import Guard
from watchpost.web import history

NOTHING = {"failure": {"phase": "connect", "kind": "timeout", "sentence": "nothing answered"}}


def targets(story: Story, count: int = 5, hosts: int = 3, failing: int | None = None) -> list[Monitor]:
    """Monitors of so many targets, all up; those that are to fail come first."""
    made = [
        story.monitor(f"Target {n}", url=f"https://h{n % hosts}.example:{8000 + n}/") for n in range(count)
    ]
    for n, monitor in enumerate(made):
        story.look(monitor, 200, address=f"203.0.113.{n}")
    story.pass_time()
    return made[:failing]


async def report(story: Story, monitors: list[Monitor], address: str = "203.0.113.{n}") -> int:
    """All fail in the same moment; how many failures are held before anybody waited."""
    for n, monitor in enumerate(monitors):
        watched = story.engine.watched[monitor.pk]
        where = address.format(n=n)
        seen = Observation(
            monitor.pk, "local", story.time, watched.revision, Outcome.FAILED, Phases(), 0.0, where, NOTHING
        )
        story.engine.report(watched, seen)
    return len(story.engine.held)


async def settle(story: Story) -> None:
    """Wait for the references and for what is held, then store."""
    for task in (story.engine.selfcheck.running, story.engine.holding):
        if task is not None:
            await task
    await story.engine.flush()


def fail(story: Story, monitors: list[Monitor], times: int = 2, address: str = "203.0.113.{n}") -> int:
    """So many rounds of failures, three seconds apart; how many were held in all."""

    async def round_() -> int:
        held = await report(story, monitors, address)
        await settle(story)
        return held

    held = 0
    for _ in range(times):
        held += story.run(round_())
        story.pass_time(3)
    return held


def shown(story: Story, monitors: list[Monitor]) -> set[str]:
    return {story.shown(monitor) for monitor in monitors}


def test_when_the_references_are_silent_every_monitor_is_unknown_and_nobody_is_told(story: Story) -> None:
    story.webhook()
    monitors = targets(story)
    began = story.time
    story.engine.selfcheck.answered, story.references_answer = True, False
    assert fail(story, monitors, times=4) > 0
    story.deliver()

    assert shown(story, monitors) == {"unknown"}
    assert all("our own network is likely down" in monitor.state.reason for monitor in monitors)
    assert (story.incidents(), story.told) == ([], [])
    story.pass_time(600)
    for monitor in monitors:
        seconds = {piece.shown: piece.seconds for piece in history.stretches(monitor, began, story.time)}
        assert "down" not in seconds
        assert seconds["unknown"] > 600


def test_unknown_ends_with_the_first_good_look_and_nothing_is_told_of_it(story: Story) -> None:
    story.webhook()
    monitors = targets(story)
    story.engine.selfcheck.answered, story.references_answer = True, False
    fail(story, monitors)
    story.references_answer = True
    story.pass_time()
    for monitor in monitors:
        story.look(monitor, 200)
    story.deliver()
    assert shown(story, monitors) == {"up"}
    assert story.transitions(monitors[0]) == [("new", "up"), ("up", "unknown"), ("unknown", "up")]
    assert (story.incidents(), story.told) == ([], [])


def test_what_was_down_when_our_network_failed_is_down_again_after_it_and_told_once(story: Story) -> None:
    story.webhook()
    monitors = targets(story)
    down = monitors[0]
    story.fails(down)
    story.engine.selfcheck.answered, story.references_answer = True, False
    story.pass_time()
    fail(story, monitors)
    assert shown(story, monitors) == {"unknown"}
    story.references_answer = True
    story.pass_time()
    for monitor in monitors[1:]:
        story.look(monitor, 200)
    story.look(down, 502)  # it asks the references anew
    story.look(down, 502)
    story.deliver()
    assert story.shown(down) == "down"
    assert shown(story, monitors[1:]) == {"up"}
    assert story.events == ["opened"]


def test_when_the_references_answer_all_are_held_then_down_and_told(story: Story) -> None:
    story.webhook()
    monitors = targets(story)
    assert fail(story, monitors) > 0
    story.deliver()
    assert shown(story, monitors) == {"down"}
    members = {row.monitor_id for incident in story.incidents() for row in incident.members.all()}
    assert members == {monitor.pk for monitor in monitors}
    assert "opened" in story.events


def test_what_is_held_is_not_counted_until_the_references_have_spoken(story: Story) -> None:
    monitors = targets(story)
    gate = asyncio.Event()

    async def ask(_: str) -> bool:
        await gate.wait()
        return False

    story.engine.selfcheck.ask, story.engine.selfcheck.answered = ask, True

    async def tell() -> tuple[int, list[int]]:
        for _ in range(3):
            held = await report(story, monitors)
            await asyncio.sleep(0)
        before = [story.engine.watched[m.pk].track.failing[1].count for m in monitors]
        gate.set()
        await settle(story)
        return held, before

    held, before = story.run(tell())
    assert held == 11  # all but the four that failed before it was a mass
    assert before == [1, 1, 1, 1, 0]
    assert shown(story, monitors) == {"unknown"}


def test_a_hold_ends_even_if_the_references_never_do(story: Story) -> None:
    monitors = targets(story)

    async def ask(_: str) -> bool:
        await asyncio.Event().wait()
        return True

    story.engine.selfcheck.ask = ask
    assert valve.Valve().hold_s == 10.0
    story.engine.failures = replace(story.engine.failures, valve=valve.Valve(hold_s=0.1))

    async def tell() -> None:
        for _ in range(2):
            await report(story, monitors)
            assert story.engine.holding is not None
            await asyncio.wait_for(story.engine.holding, 1.0)
        await story.engine.flush()

    story.run(tell())
    assert story.engine.held == []
    assert story.shown(monitors[4]) == "down"
    monitors[4].state.refresh_from_db()
    assert "held for 0.1 s while we tested ourselves" in monitors[4].state.reason


def test_ten_seconds_after_it_began_failures_are_not_held_any_more(story: Story) -> None:
    monitors = targets(story)
    assert fail(story, monitors, times=1) == 1
    story.pass_time(7.1)
    assert story.run(report(story, monitors)) == 0


def test_references_that_never_answered_hold_nothing_back(story: Story) -> None:
    story.webhook()
    monitors = targets(story)
    story.references_answer = False
    fail(story, monitors)
    story.deliver()
    assert shown(story, monitors) == {"down"}
    assert "opened" in story.events


def test_networks_named_as_ours_are_never_held_nor_excused(story: Story) -> None:
    story.outbound.guard = Guard((ip_network("10.0.0.0/8"),))
    monitors = targets(story)
    story.engine.selfcheck.answered, story.references_answer = True, False
    assert fail(story, monitors, address="10.0.0.{n}") == 0
    assert shown(story, monitors) == {"down"}


@pytest.mark.parametrize(
    ("count", "hosts", "failing", "held"),
    [
        (4, 4, 4, 0),  # too few targets
        (9, 2, 9, 0),  # two hosts may well be down together
        (51, 17, 5, 0),  # less than a tenth
        (50, 17, 5, 1),
        (5, 3, 5, 1),
    ],
)
def test_only_five_targets_on_three_hosts_and_a_tenth_of_all_are_a_mass(
    story: Story, count: int, hosts: int, failing: int, held: int
) -> None:
    assert fail(story, targets(story, count, hosts, failing), times=1) == held


def test_failures_that_come_one_by_one_are_no_mass(story: Story) -> None:
    monitors = targets(story)
    for monitor in monitors:
        assert story.run(report(story, [monitor])) == 0
        story.run(settle(story))
        story.time += timedelta(seconds=16)
    assert story.engine.holding is None


def test_a_monitor_that_is_deleted_while_it_is_held_counts_for_nothing(story: Story) -> None:
    monitors = targets(story)

    async def tell() -> None:
        assert await report(story, monitors) == 1
        story.engine.watched.pop(monitors[4].pk)
        await settle(story)

    story.run(tell())
    assert Look.objects.filter(monitor_id=monitors[4].pk).count() == 1  # the good one before


def test_when_our_fault_is_over_the_unknown_are_looked_at_again_at_once(story: Story) -> None:
    """And not only when their turn comes: an outage under ours is told minutes earlier."""
    monitors = targets(story)
    story.engine.selfcheck.answered, story.references_answer = True, False
    fail(story, monitors)
    assert shown(story, monitors) == {"unknown"}
    story.engine._mind_recovery()
    story.references_answer = True
    story.run(_check(story))
    story.engine._mind_recovery()
    entries = story.engine.prober.entries
    soon = {due for due, turn, pk in story.engine.prober.heap if turn == entries[pk].turn}
    now_ms = int(story.time.timestamp() * 1000)
    assert all(now_ms <= due <= now_ms + 1000 for due in soon), [due - now_ms for due in soon]


async def _check(story: Story) -> None:
    task = story.engine.selfcheck.start(float("inf"))
    assert task is not None
    await task
