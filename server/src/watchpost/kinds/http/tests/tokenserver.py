"""A real token endpoint (RFC 6749, 4.4) and the API behind it, for tests: loopback sockets, and bad days."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from watchpost.core.types import NO_PAST, Finding, Observation
from watchpost.kinds.http import KIND
from watchpost.kinds.http.config import HttpConfig
from watchpost.outbound import Guard, Outbound
from watchpost.outbound.tests.badserver import page
from watchpost.outbound.tests.tlsserver import listen
from watchpost.registry import Look

AT = datetime(2026, 1, 1, tzinfo=UTC)
LONG_S = 20.0
SECRET = "p/ss wörd+s3cret"
Instead = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[None]]


@dataclass
class Endpoint:
    """Gives tokens to ``client``, good for ``expires_in``; ``instead`` answers in its place."""

    port: int = 0
    client: tuple[str, str] = ("watch:post", SECRET)
    more: dict[str, object] = field(default_factory=lambda: {"token_type": "Bearer", "expires_in": 3600})
    instead: Instead | None = None
    hold: asyncio.Event | None = None  # answers once it is set
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # head and form
    good: set[str] = field(default_factory=set)  # tokens that the API takes


@contextlib.asynccontextmanager
async def run_endpoint(endpoint: Endpoint, tls: ssl.SSLContext | None = None) -> AsyncIterator[Endpoint]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        sent = await reader.readexactly(_length(head))
        form = {name: values[0] for name, values in parse_qs(sent.decode(), strict_parsing=True).items()}
        endpoint.asked.append((head, form))
        if endpoint.hold is not None:
            await endpoint.hold.wait()
        if endpoint.instead is not None:
            await endpoint.instead(reader, writer, head + sent.decode())
        elif form.get("grant_type") != "client_credentials":
            writer.write(_json("400 Bad Request", {"error": "unsupported_grant_type"}))
        elif _client(head, form) != endpoint.client:
            about = {"error": "invalid_client", "error_description": "Invalid client credentials"}
            writer.write(_json("401 Unauthorized", about))
        else:
            token = f"token/number+{len(endpoint.asked)}"
            endpoint.good.add(token)
            writer.write(_json("200 OK", {"access_token": token, **endpoint.more}))
        await writer.drain()

    async with listen(handle, tls) as port:
        endpoint.port = port
        yield endpoint


def answering(status: str, body: str | bytes, kind: str = "application/json", **headers: str) -> Instead:
    data = body.encode() if isinstance(body, str) else body

    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter, _said: str) -> None:
        writer.write(page(data, status, Content_Type=kind, **headers))

    return respond


def _length(head: str) -> int:
    lines = [line for line in head.split("\r\n") if line.lower().startswith("content-length:")]
    return int(lines[0].partition(":")[2])


def _client(head: str, form: dict[str, str]) -> tuple[str, str]:
    basic = [line for line in head.split("\r\n") if line.lower().startswith("authorization: basic ")]
    if not basic:
        return form.get("client_id", ""), form.get("client_secret", "")
    name, _, secret = b64decode(basic[0].split()[-1]).decode().partition(":")
    return unquote_plus(name), unquote_plus(secret)


def _json(status: str, value: object) -> bytes:
    return page(json.dumps(value).encode(), status, Content_Type="application/json")


class Api:
    """A page that takes the tokens of ``endpoint``, and remembers what it was shown."""

    def __init__(self, endpoint: Endpoint, outbound: Outbound) -> None:
        self.endpoint, self.outbound, self.port = endpoint, outbound, 0
        self.seen: list[str] = []  # path and Authorization
        self.echo = False
        self.elsewhere = ""
        self.thinks_s = 0.0  # before it says 401

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split()[1]
        shown = [line for line in head.split("\r\n") if line.lower().startswith("authorization:")]
        token = shown[0].split()[-1] if shown else ""
        self.seen.append(f"{path} {token}")
        if path == "/cookie" and f"session={token}" not in head:
            writer.write(page(status="302 Found", Location="/cookie", Set_Cookie=f"session={token}"))
        elif path == "/away":
            writer.write(page(status="302 Found", Location=f"{self.elsewhere}/far?t={token}"))
        elif path != "/far" and token not in self.endpoint.good:
            await asyncio.sleep(self.thinks_s)
            writer.write(page(f"what is {token}?".encode(), status="401 Unauthorized"))
        elif self.echo:
            writer.write(page(json.dumps({"t": token}).encode(), status="500 Odd", X_Token=token))
        else:
            writer.write(page())
        await writer.drain()

    def config(self, path: str = "/", oauth2: dict[str, Any] | None = None, **more: Any) -> HttpConfig:
        block = {
            "token_url": f"http://localhost:{self.endpoint.port}/token",
            "client_id": self.endpoint.client[0],
            "client_secret": SECRET,
        }
        url = f"http://127.0.0.1:{self.port}{path}"
        return HttpConfig.model_validate({"url": url, "oauth2": block | (oauth2 or {}), **more})

    async def look(
        self, path: str = "/", deadline_s: float = LONG_S, **more: Any
    ) -> tuple[Observation, tuple[Finding, ...]]:
        config = self.config(path, **more)
        seen = await KIND.probe(Look(1, 1, config, deadline_s), self.outbound, AT)  # type: ignore[misc]
        findings = KIND.judge(config, seen, {}, NO_PAST, AT).findings
        for secret in ("s3cret", "token/number", "token%2Fnumber", "token\\/number"):
            assert secret not in repr((seen, findings))
        return seen, findings


@contextlib.asynccontextmanager
async def run_api() -> AsyncIterator[Api]:
    """A page with its endpoint; no socket may be left at the end."""
    outbound = Outbound(Guard((ip_network("127.0.0.0/8"), ip_network("::1/128"))))
    async with run_endpoint(Endpoint()) as endpoint:
        made = Api(endpoint, outbound)
        async with listen(made.answer) as port:
            made.port = port
            yield made
    assert outbound.open_sockets == 0
    await outbound.close()
