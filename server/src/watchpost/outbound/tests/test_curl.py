import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from time import monotonic

import pytest
import pytest_asyncio
import trustme

from watchpost.outbound import Guard, Outbound, Reply, Request
from watchpost.outbound.send import Sender
from watchpost.outbound.tests.badserver import page, serve

LOOPBACK = Guard((ip_network("127.0.0.0/8"), ip_network("::1/128")))


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    found = Outbound(LOOPBACK, user_agent="Watchpost/test")
    yield found
    await found.close()


def ask(port: int, path: str = "/", scheme: str = "http", **more: object) -> Request:
    return Request(f"{scheme}://shop.test:{port}{path}", "shop.test", port, "127.0.0.1", **more)  # type: ignore[arg-type]


def sockets() -> int:
    """Open sockets of this process as the kernel counts them."""
    found = 0
    for fd in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{fd}").startswith("socket:")
        except OSError:
            continue
    return found


BAD_DAYS = [
    # path, phase, kind
    ("/hang", "wait", "timeout"),
    ("/drip", "transfer", "timeout"),
    ("/drip-headers", "wait", "timeout"),
    ("/headers", "wait", "headers"),
    ("/reset", "wait", "reset"),
    ("/close", "wait", "closed"),
    ("/cut", "transfer", "cut"),
    ("/ssh", "wait", "protocol"),
    ("/bad-gzip", "transfer", "encoding"),
]


@pytest.mark.parametrize(("path", "phase", "kind"), BAD_DAYS)
async def test_a_bad_day_ends_in_time_and_frees_the_socket(
    outbound: Outbound, path: str, phase: str, kind: str
) -> None:
    async with serve() as port:
        before, began = sockets(), monotonic()
        reply = await outbound.fetch(ask(port, path, timeout_s=0.4))
        assert monotonic() - began < 1.0
        assert reply.failure is not None
        assert reply.failure.kind == kind
        assert reply.failure.phase in (phase, "transfer" if path == "/drip-headers" else phase)
        assert reply.failure.sentence
        assert outbound.open_sockets == 0
        await _until(lambda: sockets() <= before + 3)


async def _until(holds: object, deadline_s: float = 2.0) -> None:
    ends = monotonic() + deadline_s
    while not holds():  # type: ignore[operator]
        assert monotonic() < ends
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", ["/endless", "/bomb"])
async def test_bodies_are_capped_after_unpacking(outbound: Outbound, path: str) -> None:
    async with serve() as port:
        began = monotonic()
        reply = await outbound.fetch(ask(port, path, max_body=100_000, timeout_s=5))
        assert reply.failure is None
        assert reply.truncated
        assert len(reply.body) == 100_000
        assert outbound.open_sockets == 0
        assert monotonic() - began < 4


async def test_a_sink_gets_the_unpacked_body_up_to_the_cap_and_only_its_own(outbound: Outbound) -> None:
    async with serve() as port:
        pieces: list[bytes] = []
        reply = await outbound.fetch(ask(port, "/bomb", max_body=100_000, sink=pieces.append))
        assert (reply.body, reply.truncated, reply.failure) == (b"", True, None)
        assert sum(map(len, pieces)) == 100_000
        assert len(pieces) > 1
        pieces.clear()
        assert (await outbound.fetch(ask(port, "/deflate"))).body == b"hello"
        assert pieces == []


async def test_a_closed_port_is_refused(outbound: Outbound) -> None:
    async with serve() as port:
        pass
    reply = await outbound.fetch(ask(port))
    assert reply.failure is not None
    assert (reply.failure.phase, reply.failure.kind) == ("connect", "refused")


async def test_a_server_that_never_accepts_tls_times_out_in_the_tls_phase(outbound: Outbound) -> None:
    async def mute(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5)

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reply = await outbound.fetch(ask(port, scheme="https", timeout_s=0.3))
    server.close()
    assert reply.failure is not None
    assert (reply.failure.phase, reply.failure.kind) == ("tls", "timeout")


