"""Ports of every temper on real sockets: each gives exactly the expected codes."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from time import monotonic
from typing import Any

import pytest
import trustme

from watchpost.core.types import NO_PAST, Observation, Outcome, Verdict
from watchpost.kinds.tcp import KIND
from watchpost.kinds.tcp.config import TcpConfig
from watchpost.outbound import Guard, Outbound, Resolved, ResolveFailure, Resolver
from watchpost.outbound.tests.tlsserver import listen
from watchpost.registry import Look

pytestmark = pytest.mark.asyncio
AT = datetime(2026, 11, 1, tzinfo=UTC)
GUARD = Guard((ip_network("127.0.0.0/8"), ip_network("::1/128")))
CA = trustme.CA()
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Names(Resolver):
    """Knows what the test tells it."""

    def __init__(self, addresses: tuple[str, ...]) -> None:
        super().__init__(["first.test"])
        self.addresses = addresses

    async def resolve(
        self, host: str, family: str = "any", resolver_index: int = 0, fresh: bool = False
    ) -> Resolved | ResolveFailure:
        found = tuple(a for a in self.addresses if (":" in a) == (family == "6"))
        return (
            Resolved(found, 60, 0.0)
            if found
            else ResolveFailure("nxdomain", f"the name {host} does not exist", 1)
        )


async def look(
    port: int, addresses: tuple[str, ...] = ("127.0.0.1",), deadline_s: float = 10.0, **more: Any
) -> tuple[Observation, Verdict]:
    config = TcpConfig.model_validate({"host": "cache.test", "port": port} | more)
    outbound = Outbound(GUARD, Names(addresses))
    assert KIND.probe is not None
    began = monotonic()
    seen = await KIND.probe(Look(7, 3, config, deadline_s), outbound, AT)
    assert monotonic() - began < deadline_s + 2
    assert outbound.open_sockets == 0
    await outbound.close()
    assert len(json.dumps(dict(seen.facts))) < 4000
    assert len(seen.excerpt) <= 2000
    return seen, KIND.judge(config, json_again(seen), {}, NO_PAST, AT)


def json_again(seen: Observation) -> Observation:
    from dataclasses import replace

    return replace(seen, facts=json.loads(json.dumps(dict(seen.facts))))


def tls(*names: str, authority: trustme.CA = CA, expires: datetime | None = None) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, not_after=expires).configure_cert(made)
    return made


async def redis(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    open_door = False
    while line := await reader.readline():
        open_door = open_door or line == b"AUTH secret\r\n"
        writer.write(
            b"+OK\r\n" if line.startswith(b"AUTH") else b"+PONG\r\n" if open_door else b"-NOAUTH\r\n"
        )
        await writer.drain()


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hangs up at once."""


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for letter in b"220 ready\r\n":
        writer.write(bytes([letter]))
        await writer.drain()
        await asyncio.sleep(0.01)
    await reader.read()


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"\x00\xff" * 8192)
        await writer.drain()


async def banner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\x01\x80SSH-2.0-x\r\n")
    await writer.drain()
    await reader.read()


async def shut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"554 go away\r\n")
    await writer.drain()


async def smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.test ESMTP\r\n")
    await reader.readline()
    writer.write(b"250-mail.test\r\n250 STARTTLS\r\n")
    await reader.readline()
    writer.write(b"220 go\r\n")
    await writer.drain()
    await writer.start_tls(tls("cache.test"))
    while line := await reader.readline():
        writer.write(b"221 bye\r\n" if line == b"QUIT\r\n" else b"500 what\r\n")
        await writer.drain()


async def cut_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says no and resets the connection, as whoever leaves words unread."""
    writer.write(b"554 go away\r\n")
    await writer.drain()
    held = writer.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def slowly(*pieces: bytes, pause_s: float = 0.7) -> Talk:
    """Says the pieces with pauses that are longer than a whole answer is waited for."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, piece in enumerate(pieces):
            await asyncio.sleep(pause_s if number else 0)
            writer.write(piece)
            await writer.drain()
        await reader.read()

    return say


@dataclass(frozen=True)
class Port:
    name: str
    talk: Talk | None
    codes: tuple[str, ...] = ()
    asks: dict[str, Any] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    deadline_s: float = 10.0


