"""A chain that was accepted is not checked again; everything else is, in the same look, with the same verdict."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_network
from time import monotonic

import pytest_asyncio
import trustme

from watchpost.outbound import Guard, Handshake, Knock, Outbound
from watchpost.outbound.tests.tlsserver import listen
from watchpost.outbound.trust import Accepted, store_of

FINE, WRONG_NAME, NO_ISSUER = 0, 62, 20


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    found = Outbound(Guard((ip_network("127.0.0.0/8"),)))
    yield found
    await found.close()


class Site:
    """What one certificate is served by; counts who comes."""

    def __init__(self, by: trustme.CA, *names: str) -> None:
        self.knocks = 0
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        by.issue_cert(*names).configure_cert(self.tls)
        self.tls.sni_callback = self._count  # type: ignore[assignment]

    def _count(self, *_: object) -> None:
        self.knocks += 1

    async def shake(self, outbound: Outbound, trusted: trustme.CA, name: str = "shop.test") -> Handshake:
        self.knocks = 0
        async with listen(tls=self.tls) as port:
            ca_pem = trusted.cert_pem.bytes().decode()
            return await outbound.shake(Knock(name, "127.0.0.1", port, ca_pem=ca_pem, timeout_s=5.0))


async def test_what_was_accepted_is_shown_as_before_and_needs_one_handshake(outbound: Outbound) -> None:
    authority = trustme.CA()
    site = Site(authority.create_child_ca(), "shop.test")
    first = await site.shake(outbound, authority)
    again = await site.shake(outbound, authority)
    assert (first.verify_code, again.verify_code, site.knocks) == (FINE, FINE, 1)
    assert len(again.chain) == 2
    assert (again.chain, again.protocol, again.cipher) == (first.chain, first.protocol, first.cipher)
    assert (again.verify_message, again.failure) == (first.verify_message, None)


async def test_signatures_of_a_known_chain_are_not_checked_and_those_of_another_are(
    outbound: Outbound,
) -> None:
    """That the known one is not checked is seen by a store that no longer would accept it."""
    authority, stranger = trustme.CA(), trustme.CA()
    known, other = Site(stranger, "shop.test"), Site(stranger, "shop.test")
    chain = (await known.shake(outbound, stranger)).chain
    store_of(authority.cert_pem.bytes().decode()).accepted.note("shop.test", chain)
    assert (await known.shake(outbound, authority)).verify_code == FINE
    refused = await other.shake(outbound, authority)
    assert (refused.verify_code, refused.failure, other.knocks) == (NO_ISSUER, None, 2)
    assert "unable to get local issuer" in refused.verify_message
    assert refused.chain
    assert refused.chain != chain


async def test_a_chain_that_changes_to_and_fro_is_judged_each_time(outbound: Outbound) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    good, other = Site(authority, "shop.test"), Site(authority, "shop.test")
    bad, wrong = Site(stranger, "shop.test"), Site(authority, "else.test")
    said = []
    for site in (good, bad, good, wrong, other, good, bad, other):
        found = await site.shake(outbound, authority)
        said.append((found.verify_code, site.knocks))
    assert said == [
        (FINE, 1), (NO_ISSUER, 2), (FINE, 1), (WRONG_NAME, 2), (FINE, 2), (FINE, 1), (NO_ISSUER, 2), (FINE, 1),
    ]  # fmt: skip


async def test_the_same_chain_is_not_good_for_another_name(outbound: Outbound) -> None:
    authority = trustme.CA()
    shop, both = Site(authority, "shop.test"), Site(authority, "shop.test", "else.test")
    assert (await both.shake(outbound, authority, "else.test")).verify_code == FINE
    assert (await shop.shake(outbound, authority)).verify_code == FINE
    assert (await shop.shake(outbound, authority, "else.test")).verify_code == WRONG_NAME
    assert shop.knocks == 2


async def test_the_same_chain_is_not_good_for_another_store(outbound: Outbound) -> None:
    one, two = trustme.CA(), trustme.CA()
    first, second = Site(one, "shop.test"), Site(two, "shop.test")
    assert (await first.shake(outbound, one)).verify_code == FINE
    assert (await second.shake(outbound, two)).verify_code == FINE
    assert (await first.shake(outbound, two)).verify_code == NO_ISSUER
    assert (await second.shake(outbound, one)).verify_code == NO_ISSUER


async def test_what_is_refused_is_never_taken_as_accepted(outbound: Outbound) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    bad = Site(stranger, "shop.test")
    for _ in range(2):
        assert (await bad.shake(outbound, authority)).verify_code == NO_ISSUER
    assert bad.knocks == 1


async def test_both_handshakes_share_the_time_of_one_look(outbound: Outbound) -> None:
    """Whoever shows another chain and then lets the second handshake hang costs no more than the deadline."""
    authority = trustme.CA()
    assert (await Site(authority, "shop.test").shake(outbound, authority)).verify_code == FINE
    shown: list[int] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown.append(1)
        if len(shown) == 1:
            await writer.start_tls(Site(trustme.CA(), "shop.test").tls)
        await reader.read()

    async with listen(once) as port:
        ca_pem, began = authority.cert_pem.bytes().decode(), monotonic()
        found = await outbound.shake(Knock("shop.test", "127.0.0.1", port, ca_pem=ca_pem, timeout_s=0.5))
    assert monotonic() - began < 0.9
    assert found.failure is not None
    assert (len(shown), found.failure.kind, found.chain) == (2, "timeout", ())


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    memory = Accepted(most_names=3, most_each=2)
    for number in range(5):
        memory.note(f"{number}.test", (b"leaf",))
    assert [memory.knows(f"{number}.test") for number in range(5)] == [False, False, True, True, True]
    for leaf in (b"one", b"two"):
        memory.note("4.test", (leaf, b"link"))
    assert [memory.holds("4.test", chain) for chain in ((b"leaf",), (b"one", b"link"), (b"two", b"link"))] == [
        False, True, True,
    ]  # fmt: skip
    assert not memory.holds("4.test", (b"two",))
    assert not memory.holds("0.test", (b"leaf",))
