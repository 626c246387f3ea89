"""A server with bad days, on a free loopback port, for tests."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[None]]


def page(body: bytes = b"hello", status: str = "200 OK", **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
    if path == "/hang":
        await asyncio.sleep(60)
    elif path == "/drip":
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)
    elif path == "/drip-headers":
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"a: b\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)
    elif path == "/endless":
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
    elif path == "/bomb":
        bomb = gzip.compress(gzip.compress(bytes(200_000_000), 1), 1)
        writer.write(page(bomb, Content_Encoding="gzip, gzip"))
    elif path == "/bad-gzip":
        writer.write(page(b"this is not gzip", Content_Encoding="gzip"))
    elif path == "/deflate":
        writer.write(page(zlib.compress(b"hello"), Content_Encoding="deflate"))
    elif path == "/headers":
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(1000):
            writer.write(b"X-%d: " % number + b"y" * 10_000 + b"\r\n")
            await writer.drain()
    elif path == "/reset":
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif path == "/cut":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello")
    elif path == "/ssh":
        writer.write(b"SSH-2.0-OpenSSH_9\r\n")
    elif path == "/early":
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + page(X_Final="yes"))
    elif path != "/close":
        writer.write(page())


@contextlib.asynccontextmanager
async def serve(
    respond: Answer = answer, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """Serves on ``host`` until left; every open connection is cut then."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError, IndexError, ssl.SSLError):
            path = (await reader.readline()).split()[1].decode()
            while (await reader.readline()).strip():
                pass
            await respond(reader, writer, path)
            await writer.drain()
        writer.close()
        tasks.discard(task)

    server = await asyncio.start_server(handle, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
