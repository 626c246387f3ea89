"""Notices what other processes changed: about every 100 ms on SQLite, by NOTIFY on PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from watchpost.monitors.models import Change

log = logging.getLogger(__name__)
Rows = list[tuple[int, str, str]]
Handle = Callable[[set[tuple[str, str]]], Awaitable[None]]
POLL_S = 0.1


def newest_change() -> int:
    return Change.objects.order_by("-id").values_list("id", flat=True).first() or 0


def changes_after(last: int) -> Rows:
    """Changes with a higher id, oldest first."""
    return list(Change.objects.filter(id__gt=last).order_by("id").values_list("id", "topic", "key")[:5000])


async def watch_sqlite(call: Callable[..., Awaitable[Any]], last: int, handle: Handle) -> None:
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


async def watch_postgres(handle: Handle, reload_all: Callable[[], Awaitable[None]]) -> None:
    """LISTEN on a connection of its own; topic and key travel in the payload. After a lost connection
    everything is reloaded: rising ids would miss rows that committed late."""
    import psycopg

    first = True
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                autocommit=True, **connection_parameters()
            ) as listener:
                await listener.execute("LISTEN watchpost")
                if not first:
                    await reload_all()
                first = False
                async for notice in listener.notifies():
                    topic, _, key = notice.payload.partition(" ")
                    await handle({(topic, key)})
        except (psycopg.OperationalError, DatabaseError) as error:  # reloading may find it gone once more
            log.warning("the listening connection was lost (%s); connecting again", error)
            first = False
            await asyncio.sleep(1)


def connection_parameters() -> dict[str, Any]:
    """Where Django's own connections go, without its pool and cursor: for one that stands outside of it."""
    parameters = connection.get_connection_params()
    return {
        key: parameters[key] for key in ("dbname", "user", "password", "host", "port") if parameters.get(key)
    }
