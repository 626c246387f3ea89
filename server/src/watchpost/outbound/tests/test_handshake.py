"""The served chain and a verdict from real handshakes, whatever the other side does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from time import monotonic

import pytest
import pytest_asyncio
import trustme
import uvloop
from cryptography.x509 import load_der_x509_certificate
from hypothesis import given
from hypothesis import strategies as st

from watchpost.outbound import Guard, Handshake, Knock, Outbound
from watchpost.outbound.hello import read_hello
from watchpost.outbound.tests.tlsserver import Talk, listen

CA = trustme.CA()
PEM = CA.cert_pem.bytes().decode()


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


SHOP = context(CA.issue_cert("shop.test"))


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    before = set(os.listdir("/proc/self/fd"))
    found = Outbound(Guard((ip_network("127.0.0.0/8"), ip_network("::1/128"))))
    yield found
    await found.close()
    assert found.open_sockets == 0
    for _ in range(50):  # the server's half of a connection may need a turn of the loop
        if len(os.listdir("/proc/self/fd")) <= len(before):
            break
        await asyncio.sleep(0.02)
    assert len(os.listdir("/proc/self/fd")) <= len(before), "a socket was left open"


async def shake(outbound: Outbound, port: int, name: str = "shop.test", **more: object) -> Handshake:
    wanted: dict[str, object] = {"address": "127.0.0.1", "ca_pem": PEM, "timeout_s": 5.0} | more
    return await outbound.shake(Knock(name=name, port=port, **wanted))  # type: ignore[arg-type]


def names(found: Handshake) -> list[str]:
    return [load_der_x509_certificate(one).subject.rfc4514_string() for one in found.chain]


async def test_a_good_one_has_chain_protocol_cipher_and_times(outbound: Outbound) -> None:
    async with listen(tls=SHOP) as port:
        found = await shake(outbound, port)
    assert (found.failure, found.verify_code, found.protocol) == (None, 0, "TLSv1.3")
    assert len(found.chain) == 1
    assert found.cipher.startswith("TLS_")
    assert 0 < found.phases.connect < 2000
    assert 0 < found.phases.tls < 2000


@pytest.mark.parametrize(
    ("name", "ca_pem", "code"), [("other.test", PEM, 62), ("127.0.0.1", PEM, 64), ("shop.test", "", 20)]
)
async def test_the_chain_is_there_although_it_is_refused(
    outbound: Outbound, name: str, ca_pem: str, code: int
) -> None:
    async with listen(tls=SHOP) as port:
        found = await shake(outbound, port, name, ca_pem=ca_pem)
    assert (found.verify_code, found.failure) == (code, None)
    assert found.verify_message
    assert len(found.chain) == 1
    assert (found.protocol, found.cipher[:4]) == ("TLSv1.3", "TLS_")


async def test_the_version_is_known_of_a_refused_old_one(outbound: Outbound) -> None:
    made = context(CA.issue_cert("shop.test"))
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    async with listen(tls=made) as port:
        found = await shake(outbound, port, "other.test")
    assert (found.verify_code, found.protocol) == (62, "TLSv1.2")
    assert found.cipher.startswith("ECDHE-")


@given(st.binary(max_size=200), st.integers(0, 90))
def test_a_hello_of_any_bytes_is_read(noise: bytes, kept: int) -> None:
    good = b"\x16\x03\x03\x00\x56\x02\x00\x00\x52\x03\x03" + bytes(32) + b"\x00\x13\x02\x00"
    for data in (noise, b"\x16\x03\x03\x00\x50\x02" + noise, good[:kept] + noise):
        version, number = read_hello(data)
        assert version in ("", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
        assert 0 <= number < 65536


async def test_the_clock_of_the_machine_has_no_say(outbound: Outbound) -> None:
    past = CA.issue_cert("shop.test", not_after=datetime.now(UTC) - timedelta(days=1))
    async with listen(tls=context(past)) as port:
        found = await shake(outbound, port)
    assert (found.verify_code, len(found.chain)) == (0, 1)


async def test_the_chain_is_as_served_order_and_all(outbound: Outbound) -> None:
    between = CA.create_child_ca()
    leaf = between.issue_cert("shop.test")
    made = context(leaf)
    async with listen(tls=made) as port:
        found = await shake(outbound, port)
    assert found.verify_code == 0
    assert len(found.chain) == len(leaf.cert_chain_pems) == 2
    assert names(found)[1] != names(found)[0]


async def test_the_name_is_sent_and_an_address_is_not(outbound: Outbound) -> None:
    heard: list[str | None] = []
    made = context(CA.issue_cert("sni.test", "127.0.0.1"))
    made.sni_callback = lambda _, name, __: heard.append(name)  # type: ignore[assignment]
    async with listen(tls=made) as port:
        for name in ("sni.test", "127.0.0.1"):
            assert (await shake(outbound, port, name)).verify_code == 0
    assert heard == ["sni.test", None]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_old_versions_are_met_and_named(outbound: Outbound) -> None:
    made = context(CA.issue_cert("shop.test"))
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    made.maximum_version = ssl.TLSVersion.TLSv1_1
    async with listen(tls=made) as port:
        found = await shake(outbound, port)
    assert (found.failure, found.protocol) == (None, "TLSv1.1")


async def test_a_server_that_wants_a_certificate_of_ours_still_shows_its_own(outbound: Outbound) -> None:
    made = context(CA.issue_cert("shop.test"))
    made.verify_mode = ssl.CERT_REQUIRED
    made.maximum_version = ssl.TLSVersion.TLSv1_2  # 1.3 tells it only after our side is through
    async with listen(tls=made) as port:
        found = await shake(outbound, port)
    assert found.failure is not None
    assert found.failure.phase == "tls"
    assert len(found.chain) == 1


async def test_authorities_that_cannot_be_read_are_named(outbound: Outbound) -> None:
    for rubbish in ("AAAA", "this is not base64"):
        pem = f"-----BEGIN CERTIFICATE-----\n{rubbish}\n-----END CERTIFICATE-----\n"
        found = await shake(outbound, 443, ca_pem=pem)
        assert found.failure is not None
        assert found.failure.kind == "authorities"


async def test_the_guard_is_asked(outbound: Outbound) -> None:
    found = await shake(outbound, 443, address="10.0.0.1")
    assert found.failure is not None
    assert (found.failure.kind, found.chain) == ("refused_by_guard", ())


async def test_ipv6_and_a_closed_port(outbound: Outbound) -> None:
    async with listen(tls=SHOP, host="::1") as port:
        assert (await shake(outbound, port, address="::1")).verify_code == 0
    found = await shake(outbound, port, address="::1")
    assert found.failure is not None
    assert (found.failure.phase, found.failure.kind) == ("connect", "refused")


async def plain_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\nThis is not TLS")
    await writer.drain()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The first record of a handshake, one byte at a time, and never whole."""
    for byte in b"\x16\x03\x03\x40\x00\x02" + b"\0" * 1000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Handshake records whose message never ends."""
    writer.write(b"\x16\x03\x03\x00\x04\x02\xff\xff\xff")
    while True:
        writer.write(b"\x16\x03\x03\x40\x00" + bytes(0x4000))
        await writer.drain()


async def alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"\x15\x03\x03\x00\x02\x02\x70")  # unrecognized_name
    await writer.drain()


async def warn_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"\x15\x03\x03\x00\x02\x01\x5a")  # user_canceled, a warning
        await writer.drain()
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("talk", "kinds"),
    [
        (plain_http, {"not_tls"}),
        (silent, {"timeout"}),
        (hang_up, {"closed", "reset"}),
        (reset, {"reset", "closed"}),
        (drip, {"timeout"}),
        (flood, {"flood", "handshake"}),
        (alert, {"unknown_name"}),
        (warn_for_ever, {"flood", "handshake", "timeout"}),
    ],
)
async def test_hostile_servers_are_bounded_and_named(outbound: Outbound, talk: Talk, kinds: set[str]) -> None:
    async with listen(talk) as port:
        began = monotonic()
        found = await shake(outbound, port, timeout_s=0.4)
    assert monotonic() - began < 1.5
    assert found.failure is not None
    assert found.failure.phase == "tls"
    assert found.failure.kind in kinds
    assert found.chain == ()


def test_on_the_loop_of_the_engine() -> None:
    async def look(talk: Talk | None, tls: ssl.SSLContext | None) -> Handshake:
        outbound = Outbound(Guard((ip_network("127.0.0.0/8"),)))
        async with listen(talk, tls) as port:
            found = await shake(outbound, port, timeout_s=0.5)
        await outbound.close()
        return found

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(look(None, SHOP)).verify_code == 0
        for talk, kind in ((silent, "timeout"), (flood, "handshake"), (hang_up, "closed")):
            failure = runner.run(look(talk, None)).failure
            assert failure is not None
            assert failure.kind == kind


async def test_cancelled_it_leaves_nothing_open(outbound: Outbound) -> None:
    async with listen(silent) as port:
        task = asyncio.create_task(shake(outbound, port))
        await asyncio.sleep(0.1)
        assert outbound.open_sockets == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert outbound.open_sockets == 0


async def test_hundreds_at_once_keep_the_bound_and_the_deadline() -> None:
    outbound = Outbound(Guard((ip_network("127.0.0.0/8"),)), max_concurrent=2)
    async with listen(silent) as port:
        began = monotonic()
        every = await asyncio.gather(*(shake(outbound, port, timeout_s=0.3) for _ in range(6)))
    await outbound.close()
    assert {one.failure.kind for one in every if one.failure} == {"timeout"}
    assert monotonic() - began < 1.2  # who waited its time away gets a moment only


def speaks(*turns: tuple[bytes, bytes], tls: ssl.SSLContext | None = SHOP) -> Talk:
    """Waits for the first of each pair, answers the second; then TLS."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for wanted, answer in turns:
            if wanted:
                assert await reader.readexactly(len(wanted)) == wanted
            writer.write(answer)
            await writer.drain()
        if tls is not None:
            with contextlib.suppress(ssl.SSLError):
                await writer.start_tls(tls)
                await reader.read()

    return talk


