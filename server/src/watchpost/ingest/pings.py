"""The ping API of Healthchecks in front of Django: ``/ping/...``. Its answers, bodies and headers are theirs.

Every address that could be a heartbeat's costs the same and is asked of the database, so that neither the
time nor the answer tells strangers more than "not found".
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import DatabaseError

from watchpost import clock
from watchpost.core.heartbeat import Ping
from watchpost.heartbeats.make import make_from_ping
from watchpost.heartbeats.store import Incoming, Stored
from watchpost.ingest.address import PREFIX, Address, Refused, read_address
from watchpost.ingest.intake import Full, Intake, renew_connection
from watchpost.ingest.pace import Pace

BODY_LIMIT = 10_000
MOST_READ = 1_000_000  # of a longer body the rest is not even read: the connection is closed
READ_S = 20.0

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
log = logging.getLogger(__name__)
_BODILESS = frozenset({"GET", "HEAD"})  # most pings: no task is made to wait for nothing
_WANTED = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"user-agent"})
_HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"ping-body-limit", str(BODY_LIMIT).encode()),
    (b"access-control-allow-origin", b"*"),
    (b"cache-control", b"max-age=0, no-cache, no-store, must-revalidate, private"),
]


class Pings:
    """One for each web process."""

    def __init__(self, rate: int) -> None:
        """``rate``: pings a minute of one address; 0: any number."""
        self.intake = Intake(clock.now)
        self.pace = Pace(rate)

    async def serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One request. Never raises."""
        status, words, more = await self._answer(scope, receive)
        body = words.encode()
        headers = [*_HEADERS, (b"content-length", str(len(body)).encode()), *more]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(
        self, scope: dict[str, Any], receive: Receive
    ) -> tuple[int, str, list[tuple[bytes, bytes]]]:
        at = clock.now()
        where = read_address(scope["path"][len(PREFIX) :], scope["query_string"].decode("latin-1"))
        if isinstance(where, Refused):
            return where.status, where.words, []
        wait_s = self.pace.wait_s(str(where.code or f"{where.key}/{where.slug}"), at.timestamp())
        if wait_s > 0:
            return 429, "rate limited", [(b"retry-after", str(int(wait_s) + 1).encode())]
        body, whole = b"", True
        if scope["method"] not in _BODILESS or _announces_body(scope["headers"]):
            try:
                body, whole = await asyncio.wait_for(_read(receive), READ_S)
            except TimeoutError:
                return 408, "the body did not come within 20 seconds", []
        close = [] if whole else [(b"connection", b"close")]
        one = _incoming(scope, where, Ping(at, where.sign, scope["method"], body, where.run, where.took_s))
        try:
            status, words = await self._store(one, where)
        except (DatabaseError, Full) as error:
            log.error("a ping could not be stored: %s", error or "too many wait")
            return 503, "not stored: try again", [(b"retry-after", b"5"), *close]
        except Exception:  # noqa: BLE001  # the outermost shell: it was logged where it happened
            return 500, "not stored: see the log of the server", close
        return status, words, close

    async def _store(self, one: Incoming, where: Address) -> tuple[int, str]:
        stored: Stored = await self.intake.store(one)
        if stored.outcome == "ambiguous":
            return 409, "ambiguous slug"
        if stored.outcome == "ok":
            return 200, "OK"
        if where.create:
            made = await asyncio.to_thread(_make, where, one.ping.at)
            if made and (await self.intake.store(one)).outcome == "ok":
                return 201, "Created"
        return 404, "not found"


def _make(where: Address, at: datetime) -> bool:
    renew_connection()
    return make_from_ping(where.key, where.slug, at)


def _announces_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in headers)


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """What is kept of the body, and whether all of it was read."""
    kept, seen = bytearray(), 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(kept), False
        chunk = message.get("body", b"")
        seen += len(chunk)
        kept += chunk[: BODY_LIMIT - len(kept)]
        if not message.get("more_body"):
            return bytes(kept), True
        if seen > MOST_READ:
            return bytes(kept), False


def _incoming(scope: dict[str, Any], where: Address, ping: Ping) -> Incoming:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _WANTED}
    forwarded = headers.get(b"x-forwarded-for", "").split(",")[0].strip()
    address = forwarded or (scope["client"][0] if scope.get("client") else "")
    scheme = headers.get(b"x-forwarded-proto", scope.get("scheme", "http"))
    agent = headers.get(b"user-agent", "")
    return Incoming(
        ping, where.code, where.key, where.slug, where.exit_code, scheme, agent, plain_address(address)
    )


@lru_cache(10_000)
def plain_address(text: str) -> str:
    """An address as the log shows it: no port, and an IPv4 one in its own form. What is none is empty."""
    host = text.split("]")[0].lstrip("[") if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.split(":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
