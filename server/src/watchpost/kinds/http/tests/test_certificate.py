"""Facts of the served certificate: there when they are wanted, and not paid for at every look."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import pytest_asyncio
import trustme

from watchpost.core.types import NO_PAST, Observation
from watchpost.kinds.http import KIND
from watchpost.kinds.http.config import HttpConfig
from watchpost.outbound import Guard, Outbound
from watchpost.outbound import certificate as reading
from watchpost.outbound.certificate import Readings
from watchpost.outbound.tests.badserver import page, serve
from watchpost.registry import Look

AT = datetime(2026, 1, 1, tzinfo=UTC)
CA = trustme.CA()


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(found)
    return found


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    found = Outbound(Guard((ip_network("127.0.0.0/8"),)))
    yield found
    await found.close()


async def look(
    outbound: Outbound, url: str, monitor: int = 1, resolver: int = 0, at: datetime = AT, **more: Any
) -> Observation:
    config = HttpConfig.model_validate({"url": url, "ca_pem": CA.cert_pem.bytes().decode(), **more})
    return await KIND.probe(Look(monitor, 1, config, 5.0, resolver=resolver), outbound, at)  # type: ignore[misc]


async def test_the_first_look_and_a_confirmation_carry_the_certificate(outbound: Outbound) -> None:
    leaf = CA.issue_cert("localhost", *(f"{number}.shop.test" for number in range(20)))
    async with serve(tls=context(leaf)) as port:
        url = f"https://localhost:{port}/"
        seen = [
            await look(outbound, url),
            await look(outbound, url),
            await look(outbound, url, monitor=2),
            await look(outbound, url, resolver=1),
        ]
    assert ["certificate" in one.facts for one in seen] == [True, False, True, True]
    facts = seen[0].facts["certificate"]
    assert facts["host"] == "localhost"
    assert datetime.fromisoformat(facts["not_after"]) > datetime.now(UTC)
    assert facts["not_after"].endswith("+00:00")
    assert "trustme" in facts["issuer"]
    assert (facts["names"][0], len(facts["names"]), facts["more_names"]) == ("localhost", 10, 11)
    assert len(facts["fingerprint"]) == 64
    assert KIND.judge(HttpConfig.model_validate({"url": url}), seen[0], {}, NO_PAST, AT).findings == ()


async def test_a_refused_certificate_is_shown_instead_of_the_hop_before(outbound: Outbound) -> None:
    past = CA.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1))
    async with serve(tls=context(past)) as there:

        async def redirect(_: asyncio.StreamReader, writer: asyncio.StreamWriter, _path: str) -> None:
            writer.write(page(status="302 Found", Location=f"https://localhost:{there}/"))

        async with serve(redirect, context(CA.issue_cert("127.0.0.1"))) as here:
            seen = await look(outbound, f"https://127.0.0.1:{here}/")
    assert seen.facts["failure"]["kind"] == "certificate"
    assert datetime.fromisoformat(seen.facts["certificate"]["not_after"]) < datetime.now(UTC)


async def test_a_look_that_got_none_asks_again(outbound: Outbound) -> None:
    async with serve() as port:
        seen = await look(outbound, f"https://localhost:{port}/")
    assert "certificate" not in seen.facts
    assert outbound.readings.due(1, "any", "localhost", port)
    async with serve(tls=context(CA.issue_cert("localhost"))) as port:
        url = f"https://localhost:{port}/"
        await look(outbound, url)
        assert not outbound.readings.due(1, "any", "localhost", port)


async def test_one_that_ends_soon_is_read_often_and_one_that_ended_at_every_look(
    outbound: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was replaced: nobody may be told for an hour that it has ended."""
    now, day, later = datetime.now(UTC), timedelta(days=1), [0.0]
    monkeypatch.setattr(reading, "monotonic", lambda: time.monotonic() + later[0])
    lives = {29: [True, False, True], -1: [True, True, True], 60: [True, False, False]}
    for days, again in lives.items():
        left = days * day
        leaf = CA.issue_cert("localhost", not_before=now - (90 * day - left), not_after=now + left)
        async with serve(tls=context(leaf)) as port:
            seen = []
            for later[0] in (0.0, 60.0, 310.0):
                url, lax = f"https://localhost:{port}/", {"verify_tls": False, "ca_pem": None}
                seen.append(await look(outbound, url, at=now, **lax))
        assert ["certificate" in one.facts for one in seen] == again, left
        assert seen[0].facts["certificate"]["read_at"] == now.isoformat()


def test_an_hour_later_it_is_due_again_and_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(reading, "monotonic", lambda: now)
    readings = Readings(most=2)
    readings.note("a")
    now += 3599
    assert not readings.due("a")
    now += 1
    assert readings.due("a")
    for key in ("b", "a", "c", "c"):
        readings.note(key)
    assert [readings.due(key) for key in ("a", "b", "c")] == [False, True, False]