PING = {"send": "PING\\r\\n", "expect": "+PONG"}
AUTH = {"send": "AUTH secret\r\n", "expect": "+OK", "then": [PING]}
TRUST = {"tls": True, "ca_pem": CA.cert_pem.bytes().decode()}
ZOO = (
    Port("an open port is enough", mute),
    Port("whoever hangs up at once is open, too", slam),
    Port("a dialogue of two steps", redis, asks=AUTH),
    Port("without the password it says so", redis, ("tcp.wrong_answer",), PING, deadline_s=1),
    Port("a banner that drips", drip, asks={"expect": "~^220 ready\\r\\n$"}),
    Port("bytes of every sort", banner, asks={"expect": "~^\\x00\\x01\\x80SSH"}),
    Port("bytes as they are written", banner, asks={"expect": "\\x01\\x80SSH-2.0"}),
    Port("another banner than expected", banner, ("tcp.wrong_answer",), {"expect": "220"}, deadline_s=1),
    Port("it hangs", mute, ("tcp.no_answer",), PING, deadline_s=1),
    Port("asked, and hung up", slam, ("tcp.no_answer",), {"expect": "220"}),
    Port("another word, and hung up", shut, ("tcp.wrong_answer",), {"expect": "220"}),
    Port("asked something it must answer something", mute, ("tcp.no_answer",), {"send": "x"}, deadline_s=1),
    Port("anything will do as an answer", shut, asks={"send": "x"}),
    Port("it sends without end", flood, ("tcp.wrong_answer",), {"expect": "220"}),
    Port("TLS from the first byte", redis, asks=TRUST | AUTH, tls=tls("cache.test")),
    Port("TLS for another name", redis, ("tcp.unreachable.tls",), TRUST, tls("other.test")),
    Port("another name asked for", redis, (), TRUST | {"sni": "other.test"}, tls("other.test")),
    Port("an authority nobody knows", redis, ("tcp.unreachable.tls",), TRUST, tls("cache.test", authority=trustme.CA())),
    Port("whatever certificate", redis, (), {"tls": True, "verify_tls": False}, tls("x.test", authority=trustme.CA())),
    Port("a certificate that has expired", redis, ("tcp.unreachable.tls",), TRUST,
         tls("cache.test", expires=datetime(2026, 10, 1, tzinfo=UTC))),
    Port("no TLS where it is expected", shut, ("tcp.unreachable.tls",), TRUST),
    Port("STARTTLS, then words", smtp, asks=TRUST | {"tls": False, "starttls": "smtp", "send": "QUIT\\r\\n", "expect": "221 bye"}),
    Port("no STARTTLS", shut, ("tcp.unreachable.tls",), TRUST | {"tls": False, "starttls": "smtp"}),
    Port("slower than it may be", drip, ("tcp.slow",), {"expect": "ready", "max_ms": 0.001}),
)  # fmt: skip


@pytest.mark.parametrize("port", ZOO, ids=lambda one: one.name)
async def test_it_is_called_by_its_name(port: Port) -> None:
    async with listen(port.talk, port.tls) as number:
        seen, verdict = await look(number, deadline_s=port.deadline_s, **port.asks)
    assert [one.code for one in verdict.findings] == list(port.codes)
    for one in verdict.findings:
        assert one.sentence.startswith(f"cache.test:{number} ")
        assert one.sentence.endswith(".")
        assert one.fix.endswith(".")
        assert one.joins == ("host:cache.test", "addr:127.0.0.1")
    assert (seen.outcome is Outcome.OK) == (port.codes in ((), ("tcp.slow",)) or "expired" in port.name)


async def test_what_was_said_instead_is_shown() -> None:
    async with listen(redis) as number:
        seen, verdict = await look(number, deadline_s=1, **PING)
    assert "it says “-NOAUTH”." in verdict.findings[0].sentence
    assert seen.excerpt == "-NOAUTH\\r\\n"


GREETING: dict[str, Any] = {"expect": "~(?m)^220 "}
WRONG = (
    (slowly(b"+OK POP3 ready\r\n"), GREETING),
    (slowly(b"554-no\r\n554 go away\r\n"), GREETING),
    (slowly(b"SSH-2.0-OpenSSH_9.2\r\n"), GREETING),
    (slowly(b"* OK Dovecot ready.\r\n"), GREETING),
    (redis, PING),
    (redis, {"send": "PING\\r\\nPING\\r\\n", "expect": "+PONG"}),
)


@pytest.mark.parametrize(("talk", "asks"), WRONG)
async def test_a_whole_answer_is_wrong_at_once(talk: Talk, asks: dict[str, Any]) -> None:
    async with listen(talk) as number:
        began = monotonic()
        _, verdict = await look(number, deadline_s=20, **asks)
        assert monotonic() - began < 8
    assert [one.code for one in verdict.findings] == ["tcp.wrong_answer"]
    assert ": something else came, and nothing after it; it says “" in verdict.findings[0].sentence


PATIENT = (
    (slowly(b"220-mail.test, please wait\r\n", b"220 mail.test\r\n"), GREETING),
    (slowly(b"120 in a moment\r\n", b"220 ftp.test\r\n"), GREETING),
    (slowly(b"2", b"20 mail", b".test\r\n"), GREETING),
    (slowly(b"\x00\x01\n", b"SSH-2.0-x"), {"expect": "SSH-2.0"}),
    (slowly(b"+OK\r\n", b"ready\r\n", pause_s=0.05), {"expect": "ready"}),
    (slowly(b"+OK 1 message\r\n", b"1 120\r\n.\r\n"), {"send": "LIST\\r\\n", "expect": "1 120"}),
    (slowly(b"-ERR one\r\n", b"+OK two\r\n"), {"send": "a\\r\\nb\\r\\n", "expect": "+OK"}),
    (slowly(b"220 x\r\n", b"221 bye\r\n"), {"send": "QUIT\\r\\n", "expect": "221"}),
)


