"""A loopback internet of one domain: a DNS server that knows some names, a TLS server that answers by name."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import cast

import trustme
from dnslib import QTYPE, RCODE, RR, A, DNSRecord

from watchpost.outbound import Guard, Outbound, Reply, Request, Resolver

HOME = """<!doctype html><html><head><title>Home | Tea and Biscuits of Lisbon</title>
<link rel=stylesheet href="/static/shop.a1b2c3d4e5f6.css"><script src="/static/shop.js"></script>
<script src="https://elsewhere.example/count.js"></script></head>
<body><h1>Fresh this morning</h1><img src="/static/cup.png"></body></html>"""
NOT_FOUND = "<html><head><title>Not found | Tea and Biscuits of Lisbon</title></head></html>"


@dataclass(frozen=True)
class Page:
    body: str = ""
    status: int = 200
    type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    after_s: float = 0.0


Pages = Mapping[str, Page]  # by "host/path"


class _Names(asyncio.DatagramProtocol):
    """127.0.0.1 for the names it knows; the others do not exist."""

    def __init__(self, known: frozenset[str]) -> None:
        self.known = known

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        request = DNSRecord.parse(data)
        reply = request.reply()
        name = str(request.q.qname).rstrip(".").lower()
        if name not in self.known:
            reply.header.rcode = RCODE.NXDOMAIN
        elif request.q.qtype == QTYPE.A:
            reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A("127.0.0.1"), ttl=60))
        self._transport.sendto(reply.pack(), peer)


class _Trusting(Outbound):
    """Trusts the authority of the test besides; everything else is the real way out."""

    ca_file = ""

    async def fetch(self, request: Request) -> Reply:
        return await super().fetch(request._replace(ca_file=self.ca_file if request.verify_tls else ""))


@dataclass
class World:
    outbound: Outbound
    port: int  # of https
    plain_port: int  # of http
    asked: list[str] = field(default_factory=list)

    def url(self, host: str, path: str = "/") -> str:
        return f"https://{host}:{self.port}{path}"


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pages: Pages, world: World
) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, IndexError):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        path = head.split(" ")[1]
        host = next(line[6:] for line in head.split("\r\n") if line.lower().startswith("host: ")).split(":")[
            0
        ]
        world.asked.append(f"{host}{path}")
        page = pages.get(f"{host}{path}", pages.get(f"{host}*", Page(NOT_FOUND, 404)))
        await asyncio.sleep(page.after_s)
        body = page.body.encode()
        lines = "".join(f"{name}: {value}\r\n" for name, value in page.headers.items())
        start = f"HTTP/1.1 {page.status} X\r\nContent-Length: {len(body)}\r\nContent-Type: {page.type}\r\n"
        writer.write(f"{start}{lines}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def world_of(
    pages: Pages, names: tuple[str, ...], dns: tuple[str, ...], trusted: bool = True
) -> AsyncIterator[World]:
    """``names`` stand on the certificate; ``dns`` exist. ``{port}`` in a Location is the port of https."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(tls)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Names(frozenset(dns)), ("127.0.0.1", 0))
    where = ":".join(map(str, transport.get_extra_info("sockname")))
    outbound = _Trusting(Guard((ip_network("127.0.0.1/32"),)), Resolver([where]))
    outbound.ca_file = outbound.trust(authority.cert_pem.bytes().decode()) if trusted else ""
    world = World(outbound, 0, 0)
    ported: dict[str, Page] = {}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(reader, writer, ported, world)

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        leads = Page("", 301, headers={"Location": world.url("shop.example")})
        await _answer(reader, writer, {"shop.example/": leads}, world)

    servers = [await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls, backlog=200)]
    servers.append(await asyncio.start_server(lead, "127.0.0.1", 0))
    world.port, world.plain_port = (one.sockets[0].getsockname()[1] for one in servers)
    for key, page in pages.items():
        filled = {name: value.replace("{port}", str(world.port)) for name, value in page.headers.items()}
        ported[key] = Page(page.body, page.status, page.type, filled, page.after_s)
    try:
        yield world
    finally:
        for server in servers:
            server.close()
        transport.close()
        await outbound.close()
