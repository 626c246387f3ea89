"""What other processes commit is heard, also while everything is being read and after a lost connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from psycopg import OperationalError

from watchpost import clock
from watchpost.engine import changes
from watchpost.monitors.changes import announce

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT_S = 20.0


class Ears:
    """Stands for the engine: what it was told to take over."""

    def __init__(self) -> None:
        self.heard: set[tuple[str, str]] = set()
        self.reloads = self.times = 0

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    async def handle(self, found: set[tuple[str, str]]) -> None:
        self.heard |= found
        self.times += 1

    async def reload_all(self) -> None:
        self.reloads += 1

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not holds():
                await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def _in_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short questions to the database from the loop's own thread."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


def test_a_commit_while_everything_is_read_is_heard_later() -> None:
    async def story(ears: Ears) -> None:
        part = await changes.hear(ears.call, ears.handle, ears.reload_all)
        announce("beat", 7, clock.now())  # here the engine reads all that it watches
        watching = asyncio.create_task(part())
        await ears.until(lambda: ("beat", "7") in ears.heard)
        announce("monitor", 8, clock.now())
        await ears.until(lambda: ("monitor", "8") in ears.heard)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    ears = Ears()
    asyncio.run(story(ears))
    assert ears.heard == {("beat", "7"), ("monitor", "8")}
    assert ears.reloads == 0


def test_what_comes_together_is_dealt_with_together() -> None:
    async def story(ears: Ears) -> None:
        part = await changes.hear(ears.call, ears.handle, ears.reload_all)
        watching = asyncio.create_task(part())
        with transaction.atomic():
            for number in range(100):
                announce("beat", number, clock.now())
        await ears.until(lambda: len(ears.heard) == 100)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    ears = Ears()
    asyncio.run(story(ears))
    assert ears.times < 10


@pytest.mark.only_on("postgresql")
def test_after_a_lost_connection_all_is_read_again_and_what_follows_is_heard() -> None:
    async def story(ears: Ears) -> None:
        listener = await changes.open_listener()
        number = listener.info.backend_pid
        watching = asyncio.create_task(changes.watch_postgres(listener, ears.handle, ears.reload_all))
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [number])
        await ears.until(lambda: ears.reloads == 1)
        announce("monitor", 8, clock.now())
        await ears.until(lambda: ("monitor", "8") in ears.heard)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(story(Ears()))


@pytest.mark.only_on("postgresql")
def test_the_listener_connects_as_the_address_says(monkeypatch: pytest.MonkeyPatch) -> None:
    async def named() -> str:
        async with await changes.open_listener() as listener:
            row = await (await listener.execute("SHOW application_name")).fetchone()
            return str(row[0])

    options = connection.settings_dict["OPTIONS"]
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options | {"application_name": "watch"})
    assert asyncio.run(named()) == "watch"
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options | {"sslmode": "require"})
    with pytest.raises(OperationalError, match="SSL"):
        asyncio.run(named())