EHLO = b"EHLO watchpost.invalid\r\n"
MAIL = ((b"", b"220 mx.test\r\n"), (EHLO, b"250-mx.test\r\n250-SIZE 1\r\n250 STARTTLS\r\n"))
STARTTLS = b"STARTTLS\r\n"
SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


@pytest.mark.parametrize(
    ("starttls", "talk"),
    [
        ("smtp", speaks(*MAIL, (STARTTLS, b"220 go\r\n"))),
        ("smtp", speaks((b"", b"220-mx.test\r\n220 hello\r\n"), MAIL[1], (STARTTLS, b"220 go\r\n"))),
        ("imap", speaks((b"", b"* OK ready\r\n"), (b"w1 STARTTLS\r\n", b"* NOTE x\r\nw1 OK go\r\n"))),
        ("postgres", speaks((SSL_REQUEST, b"S"))),
    ],
)
async def test_starttls(outbound: Outbound, starttls: str, talk: Talk) -> None:
    async with listen(talk) as port:
        found = await shake(outbound, port, starttls=starttls)
    assert found.failure is None
    assert (found.verify_code, len(found.chain)) == (0, 1)
    assert found.phases.wait > 0


@pytest.mark.parametrize(
    ("starttls", "talk", "kind", "says"),
    [
        ("smtp", speaks((b"", b"554 5.7.1 go away\r\n"), tls=None), "starttls", "554 5.7.1 go away"),
        ("smtp", speaks(MAIL[0], (EHLO, b"250 mx.test\r\n"), tls=None), "starttls", "does not offer"),
        ("smtp", speaks(*MAIL, (STARTTLS, b"454 no\r\n"), tls=None), "starttls", "454 no"),
        ("smtp", speaks((b"", b"SSH-2.0-x\r\n"), tls=None), "protocol", "does not speak SMTP"),
        ("smtp", speaks(*MAIL, (STARTTLS, b"220 go\r\n250 hi\r\n"), tls=None), "protocol", "plain text"),
        ("smtp", speaks((b"", b"2" * 5000), tls=None), "protocol", "a line without end"),
        ("smtp", speaks((b"", b"220-x\r\n" * 200), tls=None), "flood", "without end"),
        ("smtp", silent, "timeout", "did not get as far as TLS"),
        ("smtp", hang_up, "timeout", "did not get as far as TLS"),
        ("imap", speaks((b"", b"* BYE no\r\n"), tls=None), "protocol", "does not speak IMAP"),
        ("imap", speaks((b"", b"* OK\r\n"), (b"", b"w1 BAD what\r\n"), tls=None), "starttls", "BAD what"),
        ("postgres", speaks((SSL_REQUEST, b"N"), tls=None), "starttls", "does not offer TLS"),
        ("postgres", speaks((SSL_REQUEST, b"E"), tls=None), "protocol", "PostgreSQL"),
        ("postgres", speaks((SSL_REQUEST, b"Sinjected"), tls=None), "protocol", "plain text"),
        ("postgres", speaks((SSL_REQUEST, b""), tls=None), "closed", "without a word"),
    ],
)
async def test_what_goes_wrong_before_tls(
    outbound: Outbound, starttls: str, talk: Talk, kind: str, says: str
) -> None:
    async with listen(talk) as port:
        found = await shake(outbound, port, starttls=starttls, timeout_s=0.4)
    assert found.failure is not None
    assert (found.failure.phase, found.failure.kind) == ("starttls", kind)
    assert says in found.failure.sentence
