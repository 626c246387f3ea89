"""Several engines, one leader: an advisory lock of PostgreSQL, held on a connection of its own.

PostgreSQL lets go of the lock when the leader's connection ends, so whoever waits takes over within a
second or two of the leader's death. On SQLite the lock of the data folder is enough.
"""

from __future__ import annotations

import asyncio
import logging

import psycopg

from watchpost.engine.changes import KEEPALIVE, connection_parameters

log = logging.getLogger(__name__)
KEY = 0x57617463  # "Watc": one leader a database
ASK_S = 1.0
ALIVE_S = 2.0
SILENT_S = 5.0


class Deposed(RuntimeError):
    """Another engine leads now."""


class Leadership:
    """Wait for it with ``gain``, then run ``keep`` for as long as the engine runs."""

    def __init__(self) -> None:
        self.held: psycopg.AsyncConnection | None = None

    async def gain(self) -> None:
        """Until we lead. Says once that another one does."""
        told = False
        while not await self._try():
            if not told:
                log.info("another engine leads; waiting to take over")
                told = True
            await asyncio.sleep(ASK_S)

    async def keep(self) -> None:
        """Never ends by itself. When the connection is lost, leads on if nobody else has begun to."""
        while True:
            await asyncio.sleep(ALIVE_S)
            if await self._is_alive():
                continue
            log.warning("the connection that holds the leader's lock was lost")
            while not await self._regained():
                await asyncio.sleep(ASK_S)

    async def close(self) -> None:
        if self.held is not None:
            await self.held.close()
            self.held = None

    async def _try(self) -> bool:
        """One attempt. A database that cannot be reached has no leader we could be."""
        try:
            if self.held is None:
                self.held = await psycopg.AsyncConnection.connect(
                    autocommit=True, **({"connect_timeout": 5} | KEEPALIVE | connection_parameters())
                )
            answer = await self.held.execute("SELECT pg_try_advisory_lock(%s)", [KEY])
            row = await answer.fetchone()
        except psycopg.OperationalError as error:
            log.warning("the leader's lock cannot be asked for: %s", str(error).strip())
            await self.close()
            return False
        return row is not None and bool(row[0])

    async def _is_alive(self) -> bool:
        try:
            async with asyncio.timeout(SILENT_S):
                assert self.held is not None  # noqa: S101  gained before it is kept
                await self.held.execute("SELECT 1")
        except (TimeoutError, psycopg.OperationalError):
            await self.close()
            return False
        return True

    async def _regained(self) -> bool:
        if await self._try():
            log.info("leading again")
            return True
        if self.held is not None:  # connected, and somebody else has it
            raise Deposed("another engine took over while our connection was lost")
        return False
