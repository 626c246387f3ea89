"""A stream alone: its budget of bytes, its deadline, and what is left open."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from time import monotonic

import pytest

from watchpost.outbound import Failure, Guard
from watchpost.outbound.stream import Broken, Stream, open_stream
from watchpost.outbound.tests.tlsserver import listen

GUARD = Guard((ip_network("127.0.0.0/8"),))


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(bytes(10_000))
        await writer.drain()


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def drink(stream: Stream, read: list[int]) -> None:
    while True:
        read.append(len(await stream.receive("tls")))


async def test_no_more_bytes_are_read_than_the_budget() -> None:
    async with listen(flood) as port:
        stream = await open_stream(GUARD, "127.0.0.1", port, monotonic() + 2, most_bytes=50_000)
        assert isinstance(stream, Stream)
        read: list[int] = []
        with stream, pytest.raises(Broken) as broken:
            await drink(stream, read)
    assert (broken.value.failure.kind, sum(read)) == ("flood", 50_000)


async def test_who_does_not_read_does_not_hold_us() -> None:
    async with listen(deaf) as port:
        began = monotonic()
        stream = await open_stream(GUARD, "127.0.0.1", port, began + 0.3)
        assert isinstance(stream, Stream)
        with stream, pytest.raises(Broken) as broken:
            await stream.send(bytes(50_000_000), "tls")
    assert broken.value.failure.kind == "timeout"
    assert monotonic() - began < 1


async def test_what_was_read_beyond_the_line_is_not_lost() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"one\r\ntwo\nthr")
        await writer.drain()

    async with listen(talk) as port:
        stream = await open_stream(GUARD, "127.0.0.1", port, monotonic() + 2)
        assert isinstance(stream, Stream)
        with stream:
            assert await stream.line("starttls") == b"one"
            assert stream.has_more
            assert await stream.line("starttls") == b"two"
            assert await stream.exactly(3, "starttls") == b"thr"
            assert not stream.has_more
            with pytest.raises(Broken):
                await stream.line("starttls")


@pytest.mark.parametrize(
    ("address", "kind"),
    [("10.1.2.3", "refused_by_guard"), ("shop.test", "refused_by_guard"), ("127.0.0.1", "refused")],
)
async def test_connections_that_are_not_made_are_values(address: str, kind: str) -> None:
    async with listen() as port:
        pass
    found = await open_stream(GUARD, address, port, monotonic() + 1)
    assert isinstance(found, Failure)
    assert (found.phase, found.kind) == ("connect", kind)


async def test_without_time_nothing_is_connected() -> None:
    async with listen() as port:
        found = await open_stream(GUARD, "127.0.0.1", port, monotonic() - 1)
        if isinstance(found, Stream):  # loopback may answer within the call itself
            with found, pytest.raises(Broken):
                await found.receive("tls")
        else:
            assert found.kind == "timeout"
