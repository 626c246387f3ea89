"""The references, asked through real resolvers that live or do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest

from watchpost.engine.references import answers
from watchpost.engine.selfcheck import ResolversSilent
from watchpost.outbound import Guard, Outbound, Resolver
from watchpost.outbound.tests.dnsserver import run_dns


@asynccontextmanager
async def page() -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def ask(*moods: str) -> bool:
    async with run_dns(*moods) as servers, page() as port:
        guard = Guard((ip_network("127.0.0.0/8"),))
        outbound = Outbound(guard, Resolver([server.at for server in servers], 0.2))
        try:
            return await answers(outbound, f"http://reference.test:{port}/")
        finally:
            await outbound.close()


@pytest.mark.parametrize("moods", [("fine",), ("silent", "fine"), ("servfail", "fine"), ("nxdomain", "fine")])
async def test_any_answer_counts_and_any_resolver_will_do(moods: tuple[str, ...]) -> None:
    assert await ask(*moods)


@pytest.mark.parametrize("moods", [("silent",), ("silent", "servfail"), ("refused", "refused")])
async def test_resolvers_that_say_nothing_are_their_own_fault(moods: tuple[str, ...]) -> None:
    with pytest.raises(ResolversSilent):
        await ask(*moods)


async def test_a_name_that_is_gone_is_no_fault_of_the_resolver() -> None:
    assert not await ask("nxdomain", "silent")
