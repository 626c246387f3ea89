"""Servers that break every rule, on real sockets: one clear sentence each, in time, and no socket left."""

from __future__ import annotations

import asyncio
import base64
import gzip
import socket
import struct
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from ipaddress import ip_network
from time import monotonic
from typing import Any

import pytest

from watchpost.core.types import NO_PAST, Finding, Observation
from watchpost.kinds.http import KIND
from watchpost.kinds.http.config import HttpConfig
from watchpost.outbound import Guard, Outbound
from watchpost.outbound.tests.badserver import serve
from watchpost.registry import Look

AT = datetime(2026, 1, 1, tzinfo=UTC)
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PACKED = gzip.compress(b"hello")
ENDLESS = "headers of the answer are too large"
Respond = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[None]]


def once(data: bytes) -> Respond:
    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter, _path: str) -> None:
        writer.write(data)

    return respond


def for_ever(chunk: bytes, head: bytes = b"", pause_s: float = 0.0) -> Respond:
    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter, _path: str) -> None:
        writer.write(head)
        while True:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return respond


def packed(body: bytes, encoding: bytes = b"gzip") -> Respond:
    return once(OK + b"Content-Encoding: " + encoding + b"\r\n\r\n" + body)


async def look(
    respond: Respond, deadline_s: float = 3.0, path: str = "", **more: Any
) -> tuple[Observation, tuple[Finding, ...]]:
    outbound = Outbound(Guard((ip_network("127.0.0.1/32"),)))
    async with serve(respond) as port:
        config = HttpConfig.model_validate({"url": f"http://127.0.0.1:{port}/{path}", **more})
        began = monotonic()
        seen = await KIND.probe(Look(1, 1, config, deadline_s), outbound, AT)  # type: ignore[misc]
        assert monotonic() - began < deadline_s + 0.7
        assert outbound.open_sockets == 0
    await outbound.close()
    return seen, KIND.judge(config, seen, {}, NO_PAST, AT).findings


