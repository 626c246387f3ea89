"""WHOIS over a real connection: what registries send, after the forms they are known for, and their bad days.

The texts in ``whois/`` are written by hand in the registries' forms, about a name nobody can own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from watchpost.core.types import NO_PAST, Observation, Verdict
from watchpost.kinds.domain import KIND
from watchpost.kinds.domain.bootstrap import Directory
from watchpost.kinds.domain.client import Client
from watchpost.kinds.domain.config import DomainConfig
from watchpost.kinds.domain.dates import read_date
from watchpost.kinds.domain.limits import WHOIS, Limits
from watchpost.kinds.domain.probe import directory_of
from watchpost.kinds.domain.tests.registry import GUARD, NOW
from watchpost.kinds.domain.whois import read
from watchpost.outbound import Guard, Outbound
from watchpost.registry import Look

TEXTS = Path(__file__).parent / "whois"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Says ``text`` to whoever asks a line, or does ``talk``; ``asked`` is what was asked."""

    def __init__(self, text: bytes = b"", talk: Talk | None = None) -> None:
        self.text, self.talk = text, talk
        self.asked: list[bytes] = []
        self.at = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            if self.talk is not None:
                await self.talk(reader, writer)
            else:
                self.asked.append(await reader.readline())
                writer.write(self.text)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def serving(*servers: Server) -> AsyncIterator[None]:
    """Each at an address of its own, all at one port: that is what a referral may name."""
    started: list[asyncio.Server] = []
    for _ in range(20):
        port = 0
        with suppress(OSError):  # somebody has this port at another of our addresses
            for number, one in enumerate(servers, 1):
                started.append(await asyncio.start_server(one.serve, f"127.0.0.{number}", port))
                port = started[-1].sockets[0].getsockname()[1]
                one.at = f"127.0.0.{number}:{port}"
            break
        while started:
            started.pop().close()
    yield
    for each in started:
        each.close()


async def look(
    server: str, outbound: Outbound, now: datetime = NOW, baseline: Mapping[str, Any] | None = None,
    deadline_s: float = 20.0,
) -> tuple[Observation, Verdict]:  # fmt: skip
    """No RDAP server is known for example.zz, so WHOIS is asked."""
    config = DomainConfig.model_validate({"domain": "www.example.com", "whois_server": server})
    directory = Directory(Client(outbound), None, "http://127.0.0.1:1/")
    directory._services, directory._checked = {"zz": "https://rdap.example/"}, now
    outbound.shared["domain"] = outbound.shared.get("domain", directory)
    outbound.shared["domain"]._checked = now
    assert KIND.probe is not None
    seen = await KIND.probe(Look(7, 3, config, deadline_s), outbound, now)
    return seen, KIND.judge(config, seen, baseline or {}, NO_PAST, now)


@pytest.mark.parametrize("name", ["gtld", "uk", "fi", "jp", "ru", "br", "cz", "gdpr", "latin1"])
async def test_the_forms_of_registries(name: str) -> None:
    outbound, server = Outbound(GUARD), Server((TEXTS / f"{name}.txt").read_bytes().replace(b"\n", b"\r\n"))
    async with serving(server):
        seen, verdict = await look(server.at, outbound)
    await outbound.close()
    assert server.asked == [b"example.com\r\n"]
    assert seen.facts["answer"] == "known", seen.facts
    registration = seen.facts["registration"]
    assert str(registration["expires"])[:10] == "2027-08-13"
    assert "a.ns.example.com" in registration["name_servers"]
    assert "referral" not in registration
    assert "REDACTED" not in str(registration)
    assert (verdict.findings, verdict.conclusive) == ((), True)
    if name == "gtld":
        assert registration["statuses"] == ["client delete prohibited", "client transfer prohibited"]
        assert registration["registrar_id"] == "376"
    if name == "latin1":
        assert registration["registrar"] == "Société d'Enregistrement Générale"


def test_a_registry_without_a_date_is_known_and_publishes_none() -> None:
    found = read((TEXTS / "de.txt").read_bytes(), "example.com")
    assert found["answer"] == "known"
    assert "expires" not in found["registration"]