async def test_cancelling_frees_the_socket(outbound: Outbound) -> None:
    async with serve() as port:
        task = asyncio.create_task(outbound.fetch(ask(port, "/hang")))
        await _until(lambda: outbound.open_sockets > 0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert outbound.open_sockets == 0
        # The handle that was cancelled serves again.
        assert (await outbound.fetch(ask(port))).body == b"hello"


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "::1"])
async def test_the_guard_is_asked_when_the_socket_is_opened(address: str) -> None:
    outbound = Outbound(Guard())
    async with serve() as port:
        reply = await outbound.fetch(Request(f"http://shop.test:{port}/", "shop.test", port, address))
        assert reply.failure is not None
        assert reply.failure.kind == "refused_by_guard"
    await outbound.close()


async def test_a_good_answer_carries_headers_version_and_phases(outbound: Outbound) -> None:
    async with serve() as port:
        reply = await outbound.fetch(ask(port, "/early", headers=(b"X-Ask: 1",)))
        assert (reply.status, reply.http_version, reply.body) == (200, "1.1", b"hello")
        assert reply.headers == [("content-length", "5"), ("x-final", "yes")]
        assert reply.header("x-final") == "yes"
        assert reply.phases.connect > 0
        assert abs(reply.phases.total - reply.total_ms) < 5


async def test_handles_keep_nothing_of_the_request_before(outbound: Outbound) -> None:
    seen: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(page())
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await outbound.fetch(ask(port, method="POST", body=b"secret", headers=(b"Authorization: x",)))
    await outbound.fetch(ask(port))
    await outbound.fetch(ask(port, method="HEAD"))
    reply = await outbound.fetch(ask(port))
    server.close()
    assert [s.split(b" ")[0] for s in seen] == [b"POST", b"GET", b"HEAD", b"GET"]
    assert b"Authorization" not in seen[1]
    assert reply.body == b"hello"


async def _tls(outbound: Outbound, context: ssl.SSLContext, **more: object) -> Reply:
    async with serve(tls=context) as port:
        return await outbound.fetch(ask(port, scheme="https", certificate=True, **more))


async def test_certificates_good_and_bad(outbound: Outbound) -> None:
    authority = trustme.CA()
    trusted = outbound.trust(authority.cert_pem.bytes().decode())
    cases = {
        "good": authority.issue_cert("shop.test"),
        "name": authority.issue_cert("other.test"),
        "expired": authority.issue_cert("shop.test", not_after=datetime.now(UTC) - timedelta(days=1)),
        "stranger": trustme.CA().issue_cert("shop.test"),
    }
    replies = {}
    for name, certificate in cases.items():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        replies[name] = await _tls(outbound, context, ca_file=trusted)
    assert replies["good"].status == 200
    assert replies["good"].phases.tls > 0
    assert replies["good"].certificates[0].sans == ("shop.test",)
    for name, words in (("name", "another name"), ("expired", "expired"), ("stranger", "issuer")):
        failure = replies[name].failure
        assert failure is not None
        assert (failure.phase, failure.kind) == ("tls", "certificate")
        assert words in failure.sentence
        assert replies[name].certificates, "the chain is there even though it was refused"
    unverified = await _tls(outbound, context, verify_tls=False)
    assert unverified.status == 200


async def test_the_sender_posts_refuses_and_gives_up_in_time() -> None:
    async with serve() as port:
        url, sender = f"http://127.0.0.1:{port}", Sender(LOOPBACK, "Watchpost/test")
        fine = await asyncio.to_thread(sender.post, url + "/", b"{}", {"X-A": "b"}, 2.0)
        assert (fine.status, fine.body, fine.error) == (200, b"hello", "")
        late = await asyncio.to_thread(sender.post, url + "/hang", b"", {}, 0.2)
        assert late.status is None
        assert "0.2 s" in late.error
        full = await asyncio.to_thread(sender.post, url + "/endless", b"", {}, 2.0)
        assert (full.status, len(full.body)) == (200, 4096)
        refused = await asyncio.to_thread(Sender(Guard(), "x").post, url, b"", {}, 1.0)
        assert refused.refused
        injected = sender.post(url, b"", {"X": "a\r\nB: c"}, 1.0)
        assert "line break" in injected.error