BROKEN: dict[str, tuple[Respond, str, str]] = {
    "empty reply": (once(b""), "reset", "closed the connection without an answer"),
    "HTTP/0.9": (once(b"<html>hello</html>"), "protocol", "does not answer in HTTP"),
    "letters for a status": (once(b"HTTP/1.1 abc OK\r\n\r\n"), "protocol", "first line of the answer is not"),
    "status 000": (once(b"HTTP/1.1 000 OK\r\n\r\nhello"), "protocol", "first line of the answer is not valid"),
    "no colon": (once(OK + b"garbage\r\n\r\nhello"), "protocol", "a header of the answer is not valid HTTP"),
    "NUL in a header": (once(OK + b"X: a\0b\r\n\r\n"), "protocol", "a header of the answer is not valid HTTP"),
    "chunk of no length": (once(CHUNKED + b"zz\r\nhello"), "protocol", "chunks whose lengths are not valid"),
    "chunk too long": (once(CHUNKED + b"f" * 20 + b"\r\nx"), "protocol", "chunks whose lengths are not valid"),
    "chunk cut": (once(CHUNKED + b"10\r\nhello"), "reset", "before the page was complete"),
    "no last chunk": (once(CHUNKED + b"5\r\nhello\r\n"), "reset", "before the page was complete"),
    "endless trailer": (for_ever(b"X: y\r\n" * 100, CHUNKED + b"0\r\n"), "protocol", ENDLESS),
    "too short": (once(OK + b"Content-Length: 500\r\n\r\nhello"), "reset", "before the page was complete"),
    "negative length": (once(OK + b"Content-Length: -5\r\n\r\nhello"), "protocol", "impossible Content-Length"),
    "two lengths": (
        once(OK + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello"),
        "protocol",
        "impossible Content-Length",
    ),
    "transfer encoding": (once(OK + b"Transfer-Encoding: magic\r\n\r\n"), "protocol", "Transfer-Encoding that we"),
    "flood of 103": (for_ever(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 20), "protocol", "(103) without"),
    "flood of 100": (for_ever(b"HTTP/1.1 100 Continue\r\n\r\n" * 20), "protocol", "interim answers (100) without"),
    "many headers": (for_ever(b"X-A: " + b"y" * 10_000 + b"\r\n", OK), "protocol", ENDLESS),
    "one endless header": (for_ever(b"y" * 65_536, OK + b"X: "), "protocol", ENDLESS),
    "endless first line": (for_ever(b"y" * 65_536, b"HTTP/1.1 200 "), "protocol", ENDLESS),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_http_is_said_in_one_sentence(name: str) -> None:
    respond, code, words = BROKEN[name]
    seen, (finding,) = await look(respond)
    assert finding.code == f"site.unreachable.{code}"
    assert words in finding.sentence
    assert "libcurl" not in finding.sentence
    assert seen.facts["failure"]["sentence"] in finding.sentence


@pytest.mark.parametrize(
    ("respond", "words"),
    [
        (packed(b"plain text"), "said to be compressed, but cannot be unpacked"),
        (packed(b"hello", b"magic"), "compressed in a way that we did not ask for"),
        (packed(b"hello", b", ".join([b"gzip"] * 20)), "compressed too many times over"),
        (packed(b"\xff" * 100, b"br"), "said to be compressed, but cannot be unpacked"),
    ],
)
async def test_what_cannot_be_unpacked(respond: Respond, words: str) -> None:
    _, (finding,) = await look(respond)
    assert finding.code == "site.bad_compression"
    assert words in finding.sentence


async def test_what_browsers_put_up_with_is_no_outage() -> None:
    for data in (
        OK + b"Content-Encoding: gzip\r\n\r\n" + PACKED + b"garbage",
        b"HTTP/1.1 200 OK\n\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + OK + b"Content-Length: 5\r\n\r\nhello and more",
    ):
        seen, findings = await look(once(data), expect={"body_contains": "hello"})
        assert (findings, seen.facts["status"], seen.facts["bytes"]) == ((), 200, 5)


# 100 MB of zeros in brotli.
BROTLI_BOMB = base64.b64decode(
    "z///f/gnAOKxQCD3/p/////wTwDEYQGA7v0/////4Z8AiMMiAN37f/7//8M/ARCHBQC69//8//+HfwIgDgsAdO//8x+8Hv8EQBwWAOhi1wM="
)  # fmt: skip


@pytest.mark.parametrize(
    "respond",
    [
        for_ever(b"x" * 65_536, OK + b"\r\n"),
        packed(gzip.compress(bytes(100_000_000), 1)),
        packed(gzip.compress(gzip.compress(bytes(100_000_000), 1)), b"gzip, gzip"),
        packed(BROTLI_BOMB, b"br"),
    ],
    ids=["endless", "gzip", "gzip twice", "brotli"],
)
async def test_endless_pages_and_bombs_are_read_to_the_cap(respond: Respond) -> None:
    seen, (finding,) = await look(
        respond, max_body=100_000, expect={"max_bytes": 200_000, "body_absent": "?"}
    )
    assert (finding.code, seen.facts["bytes"]) == ("site.too_large", 100_000)
    assert "larger than 100000 bytes" in finding.sentence


@pytest.mark.parametrize("head", [b"", OK, OK + b"X: ", OK + b"\r\n", CHUNKED, CHUNKED + b"ffff\r\n"])
async def test_a_slow_drip_ends_with_the_look(head: bytes) -> None:
    respond = for_ever(b"1", head, 0.05) if head else for_ever(b"", b"", 0.05)
    seen, (finding,) = await look(respond, 0.4)
    assert (finding.code, seen.outcome) == ("site.unreachable.timeout", "timeout")
    assert "within 0.4 s" in finding.sentence


@pytest.mark.parametrize(
    ("location", "code", "words"),
    [
        ("http://10.0.0.1/", "refused_by_guard", "redirects to http://10.0.0.1/, which was not looked at: 10.0.0.1 is"),
        ("http://[::ffff:10.0.0.1]/", "refused_by_guard", "::ffff:10.0.0.1 is a private address"),
        ("http://[64:ff9b::a00:1]/", "refused_by_guard", "leads to 10.0.0.1, a private address"),
        ("http://user:pw@10.0.0.1/", "refused_by_guard", "10.0.0.1 is a private address"),
        ("http://2130706433/", "bad_redirect", "'2130706433' is not a valid IPv4 address"),
        ("http://0x7f.1/", "bad_redirect", "not a valid IPv4 address"),
        ("http://0177.0.0.1/", "bad_redirect", "not a valid IPv4 address"),
        ("http://[fe80::1%25eth0]/", "bad_redirect", "zone"),
        ("http://[::1", "bad_redirect", "http://[::1 ("),
        ("http://x.test:0/", "bad_redirect", "port 0 does not exist"),
        ("http://x.test:70000/", "bad_redirect", "its port is not a number from 1 to 65535"),
        ("http://b\u00fc cher.test/", "bad_redirect", "http://bü cher.test/ ("),
        ("http://\u2024\u2024./", "bad_redirect", "not a valid host name"),
        ("http://a\x01b/", "bad_redirect", "http://a\ufffdb/ (the URL contains a control character"),
        ("file:///etc/passwd", "bad_redirect", "must begin with http"),
        ("", "redirect_loop", "in a circle"),
    ],
)  # fmt: skip
async def test_redirects_that_lead_astray(location: str, code: str, words: str) -> None:
    head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location.encode() + b"\r\n\r\n"
    _, (finding,) = await look(once(head))
    assert finding.code == f"site.{code}"
    assert words in finding.sentence


async def test_an_international_name_in_a_redirect_is_looked_at() -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
        port = writer.get_extra_info("sockname")[1]
        there = f"http://bücher.localhost:{port}/there"
        if path == "/":
            writer.write(
                b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + there.encode() + b"\r\n\r\n"
            )
        else:
            writer.write(OK + b"Content-Length: 5\r\n\r\nhello")

    seen, findings = await look(respond)
    assert findings == ()
    assert seen.facts["final"].startswith("http://xn--bcher-kva.localhost:")


async def test_an_ipv6_literal_and_the_name_it_is_asked_by() -> None:
    asked: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(OK + b"Content-Length: 5\r\n\r\nhello")
        writer.close()

    outbound = Outbound(Guard((ip_network("::1/128"),)))
    async with await asyncio.start_server(handle, "::1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for family in ("any", "6", "4"):
            url = f"http://[0:0::1]:{port}/"
            config = HttpConfig.model_validate({"url": url, "ip": family})
            seen = await KIND.probe(Look(1, 1, config, 2.0), outbound, AT)  # type: ignore[misc]
            found = [f.sentence for f in KIND.judge(config, seen, {}, NO_PAST, AT).findings]
            assert bool(found) == (family == "4")
    await outbound.close()
    assert "::1 is not an IPv4 address" in found[0]
    assert all(f"Host: [::1]:{port}\r\n" in head for head in asked)
    assert len(asked) == 2


@pytest.mark.parametrize("status", [600, 999, 9999])
async def test_a_status_that_does_not_exist(status: int) -> None:
    _, (finding,) = await look(once(b"HTTP/1.1 %d Odd\r\nContent-Length: 0\r\n\r\n" % status))
    assert finding.code == "site.error_status"
    assert "HTTP has no such status" in finding.sentence


@pytest.mark.parametrize(
    ("hello", "then", "code", "words"),
    [
        (b"", "close", "tls", "the TLS handshake failed"),
        (b"", "reset", "tls", "the TLS handshake failed"),
        (b"\x16\x03\x03\x00\x7a\x02\x00", "close", "tls", "the TLS handshake failed"),
        (
            b"\x16\x03\x03\x00\x7a\x02\x00",
            "wait",
            "timeout",
            "the TLS handshake was not finished within 0.4 s",
        ),
        (b"\x15\x03\x03\x00\x02\x02\x28", "close", "tls", "the TLS handshake failed"),
        (b"HTTP/1.1 400 Bad\r\n\r\n", "close", "tls", "what answers on this port does not speak TLS."),
    ],
)
async def test_half_a_tls_handshake(hello: bytes, then: str, code: str, words: str) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(hello)
        await writer.drain()
        if then == "wait":
            await reader.read()  # until the look has gone
        elif then == "reset":
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()

    outbound = Outbound(Guard((ip_network("127.0.0.1/32"),)))
    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        config = HttpConfig.model_validate({"url": f"https://127.0.0.1:{port}/"})
        seen = await KIND.probe(Look(1, 1, config, 0.4), outbound, AT)  # type: ignore[misc]
        assert outbound.open_sockets == 0
    await outbound.close()
    (finding,) = KIND.judge(config, seen, {}, NO_PAST, AT).findings
    assert finding.code == f"site.unreachable.{code}"
    assert words in finding.sentence