ANSWERS: dict[str, tuple[bytes, str]] = {
    "no match": (b'No match for domain "EXAMPLE.COM".\r\n>>> Last update: x <<<', "not_found"),
    "not found": (b"NOT FOUND\r\n", "not_found"),
    "behind a per cent sign": (b"% No entries found\n", "not_found"),
    "free": (b"Domain: example.com\nStatus: free\n", "not_found"),
    "terms that speak of it": (b"If the domain is not found, ask again.\nThe data was not found to be wrong.\n", "failed"),
    "another domain": (b"Domain Name: EXAMPLE.NET\nRegistry Expiry Date: 2020-01-01T00:00:00Z\n", "failed"),
    "another domain, and not found": (b"Domain Name: EXAMPLE.NET\nNo match for x\n", "failed"),
    "a limit": (b"WHOIS LIMIT EXCEEDED - SEE WWW.PIR.ORG/WHOIS FOR DETAILS\n", "limited"),
    "too many": (b"% Error: Too many queries, try again later.\n", "limited"),
    "a quota": (b"-1: Your IP has exceeded its query quota.\nNot found\n", "limited"),
    "empty": (b"", "failed"),
    "blanks": (b"\r\n \r\n", "failed"),
    "HTML": (b"<html><body>Not found</body></html>", "failed"),
    "bytes": (bytes(range(256)) * 4, "failed"),
    "a name and nothing else": (b"Domain Name: EXAMPLE.COM\n", "failed"),
    "colons without end": (b"a:" * 30_000, "failed"),
    "blanks without end": (b"domain name:" + b" " * 60_000, "failed"),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
async def test_other_answers(name: str) -> None:
    text, answer = ANSWERS[name]
    outbound, server = Outbound(GUARD), Server(text)
    async with serving(server):
        seen, verdict = await look(server.at, outbound)
    await outbound.close()
    assert seen.facts["answer"] == answer, seen.facts
    codes = [finding.code for finding in verdict.findings]
    assert codes == (["domain.not_registered"] if answer == "not_found" else [])


async def _drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * 4096)
        await writer.drain()


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@pytest.mark.parametrize(
    ("talk", "words"), [(_drips, "more than 64 kB"), (_silent, "no answer came"), (_hangs_up, "connection")]
)
async def test_servers_that_misbehave(talk: Talk, words: str) -> None:
    outbound, server = Outbound(GUARD), Server(talk=talk)
    async with serving(server):
        seen, verdict = await look(server.at, outbound, deadline_s=2.0)
    assert (seen.facts["answer"], verdict.conclusive, verdict.findings) == ("failed", False, ())
    assert words in verdict.note
    assert outbound.open_sockets == 0
    await outbound.close()


async def test_nobody_listens_and_the_guard_holds() -> None:
    outbound, server = Outbound(GUARD), Server()
    async with serving(server):
        pass
    seen, _ = await look(server.at, outbound)
    assert "refused" in seen.facts["why"]
    await outbound.close()
    closed, server = Outbound(Guard()), Server(b"Not found")
    async with serving(server):
        seen, verdict = await look(server.at, closed)
    await closed.close()
    assert (seen.outcome.value, verdict.conclusive, server.asked) == ("refused", False, [])


async def test_who_says_too_often_is_left_alone_for_an_hour_by_all() -> None:
    outbound, server = Outbound(GUARD), Server(b"Query rate limit exceeded.")
    async with serving(server):
        for minutes, asked in ((0, 1), (59, 1), (61, 2)):
            seen, verdict = await look(server.at, outbound, NOW + timedelta(minutes=minutes))
            assert (seen.facts["answer"], len(server.asked)) == ("limited", asked)
            assert not verdict.conclusive
            outbound.shared["domain"].client.limits.full_at.clear()
    await outbound.close()


async def test_our_own_turn_is_no_slowness_of_the_server() -> None:
    outbound, server = (
        Outbound(GUARD),
        Server(b"Domain Name: example.com\nRegistry Expiry Date: 2028-08-13\n"),
    )
    async with serving(server):
        outbound.shared["domain"] = Directory(Client(outbound), None, "http://127.0.0.1:1/")
        directory = directory_of(outbound)
        directory._services = {"zz": "https://rdap.example/"}
        directory.client.limits.full_at[server.at] = monotonic() + (WHOIS.burst - 1) * WHOIS.apart_s + 1.3
        seen, _ = await look(server.at, outbound)
    assert (seen.facts["answer"], 1.0 <= seen.facts["waited_s"] <= 1.3) == ("known", True)
    assert 0 < seen.phases.wait <= seen.total_ms < 1000
    await outbound.close()


