"""A clock that jumps, a machine that slept, a loop that is late: our own trouble is nobody's outage."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from tests.serving import Handler, Serving
from tests.stories.telling import Story
from watchpost.core.types import Outcome
from watchpost.engine import engine as engine_module
from watchpost.engine import run as run_module
from watchpost.monitors.models import AliveSpan, Monitor
from watchpost.outbound import Guard
from watchpost.web import history

SILENCE = {"failure": {"phase": "wait", "kind": "timeout", "sentence": "no answer within 10 s"}}


class Slow(Serving):
    """A real site that answers when told to."""

    def __init__(self) -> None:
        self.asked, self.answer = threading.Event(), threading.Event()
        slow = self

        class SlowHandler(Handler):
            def do_GET(self) -> None:
                slow.asked.set()
                slow.answer.wait(5)
                self.answer(500)

        super().__init__(SlowHandler)

    def close(self) -> None:
        self.answer.set()
        super().close()


@pytest.fixture
def slow() -> Iterator[Slow]:
    site = Slow()
    yield site
    site.close()


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(3):
        while not true():
            await asyncio.sleep(0.005)


async def look_for_real(story: Story, monitor: Monitor, slow: Slow, meanwhile: Callable[[], None]) -> None:
    """The engine's own parts look at the site; something happens while the look is under way."""
    engine = story.engine
    engine.prober.report = engine.report
    parts = [asyncio.create_task(part) for part in (engine.prober.run(), engine.run_ticks())]
    engine.prober.look_soon(engine.watched[monitor.pk], 0.0)
    await until(slow.asked.is_set)
    meanwhile()
    await asyncio.sleep(engine_module.TICK_S * 2.5)
    slow.answer.set()
    await until(lambda: not engine.prober.tasks)
    for part in parts:
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)


def real_monitor(story: Story, slow: Slow) -> Monitor:
    story.outbound.guard = Guard((ip_network("127.0.0.0/8"),))
    monitor = story.monitor(url=slow.url)
    story.engine.watched[monitor.pk].last_at_ms = int(story.time.timestamp() * 1000)
    story.engine.prober.put(story.engine.watched[monitor.pk])
    return monitor


def next_look(story: Story, monitor: Monitor) -> float:
    """Seconds from now until the schedule looks again."""
    entry = story.engine.prober.entries[monitor.pk]
    [due] = [due for due, turn, pk in story.engine.prober.heap if (turn, pk) == (entry.turn, monitor.pk)]
    return due / 1000 - story.time.timestamp()


@pytest.mark.parametrize("jump_s", [3600, -3600, 600])
def test_a_look_that_was_under_way_when_the_clock_jumped_does_not_count(
    story: Story, slow: Slow, jump_s: float
) -> None:
    monitor = real_monitor(story, slow)
    story.run(look_for_real(story, monitor, slow, lambda: story.pass_time(jump_s)))
    assert story.engine.figures["looks"] == 0
    assert story.engine.watched[monitor.pk].track.failing[1].count == 0
    assert 0 <= next_look(story, monitor) <= 60


def test_a_clock_that_is_set_by_a_second_changes_nothing(story: Story, slow: Slow) -> None:
    monitor = real_monitor(story, slow)
    story.run(look_for_real(story, monitor, slow, lambda: story.pass_time(1)))
    assert story.engine.figures["looks"] == 1


def test_a_process_that_was_stopped_for_ten_minutes_does_not_count_its_looks_either(
    story: Story, slow: Slow
) -> None:
    monitor = real_monitor(story, slow)

    def stop() -> None:
        # Both clocks went on, only we did not.
        story.engine._mind_the_clock(600.0, 600.0, story.runner.get_loop().time())

    story.run(look_for_real(story, monitor, slow, stop))
    assert story.engine.figures["looks"] == 0


