"""HTTP/3 with a real server (aioquic), and what is said when it does not come: told apart from a site that is down."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import pytest_asyncio
import trustme
from pydantic import ValidationError

from watchpost.core.types import NO_PAST, Observation, Verdict
from watchpost.kinds.http import KIND
from watchpost.kinds.http.config import HttpConfig
from watchpost.outbound import Guard, Outbound, curl
from watchpost.outbound.tests.badserver import page
from watchpost.outbound.tests.quicserver import Said, free_port, run_quic
from watchpost.outbound.tests.tlsserver import listen
from watchpost.registry import Look

AT, DAY = datetime.now(UTC), timedelta(days=1)
CA = trustme.CA()
LEAF = CA.issue_cert("localhost")


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    found = Outbound(Guard((ip_network("127.0.0.0/8"),)))
    yield found
    assert found.open_sockets == 0
    await found.close()


async def look(
    outbound: Outbound, port: int, path: str = "/", deadline_s: float = 20.0, **more: Any
) -> tuple[Observation, Verdict]:
    told = {"url": f"https://localhost:{port}{path}", "http_version": 3, "ip": 4, "connect_timeout": "10s"}
    config = HttpConfig.model_validate(told | {"ca_pem": CA.cert_pem.bytes().decode(), **more})
    seen = await KIND.probe(Look(1, 1, config, deadline_s), outbound, AT)  # type: ignore[misc]
    return seen, KIND.judge(config, seen, {}, NO_PAST, AT)


def tls(leaf: trustme.LeafCert = LEAF) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(made)
    return made


async def over_tcp(reader: Any, writer: Any) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.write(page(status="500 Oops") if head.split()[1] == "/500" else page(b"by TCP"))
    await writer.drain()


@contextlib.contextmanager
def silent_udp() -> Iterator[int]:
    """A UDP port that takes packets and says nothing, as behind a firewall; the TCP port is free."""
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", port))
        yield port


async def test_a_page_by_quic_is_judged_like_any_other(outbound: Outbound, tmp_path: Path) -> None:
    def answer(path: str) -> Said:
        return {"/moved": Said(302, b"", {"location": "/"}), "/big": Said(body=b"x" * 300_000)}.get(
            path, Said()
        )

    with run_quic(tmp_path, LEAF, answer) as site:
        seen, verdict = await look(outbound, site.port, expect={"body_contains": "hello"})
        assert (verdict.findings, seen.facts["status"], seen.facts["http"]) == ((), 200, "3")
        assert seen.facts["certificate"]["names"] == ["localhost"]
        assert seen.phases.connect > 0

        seen, verdict = await look(outbound, site.port, "/moved")
        assert (verdict.findings, seen.facts["http"]) == ((), "3")
        assert seen.facts["hops"] == [[f"https://localhost:{site.port}/moved", 302]]

        seen, verdict = await look(
            outbound, site.port, "/big", max_body=100_000, expect={"max_bytes": 200_000}
        )
        assert [f.code for f in verdict.findings] == ["site.too_large"]

        _, verdict = await look(outbound, site.port, expect={"body_contains": "goodbye"})
        assert [f.code for f in verdict.findings] == ["site.wrong_content"]


@pytest.mark.parametrize("quic", ["silent", "closed"])
async def test_udp_is_closed_and_tcp_is_fine(outbound: Outbound, quic: str) -> None:
    with silent_udp() if quic == "silent" else contextlib.nullcontext(free_port()) as port:
        async with listen(over_tcp, tls(), port=port):
            seen, verdict = await look(outbound, port, deadline_s=6.0)
            (finding,) = verdict.findings
            assert (finding.code, finding.subject) == ("site.not_http3", "localhost")
            assert (
                f"answers over HTTP/1.1, but not by HTTP/3 at UDP port {port} of localhost"
                in finding.sentence
            )
            words = {"silent": "no QUIC connection was made within", "closed": "connection was refused"}
            assert words[quic] in finding.sentence
            assert ("firewall" in finding.fix) == (quic == "silent")
            assert f"listen {port} quic" in finding.fix or quic == "silent"
            assert seen.total_ms < 1500  # the wait for QUIC is not the site's time
            assert seen.facts["certificate"]["names"] == ["localhost"]

            _, verdict = await look(outbound, port, "/500", deadline_s=6.0)
            assert {f.code for f in verdict.findings} == {"site.not_http3", "site.error_status"}


@pytest.mark.parametrize(
    ("leaf", "words"),
    [
        (CA.issue_cert("other.test"), "it was issued for another name"),
        (CA.issue_cert("localhost", not_before=AT - 9 * DAY, not_after=AT - DAY), "it has expired"),
    ],
)
async def test_a_certificate_that_is_wrong_by_quic_alone_and_everywhere(
    outbound: Outbound, tmp_path: Path, leaf: trustme.LeafCert, words: str
) -> None:
    with run_quic(tmp_path, leaf) as site:
        async with listen(over_tcp, tls(), port=site.port):
            _, verdict = await look(outbound, site.port)
            assert [f.code for f in verdict.findings] == ["site.not_http3"]
            assert words in verdict.findings[0].sentence
            assert "QUIC listener the certificate" in verdict.findings[0].fix
        async with listen(over_tcp, tls(leaf), port=site.port):
            _, verdict = await look(outbound, site.port)
            assert [f.code for f in verdict.findings] == ["site.unreachable.tls"]
            assert words in verdict.findings[0].sentence
        seen, verdict = await look(outbound, site.port, verify_tls=False)
        assert (verdict.findings, seen.facts["http"]) == ((), "3")


async def test_a_site_that_is_down_altogether_is_told_once(outbound: Outbound) -> None:
    _, verdict = await look(outbound, free_port())
    assert [f.code for f in verdict.findings] == ["site.unreachable.connect"]
    with silent_udp() as port:
        began = monotonic()
        _, verdict = await look(outbound, port, deadline_s=1.5)
        assert monotonic() - began < 10
    assert [f.code for f in verdict.findings] == ["site.unreachable.connect"]
    assert "nothing listens on this port" in verdict.findings[0].sentence


async def test_a_server_that_hangs_up_after_the_question(outbound: Outbound, tmp_path: Path) -> None:
    with run_quic(tmp_path, LEAF, lambda _: Said(hang_up=True)) as site:
        async with listen(over_tcp, tls(), port=site.port):
            _, verdict = await look(outbound, site.port)
            assert [f.code for f in verdict.findings] == ["site.not_http3"]
            assert "error log" in verdict.findings[0].fix
            # A POST may have arrived: it is not sent twice.
            _, verdict = await look(outbound, site.port, method="POST", body="x")
            assert [f.code for f in verdict.findings] == ["site.unreachable.reset"]


async def test_a_server_that_never_answers_ends_with_the_look(outbound: Outbound, tmp_path: Path) -> None:
    with run_quic(tmp_path, LEAF, lambda _: Said(status=0)) as site:
        began = monotonic()
        _, verdict = await look(outbound, site.port, deadline_s=6.0)  # 2 s of them to connect
        assert monotonic() - began < 20
    assert [f.code for f in verdict.findings] == ["site.unreachable.timeout"]


async def test_a_redirect_to_plain_http_is_no_http3(outbound: Outbound, tmp_path: Path) -> None:
    async with listen(over_tcp) as plain:
        away = Said(301, b"", {"location": f"http://localhost:{plain}/"})
        with run_quic(tmp_path, LEAF, lambda _: away) as site:
            _, verdict = await look(outbound, site.port)
    assert [f.code for f in verdict.findings] == ["site.not_http3"]
    assert f"ends on http://localhost:{plain}/, over HTTP/1.1" in verdict.findings[0].sentence


async def test_the_guard_closes_udp_too(tmp_path: Path) -> None:
    outbound = Outbound(Guard())
    with run_quic(tmp_path, LEAF) as site:
        _, verdict = await look(outbound, site.port)
        assert (site.asked, [f.code for f in verdict.findings]) == ([], ["site.refused_by_guard"])
    await outbound.close()


async def test_without_http3_in_libcurl_the_look_is_inconclusive(
    outbound: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curl, "SPEAKS_HTTP3", False)
    _, verdict = await look(outbound, free_port())
    assert (verdict.findings, verdict.conclusive) == ((), False)
    assert "is built without HTTP/3. Install the pinned pycurl wheel" in verdict.note


def test_http3_over_plain_http_is_refused() -> None:
    with pytest.raises(ValidationError, match="HTTP/3 exists over https only"):
        HttpConfig.model_validate({"url": "http://shop.example/", "http_version": "3"})
