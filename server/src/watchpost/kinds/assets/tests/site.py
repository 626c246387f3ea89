"""A loopback site whose every path is told: headers, body, or a misbehaviour. For the zoo."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from time import monotonic
from typing import Any

from watchpost.core.types import NO_PAST, Finding, Observation
from watchpost.kinds.assets import KIND
from watchpost.kinds.assets.config import AssetsConfig
from watchpost.outbound import Guard, Outbound
from watchpost.registry import Look

AT = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = {
    "css": "text/css",
    "js": "text/javascript",
    "png": "image/png",
    "woff2": "font/woff2",
    "ico": "image/x-icon",
}
Send = Callable[[asyncio.StreamWriter], Awaitable[None]]
LOOPBACK = Guard((ip_network("127.0.0.1/32"),))


@dataclass
class File:
    """What a path answers. ``send`` takes over after the head is read."""

    body: bytes = b"x{}"
    status: int = 200
    type: str | None = ""  # "" by the name, None for no header
    headers: Mapping[str, str] = field(default_factory=dict)
    send: Send | None = None
    head_status: int = 0  # a server that lies to HEAD


@dataclass
class Site:
    """``files`` by path; the page lies at /. ``asked``: (method, path, headers) in order."""

    files: dict[str, File]
    port: int = 0
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    def head(self, path: str, one: File, status: int) -> bytes:
        kind = (
            TYPES.get(path.partition("?")[0].rpartition(".")[2], "text/html") if one.type == "" else one.type
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in one.headers.items())
        told = f"Content-Type: {kind}\r\n" if kind else ""
        return f"HTTP/1.1 {status} X\r\nContent-Length: {len(one.body)}\r\n{told}{lines}\r\n".encode()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, IndexError):
            text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path = text.split(" ")[:2]
            self.asked.append((method, path, text))
            one = self.files.get(path, File(b"<h1>Not Found</h1>", 404, "text/html"))
            if one.send is not None:
                await one.send(writer)
            else:
                status = one.head_status if method == "HEAD" and one.head_status else one.status
                writer.write(self.head(path, one, status) + (b"" if method == "HEAD" else one.body))
            await writer.drain()
        self.at_once -= 1
        writer.close()


@asynccontextmanager
async def serving(site: Site, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The site's URL while it is served."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        with suppress(asyncio.CancelledError):
            await site.handle(reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls, backlog=500)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{site.port}/"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def look(
    url: str,
    outbound: Outbound | None = None,
    deadline_s: float = 5.0,
    monitor_id: int = 1,
    host: str = "127.0.0.1",
    **more: Any,
) -> tuple[Observation, tuple[Finding, ...]]:
    """One look, which must end in time, leave no socket, and keep its facts small."""
    way = outbound or Outbound(LOOPBACK)
    config = AssetsConfig.model_validate({"url": url, **more})
    began = monotonic()
    seen = await KIND.probe(Look(monitor_id, 1, config, deadline_s), way, AT)  # type: ignore[misc]
    assert monotonic() - began < deadline_s + 0.7
    assert way.open_sockets == 0
    assert len(str(dict(seen.facts))) < 60_000
    if outbound is None:
        await way.close()
    findings = KIND.judge(config, seen, {}, NO_PAST, AT).findings
    for one in findings:
        assert one.code in KIND.codes
        assert one.sentence.endswith(".")
        assert one.fix.endswith(".")
        assert f"host:{host}" in one.joins
    return seen, findings


def page(*tags: str, **more: Any) -> File:
    return File(
        ("<!doctype html><html><head>" + "".join(tags) + "</head><body>Hi</body></html>").encode(), **more
    )


def css(name: str) -> str:
    return f"<link rel=stylesheet href='{name}'>"


def js(name: str, more: str = "") -> str:
    return f"<script src='{name}' {more}></script>"


def img(name: str) -> str:
    return f"<img src='{name}'>"
