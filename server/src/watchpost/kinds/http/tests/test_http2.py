"""HTTP/2 with a real nginx: what is negotiated, and what is said when it is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
import pytest_asyncio
import trustme

from watchpost.core.types import NO_PAST, Observation
from watchpost.kinds.http import KIND
from watchpost.kinds.http.config import HttpConfig
from watchpost.outbound import Guard, Outbound
from watchpost.outbound.tests.nginx import run_nginx
from watchpost.registry import Look

AT = datetime(2026, 1, 1, tzinfo=UTC)
CA = trustme.CA()


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    found = Outbound(Guard((ip_network("127.0.0.0/8"),)))
    yield found
    assert found.open_sockets == 0
    await found.close()


async def look(outbound: Outbound, url: str, version: str) -> tuple[Observation, list[str], str]:
    pem = CA.cert_pem.bytes().decode()
    config = HttpConfig.model_validate({"url": url, "http_version": version, "ca_pem": pem})
    seen = await KIND.probe(Look(1, 1, config, 5.0), outbound, AT)  # type: ignore[misc]
    findings = KIND.judge(config, seen, {}, NO_PAST, AT).findings
    return seen, [f.code for f in findings], "".join(f.sentence for f in findings)


@pytest.mark.parametrize(
    ("listen", "wanted", "served", "codes"),
    [
        ("ssl http2", "auto", "2", []),
        ("ssl http2", "2", "2", []),
        ("ssl http2", "1.1", "1.1", []),
        ("ssl", "auto", "1.1", []),
        ("ssl", "2", "1.1", ["site.not_http2"]),
        ("http2", "2", "2", []),
        ("", "auto", "1.1", []),
    ],
)
async def test_the_version_that_is_negotiated(
    outbound: Outbound, tmp_path: Path, listen: str, wanted: str, served: str, codes: list[str]
) -> None:
    async with run_nginx(tmp_path, CA.issue_cert("localhost"), listen) as port:
        scheme = "https" if "ssl" in listen else "http"
        seen, found, _ = await look(outbound, f"{scheme}://localhost:{port}/away", wanted)
    assert (seen.facts["status"], seen.facts["bytes"], seen.facts["http"]) == (200, 5, served)
    assert found == codes


async def test_plain_http2_that_the_server_does_not_know(outbound: Outbound, tmp_path: Path) -> None:
    async with run_nginx(tmp_path, CA.issue_cert("localhost"), "") as port:
        _, found, sentence = await look(outbound, f"http://localhost:{port}/", "2")
    assert found == ["site.unreachable.protocol"]
    assert "the server does not speak HTTP/2" in sentence
