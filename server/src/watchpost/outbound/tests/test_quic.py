"""HTTP/3 with a real server (aioquic): by QUIC alone, under the guard, within the deadline."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import trustme

from watchpost.outbound import Guard, Outbound, Reply, Request, curl
from watchpost.outbound.tests.quicserver import Said, free_port, run_quic

CA = trustme.CA()
NOW, DAY = datetime.now(UTC), timedelta(days=1)


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    found = Outbound(Guard((ip_network("127.0.0.0/8"),)))
    yield found
    assert found.open_sockets == 0
    await found.close()


async def fetch(outbound: Outbound, port: int, path: str = "/", **more: Any) -> Reply:
    request = Request(f"https://localhost:{port}{path}", "localhost", port, "127.0.0.1", http_version="3")
    usual: dict[str, Any] = {"ca_file": outbound.trust(CA.cert_pem.bytes().decode()), "timeout_s": 20.0}
    return await outbound.fetch(request._replace(**(usual | {"connect_timeout_s": 20.0} | more)))


def answer(path: str) -> Said:
    return {
        "/big": Said(body=b"x" * 3_000_000),
        "/silent": Said(status=0),
        "/bye": Said(hang_up=True),
        "/503": Said(503, b"busy", {"retry-after": "7"}),
    }.get(path, Said())


async def test_a_page_over_quic(outbound: Outbound, tmp_path: Path) -> None:
    with run_quic(tmp_path, CA.issue_cert("localhost"), answer) as site:
        reply = await fetch(outbound, site.port, certificate=True)
        assert (reply.status, reply.http_version, reply.body) == (200, "3", b"hello")
        assert reply.failure is None
        assert reply.certificates[0].sans == ("localhost",)
        assert reply.phases.connect > 0
        assert reply.phases.wait > 0

        reply = await fetch(outbound, site.port, method="POST", body=b"abc", headers=(b"X-Mine: yes",))
        assert (site.asked[-1].body, site.asked[-1].headers["x-mine"]) == (b"abc", "yes")
        assert site.asked[-1].headers[":method"] == "POST"

        reply = await fetch(outbound, site.port, "/503")
        assert (reply.status, reply.header("retry-after"), reply.local_address) == (503, "7", "127.0.0.1")

        reply = await fetch(outbound, site.port, "/big", max_body=100_000)
        assert (len(reply.body), reply.truncated, reply.failure) == (100_000, True, None)
        reply = await fetch(outbound, site.port, "/big", max_body=4_000_000)
        assert (len(reply.body), reply.truncated, reply.failure) == (3_000_000, False, None)


async def test_answers_that_do_not_come(outbound: Outbound, tmp_path: Path) -> None:
    with run_quic(tmp_path, CA.issue_cert("localhost"), answer) as site:
        reply = await fetch(outbound, site.port, "/bye")
        assert reply.failure is not None
        assert (reply.failure.phase, reply.failure.kind) == ("wait", "reset")
        reply = await fetch(outbound, site.port, "/silent", timeout_s=4.0)
        assert reply.failure is not None
        assert (reply.failure.phase, reply.failure.kind) == ("wait", "timeout")
        assert reply.total_ms < 20_000


@pytest.mark.parametrize(
    ("leaf", "words"),
    [
        (CA.issue_cert("other.test"), "issued for another name"),
        (CA.issue_cert("localhost", not_before=NOW - 9 * DAY, not_after=NOW - DAY), "it has expired"),
        (CA.issue_cert("localhost", not_before=NOW + DAY, not_after=NOW + 9 * DAY), "not valid yet"),
        (trustme.CA().issue_cert("localhost"), "its issuer is not known"),
    ],
)
async def test_a_certificate_that_is_not_valid(
    outbound: Outbound, tmp_path: Path, leaf: trustme.LeafCert, words: str
) -> None:
    with run_quic(tmp_path, leaf) as site:
        reply = await fetch(outbound, site.port, certificate=True)
        assert reply.failure is not None
        assert (reply.failure.phase, reply.failure.kind) == ("tls", "certificate")
        assert words in reply.failure.sentence
        assert reply.certificates  # shown all the same
        assert (await fetch(outbound, site.port, verify_tls=False)).status == 200
        assert site.asked[0].headers[":path"] == "/"
        assert len(site.asked) == 1


async def test_nobody_listens_or_nobody_speaks(outbound: Outbound) -> None:
    reply = await fetch(outbound, free_port())
    assert reply.failure is not None
    assert (reply.failure.phase, reply.failure.kind) == ("connect", "refused")
    assert "nothing speaks HTTP/3 on this UDP port" in reply.failure.sentence
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        reply = await fetch(outbound, silent.getsockname()[1], connect_timeout_s=0.5)
    assert reply.failure is not None
    assert (reply.failure.phase, reply.failure.kind) == ("connect", "timeout")
    assert "no QUIC connection was made within" in reply.failure.sentence


async def test_the_guard_is_asked_for_udp_too(tmp_path: Path) -> None:
    outbound = Outbound(Guard())
    with run_quic(tmp_path, CA.issue_cert("localhost")) as site:
        reply = await fetch(outbound, site.port)
        assert reply.failure is not None
        assert reply.failure.kind == "refused_by_guard"
        assert site.asked == []
    await outbound.close()


async def test_a_libcurl_without_it_says_so(outbound: Outbound, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curl, "SPEAKS_HTTP3", False)
    reply = await fetch(outbound, 1)
    assert reply.failure is not None
    assert (reply.failure.kind, "without HTTP/3" in reply.failure.sentence) == ("unable", True)
