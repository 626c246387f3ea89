"""Bad days of our own: a database that is locked or full, channels that hang, a machine that is too busy."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from tests.stories.telling import Story
from watchpost.core.types import Observation, Outcome, Phases
from watchpost.engine import engine as engine_module
from watchpost.engine.figures import store_figures
from watchpost.engine.run import figures_of
from watchpost.monitors.models import Look, MonitorState, Transition
from watchpost.watching.health import find_problems

on_sqlite = pytest.mark.only_on("sqlite")  # a file that can be locked, or full


@contextmanager
def lock(story: Story, busy_ms: int = 60) -> Iterator[None]:
    """Another process holds the write lock for longer than the engine is willing to wait."""
    story.run(story.engine.call(pragma, f"busy_timeout = {busy_ms}"))
    other = sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def full_disk(story: Story) -> Iterator[None]:
    """Not one page more: SQLite says that the disk is full."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # rows of other tests that are gone left room
    pages = story.run(story.engine.call(pragma, "page_count"))
    story.run(story.engine.call(pragma, f"max_page_count = {pages}"))
    try:
        yield
    finally:
        story.run(story.engine.call(pragma, f"max_page_count = {2**30}"))


@contextmanager
def read_only(story: Story) -> Iterator[None]:
    story.run(story.engine.call(pragma, "query_only = 1"))
    try:
        yield
    finally:
        story.run(story.engine.call(pragma, "query_only = 0"))


def pragma(words: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {words}")
        row = cursor.fetchone()
    return row[0] if row else None


def seen(story: Story, monitor: Any, status: int = 200) -> Any:
    watched = story.engine.watched[monitor.pk]
    facts = {"status": status, "bytes": 1200, "http": "1.1"}
    return watched, Observation(
        monitor.pk, "local", story.time, watched.revision, Outcome.OK, Phases(), 5.0, "203.0.113.7", facts
    )  # fmt: skip


@on_sqlite
@pytest.mark.parametrize("day", [lock, read_only])
def test_what_cannot_be_stored_is_kept_in_order_and_stored_with_its_true_times(
    story: Story, day: Any
) -> None:
    home, _ = story.monitor(), story.webhook()
    story.look(home)
    story.pass_time(60)
    with day(story):
        began = story.time
        story.fails(home)
        decided = story.time
        assert "The database cannot be written" in story.engine.trouble
        story.pass_time(60)
        ended = story.time
        story.heals(home)
        assert story.transitions(home) == [("new", "up")]
    story.pass_time(60)
    story.look(home)
    story.deliver()

    assert story.engine.trouble == ""
    assert story.transitions(home) == [("new", "up"), ("up", "down"), ("down", "up")]
    down, up = Transition.objects.filter(monitor=home).order_by("pk")[1:]
    assert (down.began, down.at) == (began, decided - (decided - began) / 2)
    assert up.began == ended
    assert story.incidents()[0].began_at == began
    assert story.incidents()[0].resolved_at == ended
    assert story.events == ["opened", "resolved"]
    assert Look.objects.filter(monitor_id=home.pk).count() == 6


@on_sqlite
def test_a_full_disk_is_named_and_nothing_is_lost_when_there_is_room_again(story: Story) -> None:
    home, _ = story.monitor(), story.webhook()
    store(story)
    assert find_problems(story.time) == []
    with full_disk(story):
        for _ in range(40):
            story.look(home, 502, facts={"padding": "x" * 4000})
            story.pass_time(1)
        assert Look.objects.count() < 40
        store(story)
        assert any("database or disk is full" in problem for problem in find_problems(story.time))
    story.look(home, 502)
    store(story)
    story.deliver()
    assert Look.objects.count() == 41
    assert find_problems(story.time) == []
    assert story.events == ["opened"]


def store(story: Story) -> None:
    """As the ledger does every five seconds; a row that is there already needs no new page."""
    story.run(story.engine.call(store_figures, figures_of(story.engine), story.time))


@on_sqlite
def test_the_loop_goes_on_while_the_database_is_locked(story: Story) -> None:
    home = story.monitor()
    late: list[float] = []

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.01)
            late.append(loop.time() - before - 0.01)

    async def live() -> None:
        watching = asyncio.create_task(watch())
        for _ in range(2):
            story.engine.report(*seen(story, home, 502))
            await story.engine.flush()
        watching.cancel()

    with lock(story, busy_ms=300):
        story.run(live())
    assert len(late) > 10
    assert max(late) < 0.25  # it would be late by all of the 300 ms


@on_sqlite
def test_memory_stays_bounded_while_nothing_can_be_stored(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "MOST_HELD_LOOKS", 5)
    home = story.monitor()
    with lock(story, busy_ms=1):
        for _ in range(9):
            story.look(home)
            story.pass_time(1)
        assert len(story.engine.digest.looks) == 5
    story.look(home)
    kept = list(Look.objects.order_by("at").values_list("at", flat=True))
    newest = int(story.time.timestamp() * 1000)
    assert kept == [newest - 1000 * back for back in (5, 4, 3, 2, 1, 0)]


@on_sqlite
def test_what_is_decided_while_a_write_fails_is_stored_after_what_failed(story: Story) -> None:
    home = story.monitor()
    story.look(home)

    async def live() -> None:
        story.engine.report(*seen(story, home, 502))
        writing = asyncio.create_task(story.engine.flush())
        await asyncio.sleep(0.02)
        story.pass_time(3)
        story.engine.report(*seen(story, home, 502))
        await writing

    story.pass_time(60)
    with lock(story, busy_ms=100):
        story.run(live())
    story.run(story.engine.flush())
    assert story.transitions(home) == [("new", "up"), ("up", "down")]
    assert Look.objects.filter(monitor_id=home.pk).count() == 3


def test_a_secret_that_no_key_opens_is_unknown_not_up(story: Story, settings: Any) -> None:
    """Nobody looks any more: the last good state must not stand for ever."""
    home = story.monitor(headers={"X-Key": "a-long-secret-of-ours"})
    story.look(home)
    assert story.shown(home) == "up"
    key = settings.SECRET_KEY
    settings.SECRET_KEY = "another"
    story.restart()
    story.tick()
    assert story.shown(home) == "unknown"
    assert (
        "It is not looked at: headers.X-Key: was encrypted with another SECRET_KEY"
        in MonitorState.objects.get(monitor=home).reason
    )
    settings.SECRET_KEY = key
    story.restart()
    story.look(home)
    assert story.shown(home) == "up"
