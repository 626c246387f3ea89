"""By way of a real proxy on loopback: what it sees, what it does not, and whose fault a failure is."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import pytest_asyncio
import trustme

from watchpost.outbound import Guard, Outbound, Proxy, Reply, Request
from watchpost.outbound.tests.badserver import page, serve
from watchpost.outbound.tests.proxyserver import ForwardProxy, Instead, hang, refuse, run_proxy, say

CA = trustme.CA()
AGENT = b"User-Agent: Watchpost/test"
LONG_S = 20.0


def context_for(name: str, authority: trustme.CA = CA) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(made)
    return made


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    found = Outbound(Guard((ip_network("127.0.0.0/8"),)))
    yield found
    assert found.open_sockets == 0
    await found.close()


@pytest.fixture
def trusted(tmp_path: Path) -> str:
    CA.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


def by(proxy: ForwardProxy, **more: Any) -> Proxy:
    return Proxy(
        **{"scheme": "http", "host": "proxy.test", "port": proxy.port, "address": "127.0.0.1", **more}
    )


async def get(outbound: Outbound, proxy: Proxy | None, port: int, scheme: str = "http", **more: Any) -> Reply:
    address = "" if proxy else "127.0.0.1"
    request = Request(
        f"{scheme}://shop.test:{port}/", "shop.test", port, address, (AGENT, b"Cookie: s3cret"),
        proxy=proxy, connect_timeout_s=LONG_S, timeout_s=LONG_S,
    )  # fmt: skip
    return await outbound.fetch(request._replace(**more))


async def test_a_plain_page(outbound: Outbound) -> None:
    async with serve() as port, run_proxy(ForwardProxy(names={"shop.test": "127.0.0.1"})) as proxy:
        reply = await get(outbound, by(proxy), port)
        direct = await get(outbound, None, port)  # the same handle: nothing of the proxy is left in it
        again = await get(outbound, by(proxy), port, http_version="2")  # which no proxy speaks
    assert (reply.status, reply.body, reply.failure) == (200, b"hello", None)
    assert (direct.body, again.body) == (b"hello", b"hello")
    assert [head.split(" HTTP")[0] for head in proxy.asked] == [f"GET http://shop.test:{port}/"] * 2


@pytest.mark.parametrize("version", ["1.1", "auto"])
async def test_a_page_with_tls_is_behind_a_tunnel(outbound: Outbound, trusted: str, version: str) -> None:
    proxy = ForwardProxy(names={"shop.test": "127.0.0.1"}, account=("wé", "p:w"))
    async with serve(tls=context_for("shop.test")) as port, run_proxy(proxy):
        way = by(proxy, username="wé", password="p:w", headers=(AGENT,))
        reply = await get(
            outbound, way, port, "https", ca_file=trusted, certificate=True, http_version=version
        )
    assert (reply.status, reply.body, reply.failure) == (200, b"hello", None)
    assert [name.sans for name in reply.certificates] == [("shop.test",)]
    assert reply.header("content-length") == "5"
    assert min(reply.phases.connect, reply.phases.tls, reply.phases.wait) > 0
    assert reply.phases.total <= reply.total_ms + 1
    (head,) = proxy.asked
    assert head.startswith(f"CONNECT shop.test:{port} HTTP/1.1\r\n")
    assert "User-Agent: Watchpost/test\r\n" in head
    assert "PycURL" not in head
    assert "s3cret" not in head


async def test_the_wait_for_the_tunnel_belongs_to_connecting(outbound: Outbound, trusted: str) -> None:
    async def slowly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nno TLS")

    async with run_proxy(ForwardProxy(instead=slowly)) as proxy:
        reply = await get(outbound, by(proxy), 443, "https", ca_file=trusted)
    assert reply.phases.connect > 290
    assert reply.failure is not None
    assert (reply.failure.phase, reply.failure.kind) == ("tls", "tls")  # the tunnel stood


@pytest.mark.parametrize(
    ("instead", "kind", "words"),
    [
        (
            refuse("407 Proxy Authentication Required"),
            "account",
            "it answers 407 Proxy Authentication Required",
        ),
        (refuse("403 Forbidden"), "denied", "it answers 403 Forbidden"),
        (refuse("302 Found", "Location: http://login.test/\r\n"), "denied", "it answers 302 Found"),
        (refuse("502 Bad Gateway"), "gateway", "it answers 502 Bad Gateway"),
        (refuse("599 Odd"), "gateway", "it answers 599"),
        (say(b"rubbish\r\n\r\n"), "protocol", "it does not answer in HTTP"),
        (say(b""), "closed", "it closed the connection in place of opening a way"),
        (say(b"HTTP/1.1 200 OK\r\nX: y"), "closed", "it closed the connection in place of opening a way"),
        (hang, "unanswered", "it took the connection, but opened no way within 1.5 s"),
    ],
)
async def test_a_proxy_that_opens_no_way(outbound: Outbound, instead: Instead, kind: str, words: str) -> None:
    limit_s = 1.5 if kind == "unanswered" else LONG_S
    async with run_proxy(ForwardProxy(instead=instead)) as proxy:
        began = monotonic()
        reply = await get(outbound, by(proxy), 443, "https", timeout_s=limit_s, certificate=True)
    assert monotonic() - began < limit_s + 5
    assert reply.failure is not None
    assert (reply.failure.phase, reply.failure.kind, reply.failure.sentence) == ("proxy", kind, words)
    assert (reply.status, reply.certificates) == (0, ())


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 503 Odd\r\n"])
async def test_a_proxy_that_talks_without_end(outbound: Outbound, start: bytes) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(b"X: y\r\n" * 1000)
            await writer.drain()

    async with run_proxy(ForwardProxy(instead=talk)) as proxy:
        began = monotonic()
        reply = await get(outbound, by(proxy), 443, "https")
        assert monotonic() - began < LONG_S / 2
    assert reply.failure is not None
    assert (reply.failure.phase, reply.header_lines) == ("proxy", ())
    assert "page" not in reply.failure.sentence


async def test_an_interim_answer_opens_nothing(outbound: Outbound, trusted: str) -> None:
    async def interim(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 Odd\r\nLink: x\r\n\r\n")
        await hang(reader, writer)

    async with run_proxy(ForwardProxy(instead=interim)) as proxy:
        reply = await get(outbound, by(proxy), 443, "https", timeout_s=1.5)
    assert reply.failure is not None
    assert reply.failure.phase == "proxy"


@pytest.mark.parametrize(
    ("instead", "phase", "kind"),
    [
        (refuse("407 Proxy Authentication Required"), "proxy", "account"),
        (refuse("503 Service Unavailable", "X-Squid-Error: ERR_DNS_FAIL 0\r\n"), "proxy", "gateway"),
        (refuse("502 Bad Gateway", "Proxy-Status: p; error=dns_error\r\n"), "proxy", "gateway"),
        (refuse("502 Bad Gateway", "Proxy-Status: p; received-status=502\r\n"), "", ""),
        (refuse("502 Bad Gateway"), "", ""),
        (say(b""), "proxy", "closed"),
        (say(b"SSH-2.0-OpenSSH_9\r\n"), "proxy", "protocol"),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"), "transfer", "cut"),
        (hang, "wait", "timeout"),
    ],
)
async def test_whose_fault_a_plain_page_is(
    outbound: Outbound, instead: Instead, phase: str, kind: str
) -> None:
    limit_s = 1.5 if kind == "timeout" else LONG_S
    async with run_proxy(ForwardProxy(instead=instead)) as proxy:
        reply = await get(outbound, by(proxy), 80, timeout_s=limit_s)
    failure = reply.failure
    assert ((failure.phase, failure.kind) if failure else ("", "")) == (phase, kind)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there(outbound: Outbound, scheme: str) -> None:
    async with run_proxy(ForwardProxy()) as proxy:
        pass
    reply = await get(outbound, by(proxy), 443, scheme)
    assert reply.failure is not None
    assert (reply.failure.phase, reply.failure.kind) == ("proxy", "refused")


async def test_the_page_fails_behind_a_tunnel(outbound: Outbound, trusted: str) -> None:
    proxy = ForwardProxy(names={"shop.test": "127.0.0.1"})
    async with serve(tls=context_for("other.test")) as port, run_proxy(proxy):
        reply = await get(outbound, by(proxy), port, "https", ca_file=trusted, certificate=True)
    assert reply.failure is not None
    assert (reply.failure.phase, reply.failure.kind) == ("tls", "certificate")
    assert [name.sans for name in reply.certificates] == [("other.test",)]


async def test_the_page_may_answer_what_a_proxy_answers(outbound: Outbound, trusted: str) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter, _path: str) -> None:
        writer.write(page(status="407 Odd", X_Squid_Error="ERR 1"))

    proxy = ForwardProxy(names={"shop.test": "127.0.0.1"})
    async with serve(answer, context_for("shop.test")) as port, run_proxy(proxy):
        reply = await get(outbound, by(proxy), port, "https", ca_file=trusted)
    assert (reply.status, reply.failure) == (407, None)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_guard_is_asked_for_the_address_of_the_proxy(scheme: str) -> None:
    outbound = Outbound(Guard())
    async with run_proxy(ForwardProxy()) as proxy:
        reply = await get(outbound, by(proxy), 443, scheme)
    assert reply.failure is not None
    assert (reply.failure.phase, reply.failure.kind) == ("proxy", "refused_by_guard")
    assert "127.0.0.1 is a loopback address" in reply.failure.sentence
    assert proxy.asked == []
    await outbound.close()


async def test_a_variable_of_our_process_does_not_lead_round_it(
    outbound: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    async with serve() as port, run_proxy(ForwardProxy(names={"shop.test": "127.0.0.1"})) as proxy:
        reply = await get(outbound, by(proxy), port)
    assert (reply.status, len(proxy.asked)) == (200, 1)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_tls_to_the_proxy(outbound: Outbound, trusted: str, scheme: str) -> None:
    tls = context_for("shop.test") if scheme == "https" else None
    proxy = ForwardProxy(names={"shop.test": "127.0.0.1"})
    async with serve(tls=tls) as port, run_proxy(proxy, context_for("proxy.test")):
        way = by(proxy, scheme="https")
        reply = await get(outbound, way, port, scheme, ca_file=trusted, certificate=True)
        assert (reply.status, reply.body, reply.failure) == (200, b"hello", None)
        wrong = way._replace(host="other.test")
        reply = await get(outbound, wrong, port, scheme, ca_file=trusted, certificate=True)
        assert reply.failure is not None
        assert (reply.failure.phase, reply.failure.kind) == ("proxy", "certificate")
        assert "it was issued for another name" in reply.failure.sentence
        assert reply.certificates == ()
        reply = await get(outbound, way, port, scheme, verify_tls=False)  # of the page; not of its bearer
        assert reply.failure is not None
        assert (reply.failure.phase, reply.failure.kind) == ("proxy", "certificate")
    assert len(proxy.asked) == 1


async def test_each_look_goes_to_the_address_it_was_given(outbound: Outbound, trusted: str) -> None:
    """One name with two addresses: libcurl's own table of names must not mix them up."""
    tls = context_for("proxy.test")
    one, two = ForwardProxy(names={"shop.test": "127.0.0.1"}), ForwardProxy(names={"shop.test": "127.0.0.1"})
    async with serve() as port, run_proxy(one, tls), run_proxy(two, tls, "127.0.0.2", one.port):
        for _ in range(3):
            for address in ("127.0.0.1", "127.0.0.2"):
                reply = await get(outbound, by(one, scheme="https", address=address), port, ca_file=trusted)
                assert reply.status == 200
    assert (len(one.asked), len(two.asked)) == (3, 3)


async def test_what_is_not_used_is_let_go(outbound: Outbound, trusted: str) -> None:
    proxy = ForwardProxy(names={"shop.test": "127.0.0.1"})
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert(*(f"p{n}.test" for n in range(230))).configure_cert(tls)
    async with serve() as port, run_proxy(proxy, tls):
        for number in range(230):
            way = by(proxy, scheme="https", host=f"p{number}.test")
            assert (await get(outbound, way, port, ca_file=trusted)).status == 200
    assert len(outbound._multis) <= 200
