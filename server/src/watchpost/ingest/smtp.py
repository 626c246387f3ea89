"""SMTP as strangers may speak it to us: aiosmtpd, with bounds on what one peer may cost.

A mail ends at CR LF . CR LF and nowhere else: a mail server in front of us that takes bare line ends for text
cannot be made to smuggle a second mail past itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from aiosmtpd.smtp import SMTP

MOST_BYTES = 10_000_000  # of a mail; larger ones are refused
KEPT_BYTES = 256 * 1024  # of a mail; the rest is read and forgotten
MOST_SESSIONS = 100
MOST_OF_ONE_PEER = 30  # a mail server in front of us is one peer; Postfix opens 20
IDLE_S = 60.0  # until the next command
LETTER_S = 120.0  # for the whole of a mail
STORE_S = 30.0
LIFE_S = 900.0  # of a session, whatever it does
_END = b"\r\n"
# Of one session. A mail server that has more to say begins another one.
_CALLS = {"*": 20, "MAIL": 1000, "RCPT": 10_000, "DATA": 1000, "RSET": 1000, "NOOP": 100}


class Room:
    """How many sessions there are, and whose."""

    def __init__(self, most: int = MOST_SESSIONS, most_of_one: int = MOST_OF_ONE_PEER) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._peers: Counter[str] = Counter()

    def enter(self, peer: str) -> bool:
        if self._peers.total() >= self._most or self._peers[peer] >= self._most_of_one:
            return False
        self._peers[peer] += 1
        return True

    def leave(self, peer: str) -> None:
        self._peers[peer] -= 1
        if not self._peers[peer]:
            del self._peers[peer]


class Session(SMTP):
    """One connection. ``handler`` has the hooks of aiosmtpd; the content of its envelope is the first
    ``KEPT_BYTES`` of the mail."""

    line_length_limit = 16 * 1024  # of what waits to be read; lines of a mail may be longer

    def __init__(self, handler: Any, room: Room, hostname: str) -> None:
        super().__init__(
            handler,
            hostname=hostname,
            ident="Watchpost",
            data_size_limit=MOST_BYTES,
            enable_SMTPUTF8=True,
            timeout=IDLE_S,
            command_call_limit=dict(_CALLS),
            auth_exclude_mechanism=("PLAIN", "LOGIN"),
            loop=asyncio.get_running_loop(),
        )
        self._room, self._peer = room, ""
        self._is_inside = False
        self._life: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"{transport!r} is no stream")
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if peer else ""
        self._is_inside = self._room.enter(self._peer)
        if not self._is_inside:
            transport.write(b"421 4.3.2 Too many connections; try again later\r\n")
            transport.close()
            return
        self._life = self.loop.call_later(LIFE_S, transport.close)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._is_inside:
            return
        self._is_inside = False
        self._room.leave(self._peer)
        if self._life is not None:
            self._life.cancel()
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str | None) -> None:
        """In the place of the library's, which refuses long lines and keeps all of one that never ends."""
        if await self.check_helo_needed():
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
            return
        if arg:
            await self.push("501 Syntax: DATA")
            return
        self._reset_timeout(LETTER_S)
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        letter = await self._read_letter()
        if letter is None:
            status = "552 5.3.4 The mail is too large"
        else:
            self._reset_timeout(STORE_S + IDLE_S)
            self.envelope.content = self.envelope.original_content = letter
            status = await self._call_handler_hook("DATA")
        self.envelope = self._create_envelope()
        self._reset_timeout()
        await self.push(status)

    async def _read_letter(self) -> bytes | None:
        """What is kept of it, without the dots that stand for dots (RFC 5321, 4.5.2); None: too large."""
        kept, size, is_begin = bytearray(), 0, True
        while True:
            try:
                piece, is_end = await self._reader.readuntil(_END), True
            except asyncio.LimitOverrunError as long:
                piece, is_end = await self._reader.readexactly(long.consumed), False
            if is_begin and piece == b".\r\n":
                return bytes(kept) if size <= MOST_BYTES else None
            if is_begin and piece.startswith(b"."):
                piece = piece[1:]
            size += len(piece)
            kept += piece[: KEPT_BYTES - len(kept)]
            is_begin = is_end
            if size > 4 * MOST_BYTES:
                await self.push("552 5.3.4 The mail is too large")
                self._writer.close()
                raise asyncio.CancelledError  # by which aiosmtpd ends a session
