"""A stream alone: its budget of bytes, its deadline, and what is left open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from ipaddress import ip_network
from time import monotonic, thread_time
from typing import Any

import pytest
import uvloop

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


async def chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Talks at once and for ever, and hears nothing."""
    while True:
        writer.write(b"hello\n")
        await asyncio.sleep(0.01)


async def _idle_beside_one_who_talks(_: Stream) -> None:
    await asyncio.sleep(0.3)


async def _send_to_one_who_talks(stream: Stream) -> None:
    with pytest.raises(Broken):
        await stream.send(bytes(50_000_000), "tls")


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("busy", [_idle_beside_one_who_talks, _send_to_one_who_talks])
def test_what_comes_while_nobody_listens_keeps_no_processor_busy(
    run: Callable[..., None], busy: Callable[[Stream], Coroutine[Any, Any, None]]
) -> None:
    async def meet() -> None:
        async with listen(chatter) as port:
            stream = await open_stream(GUARD, "127.0.0.1", port, monotonic() + 0.5)
            assert isinstance(stream, Stream)
            with stream:
                assert await stream.receive("tls")  # from now on it is told what comes
                used = thread_time()
                await busy(stream)
                assert thread_time() - used < 0.15

    run(meet())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_stream_hears_to_the_end_and_frees_its_number_for_another(run: Callable[..., None]) -> None:
    """The loop must forget a closed one: the next connection gets the same number."""

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for word in (b"one\n", b"two\n"):
            writer.write(word)
            await writer.drain()
            await reader.readline()

    async def meet() -> None:
        async with listen(twice) as port:
            for _ in range(20):
                stream = await open_stream(GUARD, "127.0.0.1", port, monotonic() + 2)
                assert isinstance(stream, Stream)
                with stream:
                    for word in (b"one", b"two"):
                        assert await stream.line("wait") == word
                        await stream.send(b"more\n", "send")
                    assert await stream.receive("wait") == b""

    run(meet())


async def test_who_stops_waiting_leaves_nothing_behind() -> None:
    async with listen(deaf) as port:
        stream = await open_stream(GUARD, "127.0.0.1", port, monotonic() + 2)
        assert isinstance(stream, Stream)
        with stream, pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await stream.receive("wait")
        number = stream._number
    assert not asyncio.get_running_loop().remove_reader(number)
    assert stream._timer is not None
    assert stream._timer.cancelled()
