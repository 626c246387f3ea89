"""Real DNS servers on loopback, by UDP and TCP on one port, whose answers a test makes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast

import dns.message

# (question, by TCP?) -> the packets that go back; none: silence
Speak = Callable[[dns.message.Message, bool], list[bytes]]


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, speak: Speak) -> None:
        self._speak = speak

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is no subclass

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        for packet in self._speak(dns.message.from_wire(data), False):
            self._transport.sendto(packet, peer)


def _tcp(speak: Speak) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            size = int.from_bytes(await reader.readexactly(2), "big")
            query = dns.message.from_wire(await reader.readexactly(size))
            for packet in speak(query, True):
                writer.write(len(packet).to_bytes(2, "big") + packet)
            await writer.drain()
        writer.close()

    return serve


async def _open(
    stack: contextlib.AsyncExitStack, host: str, port: int, speak: Speak, with_tcp: bool = True
) -> int:
    loop = asyncio.get_running_loop()
    udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(speak), (host, port))
    stack.callback(udp.close)
    port = port or udp.get_extra_info("sockname")[1]
    if with_tcp:
        server = await asyncio.start_server(_tcp(speak), host, port)
        stack.callback(server.close)
    return int(port)


@contextlib.asynccontextmanager
async def speaking(servers: Mapping[str, Speak], with_tcp: bool = True) -> AsyncIterator[int]:
    """One server per address, all on the same free port, which is given."""
    for _ in range(20):
        async with contextlib.AsyncExitStack() as stack:
            port = 0
            try:
                for host, speak in servers.items():
                    port = await _open(stack, host, port, speak, with_tcp)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue  # somebody else holds this port at another of our addresses
            yield port
            return
    raise OSError("no port is free at every address")