def test_an_outage_that_spans_a_jump_is_still_one_outage(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.fails(home)
    for jump in (3600, -3600):
        story.pass_time(jump)
        story.fails(home)
    story.heals(home)
    story.deliver()
    assert [incident.state for incident in story.incidents()] == ["resolved"]
    assert story.events == ["opened", "resolved"]


# ---- the ledger


def ledger(story: Story, *jumps: float) -> None:
    """The ledger is kept while the clock jumps so many times."""

    async def live() -> None:
        keeping = asyncio.create_task(run_module._keep_ledger(story.engine))
        await until_written(story, story.time)
        for jump in jumps:
            story.pass_time(jump)
            await until_written(story, story.time)
        keeping.cancel()

    story.run(live())


async def until_written(story: Story, at: datetime) -> None:
    async with asyncio.timeout(3):
        while not await story.engine.call(AliveSpan.objects.filter(alive_at=at).exists):
            await asyncio.sleep(0.005)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept every 20 ms; what lies a whole second apart is a gap."""
    monkeypatch.setattr(run_module, "LEDGER_S", 0.02)


def seconds(story: Story, monitor: Monitor, since: datetime) -> dict[str, float]:
    out: dict[str, float] = {}
    for piece in history.stretches(monitor, since, story.time):
        out[piece.shown] = out.get(piece.shown, 0.0) + piece.seconds
    return out


@pytest.mark.usefixtures("quick")
def test_ten_minutes_of_sleep_are_a_gap_in_the_ledger_and_unknown_in_the_uptime(story: Story) -> None:
    home, since = story.monitor(), story.time
    story.look(home)
    ledger(story, 600)
    assert AliveSpan.objects.count() == 2
    assert history.gaps(since, story.time) == [(since, since + timedelta(minutes=10))]
    assert seconds(story, home, since) == {"unknown": 600}


@pytest.mark.usefixtures("quick")
def test_while_we_live_the_ledger_has_one_row(story: Story) -> None:
    since = story.time
    ledger(story, 0.05, 0.05, 0.05)
    [span] = AliveSpan.objects.all()
    assert (span.started_at, span.alive_at) == (since, story.time)


@pytest.mark.usefixtures("quick")
def test_what_was_down_before_we_slept_is_not_down_while_we_did(story: Story) -> None:
    home, since = story.monitor(), story.time
    story.fails(home)
    ledger(story, 600)
    found = seconds(story, home, since)
    assert found["down"] == 6
    assert found["unknown"] == 600


# ---- a late loop


def block(story: Story) -> None:
    """Something holds the loop up for real, longer than is bearable."""

    async def live() -> None:
        ticking = asyncio.create_task(story.engine.run_ticks())
        await asyncio.sleep(engine_module.TICK_S * 1.5)
        time.sleep(0.4)
        await asyncio.sleep(engine_module.TICK_S * 1.5)
        ticking.cancel()

    story.run(live())


@pytest.fixture
def touchy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "OVERLOAD_S", 0.25)


@pytest.mark.usefixtures("touchy")
def test_a_timeout_while_our_loop_is_late_is_nobodys_outage(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    block(story)
    for _ in range(3):
        story.pass_time(3)
        story.look(home, 0, outcome=Outcome.TIMEOUT, facts=dict(SILENCE))
    assert story.shown(home) == "unknown"
    assert "too busy" in home.state.reason
    story.heals(home)
    story.deliver()
    assert story.shown(home) == "up"
    assert (story.incidents(), story.told) == ([], [])


@pytest.mark.usefixtures("touchy")
def test_an_answer_that_is_wrong_counts_however_late_our_loop_is(story: Story) -> None:
    home = story.monitor()
    story.look(home)
    block(story)
    story.pass_time(3)
    story.fails(home)
    assert story.shown(home) == "down"


@pytest.mark.usefixtures("touchy")
def test_ten_seconds_after_the_loop_was_late_a_timeout_counts_again(story: Story) -> None:
    home = story.monitor()
    block(story)
    assert story.engine.late_until_s > story.runner.get_loop().time()
    story.engine.late_until_s -= 10
    for _ in range(2):
        story.pass_time(3)
        story.look(home, 0, outcome=Outcome.TIMEOUT, facts=dict(SILENCE))
    assert story.shown(home) == "down"


def test_a_loop_in_time_excuses_nothing(story: Story) -> None:
    block(story)
    assert story.engine.late_until_s == 0.0
