"""A small real DNS server on a free loopback UDP port, with bad days."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

from dnslib import QTYPE, RCODE, RR, A, DNSRecord

_RCODES = {"servfail": RCODE.SERVFAIL, "refused": RCODE.REFUSED, "nxdomain": RCODE.NXDOMAIN}


class DnsServer(asyncio.DatagramProtocol):
    """Every name is 127.0.0.1, unless ``mood`` is silent, servfail, refused or nxdomain."""

    def __init__(self, mood: str) -> None:
        self.mood = mood
        self.asked = 0
        self.at = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is no subclass
        host, port = transport.get_extra_info("sockname")
        self.at = f"{host}:{port}"

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        self.asked += 1
        if self.mood == "silent":
            return
        request = DNSRecord.parse(data)
        reply = request.reply()
        reply.header.rcode = _RCODES.get(self.mood, RCODE.NOERROR)
        if self.mood == "fine" and request.q.qtype == QTYPE.A:
            reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A("127.0.0.1"), ttl=60))
        self._transport.sendto(reply.pack(), peer)


@contextlib.asynccontextmanager
async def run_dns(*moods: str) -> AsyncIterator[list[DnsServer]]:
    """One server per mood."""
    loop, started, transports = asyncio.get_running_loop(), [], []
    for mood in moods:
        server = DnsServer(mood)
        transport, _ = await loop.create_datagram_endpoint(lambda s=server: s, ("127.0.0.1", 0))  # type: ignore[misc]
        transports.append(transport)
        started.append(server)
    try:
        yield started
    finally:
        for transport in transports:
            transport.close()
