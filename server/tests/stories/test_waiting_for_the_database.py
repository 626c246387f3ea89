"""Needs the patch of engine.run_ticks: waiting for the database is neither a late loop nor a jumped clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.stories.telling import Story
from tests.stories.test_bad_days import lock, on_sqlite, seen
from watchpost.engine import engine as engine_module


@on_sqlite
def test_a_locked_database_is_neither_a_late_loop_nor_a_jumped_clock(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "JUMP_S", 0.4)
    monkeypatch.setattr(engine_module, "OVERLOAD_S", 0.3)
    home = story.monitor()
    real = story.runner.get_loop().time
    began, at = real(), story.time
    story.engine.now = lambda: at + timedelta(seconds=real() - began)

    async def live() -> None:
        ticking = asyncio.create_task(story.engine.run_ticks())
        story.engine.report(*seen(story, home, 502))
        await asyncio.sleep(1.2)
        ticking.cancel()

    with lock(story, busy_ms=800):
        story.run(live())
    assert story.engine.prober.epoch == 0
    assert story.engine.late_until_s == 0.0
