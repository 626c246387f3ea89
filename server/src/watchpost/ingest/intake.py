"""Group commit: pings that come in while the last transaction is written go into the next one together.

One task and one database thread for each web process. A ping is answered after its transaction is durable;
a pause after every commit leaves other writers their turn (without it the engine waited seconds).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.db import DatabaseError, connection

from watchpost.heartbeats.store import Incoming, Stored, store_pings

log = logging.getLogger(__name__)
PAUSE_S = 0.001
MOST_AT_ONCE = 500
MOST_WAITING = 20_000


class Full(Exception):
    """So many pings wait that another one would wait for too long."""


class Intake:
    """Owns the queue. Everything but the writing runs on the loop."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self._waiting: list[tuple[Incoming, asyncio.Future[Stored]]] = []
        self._more = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "pings")
        self._task: asyncio.Task[None] | None = None

    async def store(self, one: Incoming) -> Stored:
        """Durable when this returns. Raises DatabaseError when it could not be stored, Full when too many
        wait."""
        if len(self._waiting) >= MOST_WAITING:
            raise Full
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, future))
        self._more.set()
        return await future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._more.wait()
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            if not self._waiting:
                self._more.clear()
            ones = [one for one, _ in batch]
            try:
                answers = await loop.run_in_executor(self._thread, _store, ones, self.now())
            except Exception as error:  # whatever it was, those who wait must hear it
                if not isinstance(error, DatabaseError):
                    log.exception("pings could not be stored")
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), answer in zip(batch, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)
            await asyncio.sleep(PAUSE_S)


def renew_connection() -> None:
    """Of this thread, when PostgreSQL was restarted since its last use: the next question opens another."""
    if connection.connection is not None and not connection.is_usable():
        connection.close()


def _store(ones: Sequence[Incoming], now: datetime) -> list[Stored]:
    renew_connection()
    try:
        return store_pings(ones, now)
    except DatabaseError:
        connection.close()  # the next batch begins with a fresh one
        raise
