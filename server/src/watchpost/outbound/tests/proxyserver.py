"""A forward proxy for tests, on a free loopback port: CONNECT and absolute addresses (RFC 9110, 9.3.6; RFC 9112,
3.2.2), an account (RFC 7617), and bad days."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from watchpost.outbound.tests.tlsserver import listen

Instead = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class ForwardProxy:
    """``names`` are what this proxy alone knows. ``instead`` answers after the head of a request was read."""

    port: int = 0
    names: Mapping[str, str] = field(default_factory=dict)
    account: tuple[str, str] | None = None
    instead: Instead | None = None
    asked: list[str] = field(default_factory=list)  # heads of requests, as they came
    tunnels: list[str] = field(default_factory=list)  # host:port that tunnels were opened to


def refuse(status: str, head: str = "") -> Instead:
    """Answers so, whatever is asked."""

    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\n{head}Content-Length: 6\r\n\r\nsorry\n".encode())

    return respond


def say(data: bytes) -> Instead:
    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return respond


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()  # until the visitor has gone


@contextlib.asynccontextmanager
async def run_proxy(
    proxy: ForwardProxy, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[ForwardProxy]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(proxy, reader, writer)

    async with listen(handle, tls, host, port) as bound:
        proxy.port = bound
        yield proxy


async def _answer(proxy: ForwardProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    proxy.asked.append(head)
    method, target, _ = head.split("\r\n", 1)[0].split(" ")
    if proxy.instead is not None:
        await proxy.instead(reader, writer)
    elif proxy.account is not None and not _knows(proxy.account, head):
        writer.write(
            b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="test"\r\n'
            b"Content-Length: 0\r\nConnection: close\r\n\r\n"
        )
    elif method == "CONNECT":
        host, _, port = target.rpartition(":")
        far = await _reach(proxy, host, int(port))
        if far is None:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        else:
            proxy.tunnels.append(target)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _join(reader, writer, far)
    else:
        await _forward(proxy, reader, writer, head)
    await writer.drain()


def _knows(account: tuple[str, str], head: str) -> bool:
    wanted = b64encode(":".join(account).encode()).decode()
    return f"proxy-authorization: basic {wanted}\r\n".lower() in head.lower()


async def _forward(
    proxy: ForwardProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str
) -> None:
    line, _, rest = head.partition("\r\n")
    method, target, version = line.split(" ")
    parts = urlsplit(target)
    far = await _reach(proxy, parts.hostname or "", parts.port or 80)
    if far is None:
        writer.write(
            b"HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_CONNECT_FAIL 111\r\n"
            b"Content-Length: 0\r\n\r\n"
        )
        return
    kept = [one for one in rest.split("\r\n") if not one.lower().startswith("proxy-")]
    far[1].write(f"{method} {parts.path or '/'} {version}\r\n".encode() + "\r\n".join(kept).encode("latin-1"))
    await _join(reader, writer, far)


async def _reach(
    proxy: ForwardProxy, host: str, port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    name = host.strip("[]")
    try:
        return await asyncio.open_connection(proxy.names.get(name, name), port)
    except OSError:
        return None


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Both ways until one side has nothing more to say."""
    ways = [asyncio.create_task(_pump(reader, far[1])), asyncio.create_task(_pump(far[0], writer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        far[1].close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(65_536):
            sink.write(chunk)
            await sink.drain()
