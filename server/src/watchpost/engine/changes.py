"""Notices what other processes changed: about every 100 ms on SQLite, by NOTIFY on PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DatabaseError, connection

from watchpost.config.table import DATABASE_OPTIONS
from watchpost.monitors.models import Change

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    Listener = AsyncConnection[Any]

log = logging.getLogger(__name__)
Rows = list[tuple[int, str, str]]
Handle = Callable[[set[tuple[str, str]]], Awaitable[None]]
Call = Callable[..., Awaitable[Any]]
Reload = Callable[[], Awaitable[None]]
POLL_S = 0.1
# The kernel tells of a peer that vanished without a word (its machine died) only when asked to.
KEEPALIVE = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2}


def newest_change() -> int:
    return Change.objects.order_by("-id").values_list("id", flat=True).first() or 0


def changes_after(last: int) -> Rows:
    """Changes with a higher id, oldest first."""
    return list(Change.objects.filter(id__gt=last).order_by("id").values_list("id", "topic", "key")[:5000])


async def hear(call: Call, handle: Handle, reload_all: Reload) -> Callable[[], Coroutine[Any, Any, None]]:
    """From now on what others change is kept for the part that is returned. It begins once everything is
    read: between the two nothing goes unheard."""
    if connection.vendor == "sqlite":
        return partial(watch_sqlite, call, await call(newest_change), handle)
    return partial(watch_postgres, await open_listener(), handle, reload_all)


async def watch_sqlite(call: Call, last: int, handle: Handle) -> None:
    """``PRAGMA data_version`` tells in microseconds whether anybody else committed."""
    probe = sqlite3.connect(f"file:{settings.DATABASES['default']['NAME']}?mode=ro", uri=True)
    seen = -1
    try:
        while True:
            version = probe.execute("PRAGMA data_version").fetchone()[0]
            if version != seen:
                seen = version
                rows: Rows = await call(changes_after, last)
                if rows:
                    last = rows[-1][0]
                    await handle({(topic, key) for _, topic, key in rows})
            await asyncio.sleep(POLL_S)
    finally:
        probe.close()


async def open_listener() -> Listener:
    """A connection of its own that hears every commit from now on, and keeps it until it is asked for."""
    import psycopg

    listener = await psycopg.AsyncConnection.connect(autocommit=True, **(KEEPALIVE | connection_parameters()))
    await listener.execute("LISTEN watchpost")
    return listener


async def watch_postgres(listener: Listener, handle: Handle, reload_all: Reload) -> None:
    """Topic and key travel in the payload. After a lost connection everything is reloaded: rising ids would
    miss rows that committed late."""
    import psycopg

    heard: Listener | None = listener
    while True:
        try:
            if heard is None:
                heard = await open_listener()
                await reload_all()
            async with heard:
                while True:  # as many at once as came while the last were dealt with
                    await handle({_read(notice.payload) async for notice in heard.notifies(stop_after=1)})
        except (psycopg.OperationalError, DatabaseError) as error:  # reloading may find it gone once more
            log.warning("the listening connection was lost (%s); connecting again", error)
            if heard is not None:
                await heard.close()
                heard = None
            await asyncio.sleep(1)


def _read(payload: str) -> tuple[str, str]:
    topic, _, key = payload.partition(" ")
    return topic, key


def connection_parameters() -> dict[str, Any]:
    """Where Django's own connections go, without its pool and cursor: for one that stands outside of it."""
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "port", *DATABASE_OPTIONS)
    return {key: parameters[key] for key in names if parameters.get(key)}