REGISTRY = "Domain Name: example.com\nRegistrar WHOIS Server: {at}\nRegistry Expiry Date: 2028-08-13\n"
REGISTRAR = b"Domain Name: EXAMPLE.COM\nRegistrar Registration Expiration Date: 2026-12-13T04:00:00Z\n"


async def test_the_registrar_is_asked_once_a_day_and_when_the_registry_says_something_new(
    tmp_path: Path,
) -> None:
    registry, registrar = Server(), Server(REGISTRAR)
    async with serving(registry, registrar):
        registry.text = REGISTRY.format(at=registrar.at).encode()
        for hours, asked in ((0, 1), (6, 1), (23, 1), (25, 2), (26, 3)):
            if hours == 26:
                registry.text += b"Domain Status: clientHold\n"
            outbound = Outbound(GUARD, folder=tmp_path)  # each time a new process: the memory is on disk
            _, verdict = await look(registry.at, outbound, NOW + timedelta(hours=hours))
            await outbound.close()
            assert len(registrar.asked) == asked, hours
            ends = [one for one in verdict.findings if one.code == "domain.expires_soon"]
            assert "says the registrar" in ends[0].sentence
        registry.text += b"Domain Status: clientDeleteProhibited\n"
        registrar.text = b""
        outbound = Outbound(GUARD, folder=tmp_path)
        seen, _ = await look(registry.at, outbound, NOW + timedelta(hours=27))
        await outbound.close()
    assert len(registrar.asked) == 4
    assert "registrar_expires" not in seen.facts["registration"]  # what it said was about another answer


async def test_a_referral_to_another_port_is_not_followed() -> None:
    outbound, trap, server = Outbound(GUARD), Server(REGISTRAR), Server()
    async with serving(trap), serving(server):
        server.text = REGISTRY.format(at=trap.at).encode()
        seen, verdict = await look(server.at, outbound)
    await outbound.close()
    assert (trap.asked, verdict.findings) == ([], ())
    assert seen.facts["answer"] == "known"


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2027-08-13T04:00:00Z", "2027-08-13 04:00"),
        ("2027-08-13T04:00:00.0Z", "2027-08-13 04:00"),
        ("2027-08-13T04:00:00+0200", "2027-08-13 02:00"),
        ("2027-08-13 04:00:00", "2027-08-13 04:00"),
        ("2027-08-13 04:00:00 UTC", "2027-08-13 04:00"),
        ("2027-08-13 12:00:00 (UTC+8)", "2027-08-13 04:00"),
        ("2027-08-13", "2027-08-13 00:00"),
        ("2027/08/13", "2027-08-13 00:00"),
        ("2027/08/13 04:00:00 (JST)", "2027-08-13 04:00"),
        ("2027.08.13", "2027-08-13 00:00"),
        ("2027. 08. 13.", "2027-08-13 00:00"),
        ("20270813", "2027-08-13 00:00"),
        ("13-Aug-2027", "2027-08-13 00:00"),
        ("13-aug-2027 04:00:00", "2027-08-13 04:00"),
        ("13 August 2027", "2027-08-13 00:00"),
        ("August 13, 2027", "2027-08-13 00:00"),
        ("2027-Aug-13", "2027-08-13 00:00"),
        ("13.08.2027", "2027-08-13 00:00"),
        ("13.8.2027 04:00:00", "2027-08-13 04:00"),
        ("Fri Aug 13 04:00:00 UTC 2027", "2027-08-13 04:00"),
        ("Fri Aug 13 04:00:00 2027", "2027-08-13 04:00"),
        ("08/09/2027", None),
        ("13/08/2027", None),
        ("30.02.2027", None),
        ("13-Foo-2027", None),
        ("9999-12-31", None),
        ("before Aug-1996", None),
        ("", None),
        ("2027-08-13T25:00:00Z", None),
    ],
)
def test_dates(said: str, at: str | None) -> None:
    expected = None if at is None else datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert read_date(said) == expected


@pytest.mark.parametrize("wrong", ["whois.example:0", "whois.example:99999", "whois.example:x", "a b", ""])
def test_a_server_that_cannot_be_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(ValueError, match="whois_server"):
        DomainConfig(domain="example.com", whois_server=wrong)


def test_limits_are_one_for_both_ways_of_asking() -> None:
    outbound = Outbound(GUARD)
    assert isinstance(Client(outbound).limits, Limits)
