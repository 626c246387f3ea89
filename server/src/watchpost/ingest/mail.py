"""Pings by mail: each recipient of a mail is one. In a process of its own (``watchpost mail``).

As with Healthchecks (its ``smtpd``) every address that could be a heartbeat's is taken, whether there is one
or not, so strangers learn nothing. A mail is answered with 250 after its pings are durable.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from django.db import DatabaseError, connection

from watchpost import clock
from watchpost.core.heartbeat import Mail, Ping, Sign
from watchpost.heartbeats.addresses import exact_key
from watchpost.heartbeats.store import Incoming
from watchpost.ingest.address import Address, read_mailbox
from watchpost.ingest.intake import Full, Intake
from watchpost.ingest.letter import read_letter
from watchpost.ingest.pace import Pace
from watchpost.ingest.pings import BODY_LIMIT, plain_address
from watchpost.ingest.smtp import STORE_S, Room, Session

log = logging.getLogger(__name__)
MOST_RECIPIENTS = 100  # RFC 5321, 4.5.3.1.8: no fewer
GRACE_S = 3.0  # for mails that came whole, when we are asked to stop
AGAIN = "451 4.3.0 Not stored; try again later"


class Letters:
    """The hooks of aiosmtpd. One for the process."""

    def __init__(self, domain: str, rate: int) -> None:
        """``rate``: pings a minute of one address; 0: any number."""
        self.domain = domain
        self.intake = Intake(clock.now)
        self.pace = Pace(rate)
        self.under_way: set[asyncio.Future[Any]] = set()
        self._thread = ThreadPoolExecutor(1, "letters")

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        where = read_mailbox(address, self.domain)
        if where is None:
            return "550 5.1.1 Recipient rejected"
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        who = str(where.code or f"{where.key.lower()}/{where.slug}")
        if self.pace.wait_s(who, clock.now().timestamp()) > 0:
            return "450 4.7.1 Rate limited; try again later"
        envelope.rcpt_tos.append(where)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        task = asyncio.ensure_future(self._take(session, envelope))
        self.under_way.add(task)  # a peer that hangs up does not stop what it has handed over
        task.add_done_callback(self.under_way.discard)
        try:
            return await asyncio.wait_for(asyncio.shield(task), STORE_S)
        except TimeoutError:
            log.error("a mail could not be stored within %g s", STORE_S)
            return AGAIN

    async def _take(self, session: Any, envelope: Any) -> str:
        at, loop = clock.now(), asyncio.get_running_loop()
        try:
            mail, addresses = await loop.run_in_executor(
                self._thread, _prepare, envelope.content, envelope.rcpt_tos
            )
            ping = Ping(at, Sign.SUCCESS, "", envelope.content[:BODY_LIMIT], mail=mail)
            agent = "Email from " + _printable(envelope.mail_from)
            peer = plain_address(str(session.peer[0]))
            ones = [Incoming(ping, a.code, a.key, a.slug, None, "email", agent, peer) for a in addresses]
            await asyncio.gather(*(self.intake.store(one) for one in ones))
        except (DatabaseError, Full) as error:
            log.error("a mail could not be stored: %s", error or "too many pings wait")
            return AGAIN
        return "250 OK"

    async def handle_exception(self, error: Exception) -> str:
        log.error("a mail was not taken", exc_info=error)
        return AGAIN


def _prepare(content: bytes, wheres: Sequence[Address]) -> tuple[Mail, list[Address]]:
    try:
        return read_letter(content), [
            replace(where, key=exact_key(where.key)) if where.key else where for where in wheres
        ]
    except DatabaseError:
        connection.close()  # the next mail begins with a fresh one
        raise


def _printable(sender: str) -> str:
    """It came from a stranger and goes into the database and onto pages."""
    return "".join(char if char.isprintable() else "?" for char in sender)


async def serve(host: str, port: int, domain: str, rate: int) -> None:
    """Takes mail until SIGTERM or SIGINT. Raises OSError when nothing can listen there."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    letters, room = Letters(domain, rate), Room()
    server = await loop.create_server(lambda: Session(letters, room, domain), host, port)
    log.info("pings by mail to @%s are taken at %s:%d", domain, host, port)
    await stop.wait()
    server.close()
    if letters.under_way:
        await asyncio.wait(letters.under_way, timeout=GRACE_S)