@pytest.mark.parametrize(("talk", "asks"), PATIENT)
async def test_an_answer_in_pieces_is_waited_for(talk: Talk, asks: dict[str, Any]) -> None:
    async with listen(talk) as number:
        _, verdict = await look(number, deadline_s=1.5 if len(asks) > 1 else 1.9, **asks)
    assert verdict.findings == ()


async def test_a_reset_after_something_else_is_a_wrong_answer_and_no_silence() -> None:
    async with listen(cut_off) as number:
        _, verdict = await look(number, **GREETING)
    assert [one.code for one in verdict.findings] == ["tcp.wrong_answer"]
    assert "the server reset the connection after something else" in verdict.findings[0].sentence


async def test_what_is_said_of_half_an_answer_does_not_change_with_the_time_left() -> None:
    async with listen(banner) as number:
        said = {
            (await look(number, deadline_s=waits_s, expect="220"))[1].findings[0].sentence
            for waits_s in (0.4, 0.6)
        }
    assert len(said) == 1, said
    assert "it did not follow before the timeout" in said.pop()


async def test_nobody_listens() -> None:
    async with listen() as number:
        pass
    _, verdict = await look(number)
    assert [one.code for one in verdict.findings] == ["tcp.unreachable.connect"]


async def test_one_of_two_addresses_is_a_warning_that_names_it() -> None:
    async with listen(mute) as number:
        seen, verdict = await look(number, ("127.0.0.1", "127.0.0.2"))
    assert [(one.code, one.subject) for one in verdict.findings] == [("tcp.address_down", "127.0.0.2")]
    config = TcpConfig(host="cache.test", port=number)
    [panel] = KIND.panels(config, seen.facts, {})
    assert [label for label, _ in panel.rows] == ["127.0.0.2", "127.0.0.1"], "trouble comes first"
    assert (panel.marks, panel.note) == (("down", "up"), "1 of 2 fails.")
    assert panel.rows[0][1] == "the connection was refused: nothing listens on this port"
    alone = {"addresses": {"127.0.0.1": {"ms": 1.0}}, "more_addresses": 0}
    assert KIND.panels(config, alone, {}) == ()
    assert KIND.kept <= seen.facts.keys(), "what is kept is said at every look, else it would stay for ever"
    assert seen.outcome is Outcome.OK
    assert seen.address == "127.0.0.1"


async def test_addresses_take_turns_when_one_is_enough() -> None:
    async with listen(mute) as number:
        seen, _ = await look(number, ("127.0.0.1", "127.0.0.2"), every_address=False)
    assert len(seen.facts["addresses"]) == 1


async def test_a_name_without_an_address_and_a_closed_one() -> None:
    seen, verdict = await look(1, ())
    assert KIND.kept <= seen.facts.keys()
    assert [one.code for one in verdict.findings] == ["tcp.unreachable.dns"]
    seen, verdict = await look(1, ("10.0.0.1",))
    assert [one.code for one in verdict.findings] == ["tcp.refused_by_guard"]
    assert seen.outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("asks", "says"),
    [
        ({}, "cache.test:6379 takes a connection"),
        ({"tls": True}, "cache.test:6379 takes a connection by TLS"),
        ({"expect": "~^220 "}, "cache.test:6379 takes a connection and answers what matches “^220 ”"),
        ({"send": "x"}, "cache.test:6379 takes a connection and answers"),
        (AUTH, "cache.test:6379 takes a connection and answers “+OK”, then 1 more step"),
    ],
)
async def test_what_is_asked_is_said_without_what_is_secret(asks: dict[str, Any], says: str) -> None:
    config = TcpConfig.model_validate({"host": "cache.test", "port": 6379} | asks)
    assert KIND.describe(config) == says


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"host": "https://cache.test"}, "give the name alone"),
        ({"host": "cache.test:6379"}, "write the port in port"),
        ({"port": 0}, "greater than or equal to 1"),
        ({"expect": "~("}, "is not valid"),
        ({"sni": "x.test"}, "belong to TLS"),
        ({"then": [{"send": "x"}]}, "write the first step there"),
        ({"then": [{"say": "x"}], "send": "y"}, "Extra inputs"),
        ({"max_ms": 0}, "greater than 0"),
    ],
)
async def test_bad_input_is_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        TcpConfig.model_validate({"host": "cache.test", "port": 6379} | wrong)
