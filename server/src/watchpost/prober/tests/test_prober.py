"""The schedule on a real loop: who is looked at when, and never too many at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watchpost.core.state import Policy, Track
from watchpost.core.track import NO_STREAK, Streak
from watchpost.core.types import Health, Observation, Outcome, Phases
from watchpost.engine.memory import Watched
from watchpost.kinds.http import KIND
from watchpost.prober.prober import Prober
from watchpost.registry import ANEW, Look, PastNeed

Act = Callable[[Look], Awaitable[None]]


class World:
    """Monitors whose looks do what ``act`` says; counts who runs beside whom."""

    def __init__(self, act: Act, most: int = 100, most_per_host: int = 100) -> None:
        self.act = act
        self.seen: list[Observation] = []
        self.begun: Counter[int] = Counter()
        self.running: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()
        self.hosts: dict[int, str] = {}
        # Always the same moment: whose regular turn falls into a story must not depend on the hour.
        self.skew = datetime(2026, 3, 2, 12, 0, tzinfo=UTC) - datetime.now(UTC)
        self.prober = Prober(
            None, lambda _, seen: self.seen.append(seen), self.now, "local", most, most_per_host
        )

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skew

    def monitor(
        self, number: int, host: str = "a", interval_s: float = 60.0, last_s: float | None = None
    ) -> Watched:
        """``last_s``: seconds since its last look."""
        self.hosts[number] = host
        last = None if last_s is None else int((self.now().timestamp() - last_s) * 1000)
        return Watched(
            number, 1, "shop", f"m{number}", f"M{number}", "production", self.kind(), object(), 1, interval_s, 5.0,
            Policy(), False, (host, 80), frozenset(), PastNeed(), Track(), {}, {}, 0, last, "",
        )  # fmt: skip

    def kind(self) -> Any:
        from dataclasses import replace

        return replace(KIND, probe=self.probe)

    async def probe(self, look: Look, _outbound: Any, at: datetime) -> Observation:
        host = self.hosts[look.monitor_id]
        self.begun[look.monitor_id] += 1
        for key in (host, "all"):
            self.running[key] += 1
            self.peak[key] = max(self.peak[key], self.running[key])
        try:
            await self.act(look)
        finally:
            self.running.subtract((host, "all"))
        return Observation(look.monitor_id, "local", at, look.revision, Outcome.OK, Phases(), 1.0, "", {})

    async def run(self, until: Callable[[], bool], limit_s: float = 10.0) -> None:
        task = asyncio.create_task(self.prober.run())
        try:
            async with asyncio.timeout(limit_s):
                while not until():
                    if task.done():
                        task.result()
                    await asyncio.sleep(0.01)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.prober.close()


async def at_once(_: Look) -> None:
    pass


async def a_moment(_: Look) -> None:
    await asyncio.sleep(0.03)


def test_everyone_has_its_turn_every_interval_and_on_time() -> None:
    async def story() -> World:
        world = World(at_once)
        world.prober.put_all([world.monitor(n, interval_s=0.4) for n in range(20)])
        began = world.now()
        await world.run(lambda: world.now() - began > timedelta(seconds=2))
        return world

    world = asyncio.run(story())
    assert all(4 <= world.begun[n] <= 7 for n in range(20)), world.begun
    lags = sorted(world.prober.lag.recent)
    assert lags[len(lags) // 2] < 0.05


def test_a_look_that_is_not_over_is_skipped_and_never_queued() -> None:
    async def story() -> World:
        release = asyncio.Event()

        async def hang(_: Look) -> None:
            await release.wait()

        world = World(hang)
        world.prober.put_all([world.monitor(1, interval_s=0.1)])
        await world.run(lambda: world.prober.lag.skipped >= 3)
        return world

    world = asyncio.run(story())
    assert world.begun[1] == 1


@pytest.mark.parametrize(("most", "most_per_host"), [(3, 100), (100, 2), (4, 2)])
def test_limits_hold_and_everyone_is_served(most: int, most_per_host: int) -> None:
    async def story() -> World:
        world = World(a_moment, most, most_per_host)
        day_s = 86_400.0  # no regular turn within the story
        everyone = [world.monitor(n, host=f"h{n % 3}", interval_s=day_s, last_s=100) for n in range(30)]
        world.prober.put_all(everyone)
        for watched in everyone:
            world.prober.look_soon(watched, 0.0)
        await world.run(lambda: len(world.begun) == 30)
        return world

    world = asyncio.run(story())
    assert world.peak["all"] <= most
    assert max(world.peak[f"h{n}"] for n in range(3)) <= most_per_host
    assert set(world.begun.values()) == {1}


def test_a_dropped_and_a_paused_one_are_left_alone() -> None:
    async def story() -> World:
        world = World(at_once)
        dropped, paused, other = (world.monitor(n, interval_s=0.1) for n in (1, 2, 3))
        world.prober.put_all([dropped, paused, other])
        world.prober.drop(1)
        paused.paused = True
        world.prober.put(paused)
        world.prober.look_soon(paused, 0.0)
        await world.run(lambda: world.begun[3] >= 3)
        return world

    world = asyncio.run(story())
    assert not world.begun[1]
    assert not world.begun[2]


def test_a_probe_that_raises_is_a_cancelled_look_that_says_why() -> None:
    async def story() -> World:
        async def fail(_: Look) -> None:
            raise ValueError("a bug")

        world = World(fail)
        world.prober.put_all([world.monitor(1)])
        world.prober.look_soon(world.prober.entries[1].watched, 0.0)
        await world.run(lambda: bool(world.seen))
        return world

    [seen] = asyncio.run(story()).seen
    assert seen.outcome is Outcome.CANCELLED
    assert "a bug" in str(seen.facts["our_error"])


def test_looks_of_a_former_epoch_do_not_count() -> None:
    async def story() -> World:
        release = asyncio.Event()

        async def wait(look: Look) -> None:
            if look.monitor_id == 1:
                await release.wait()

        world = World(wait)
        first, second = world.monitor(1), world.monitor(2)
        world.prober.put_all([first, second])
        world.prober.look_soon(first, 0.0)

        def jump() -> bool:
            if world.begun[1] and world.prober.epoch == 0:
                world.prober.epoch += 1
                release.set()
                world.prober.look_soon(second, 0.05)
            return bool(world.seen)

        await world.run(jump)
        return world

    world = asyncio.run(story())
    assert [seen.monitor_id for seen in world.seen] == [2]


def test_a_wall_clock_that_jumps_forward_wakes_within_a_second() -> None:
    async def story() -> World:
        world = World(at_once)
        world.prober.put_all([world.monitor(1, interval_s=3600.0, last_s=1.0)])

        later = world.skew + timedelta(hours=1)

        def jump() -> bool:
            world.skew = later
            return bool(world.begun[1])

        await world.run(jump, limit_s=3.0)
        return world

    assert asyncio.run(story()).begun[1] == 1


def test_a_bug_in_the_schedule_ends_the_run_instead_of_stopping_it_silently() -> None:
    async def story() -> None:
        world = World(at_once)
        world.prober.put_all([world.monitor(1, interval_s=0.1)])
        world.prober.lag = None  # type: ignore[assignment]
        await world.run(lambda: False, limit_s=3.0)

    with pytest.raises(AttributeError):
        asyncio.run(story())


def test_a_look_in_trouble_and_the_first_after_it_take_nothing_out_of_a_memory() -> None:
    """What the looks pass as resolver: only 0 may take names out of the cache."""
    failed = (NO_STREAK, Streak(1, None), NO_STREAK)
    tracks = [
        Track(health=Health.UP),
        Track(health=Health.UP, failing=failed),
        Track(health=Health.DOWN),
        Track(health=Health.DEGRADED),
        Track(health=Health.UP),
        Track(health=Health.UP),
    ]

    async def story() -> list[int]:
        asked: list[int] = []
        watched: Watched

        async def note(look: Look) -> None:
            asked.append(look.resolver)
            if len(asked) < len(tracks):
                watched.track = tracks[len(asked)]
                world.prober.look_soon(watched, 0.0)

        world = World(note)
        watched = world.monitor(1, interval_s=3600.0, last_s=1.0)
        watched.track = tracks[0]
        world.prober.put_all([watched])
        world.prober.look_soon(watched, 0.0)
        await world.run(lambda: len(asked) == len(tracks))
        return asked

    assert asyncio.run(story()) == [0, ANEW, ANEW, ANEW, ANEW, 0]
