"""A chain that was accepted is not checked again; everything else is, in the same look, with the same verdict."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_network
from time import monotonic

import pytest
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

    def __init__(self, by: trustme.CA, *names: str, only: str = "TLSv1_3") -> None:
        self.knocks = 0
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.set_ciphers("DEFAULT:@SECLEVEL=0")
        self.tls.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        self.tls.maximum_version = ssl.TLSVersion[only]
        by.issue_cert(*names).configure_cert(self.tls)
        self.tls.sni_callback = self._count  # type: ignore[assignment]

    def _count(self, *_: object) -> None:
        self.knocks += 1

    async def shake(self, outbound: Outbound, trusted: trustme.CA, name: str = "shop.test") -> Handshake:
        self.knocks = 0
        async with listen(tls=self.tls) as port:
            ca_pem = trusted.cert_pem.bytes().decode()
            return await outbound.shake(Knock(name, "127.0.0.1", port, ca_pem=ca_pem, timeout_s=5.0))


@pytest.mark.parametrize("only", ["TLSv1_2", "TLSv1_3"])
async def test_what_was_accepted_is_shown_as_before_and_needs_one_handshake(
    outbound: Outbound, only: str
) -> None:
    authority = trustme.CA()
    site = Site(authority.create_child_ca(), "shop.test", only=only)
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
    accepted = store_of(authority.cert_pem.bytes().decode()).accepted
    assert accepted is not None
    accepted.note("shop.test", chain)
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


@pytest.mark.parametrize("name", ["127.0.0.1", "shop.test"])
async def test_a_name_is_sent_and_an_address_is_not(outbound: Outbound, name: str) -> None:
    authority, heard = trustme.CA(), list[str | None]()
    site = Site(authority, name)
    site.tls.sni_callback = lambda _, said, __: heard.append(said)  # type: ignore[assignment]
    for _ in range(2):
        assert (await site.shake(outbound, authority, name)).verify_code == FINE
    assert heard == [name if name == "shop.test" else None] * 2


async def test_who_does_not_understand_the_short_question_is_asked_in_full(outbound: Outbound) -> None:
    """This one knows no group but P-384. It is not troubled with what it does not understand again."""
    authority = trustme.CA()
    site = Site(authority, "shop.test", only="TLSv1_2")
    site.tls.set_ecdh_curve("secp384r1")
    said = []
    for _ in range(4):
        found = await site.shake(outbound, authority)
        said.append((found.verify_code, found.failure, bool(found.chain), site.knocks))
    assert said == [(FINE, None, True, knocks) for knocks in (1, 2, 1, 1)]


@pytest.mark.parametrize("only", ["TLSv1_2", "TLSv1_3"])
async def test_who_begins_to_demand_a_certificate_of_us_is_told_as_if_asked_for_the_first_time(
    outbound: Outbound, only: str
) -> None:
    authority, new = trustme.CA(), trustme.CA()
    known, unknown = Site(authority, "shop.test", only=only), Site(new, "shop.test", only=only)
    assert (await known.shake(outbound, authority)).failure is None
    for site in (known, unknown):
        site.tls.verify_mode = ssl.CERT_REQUIRED
    again, first = await known.shake(outbound, authority), await unknown.shake(outbound, new)
    assert (again.failure, again.verify_code, again.protocol) == (first.failure, FINE, first.protocol)
    assert again.chain
    assert (again.failure is None) == (only == "TLSv1_3")  # there it is said only after the handshake


async def test_of_servers_that_differ_each_is_seen_as_often_as_it_answers(outbound: Outbound) -> None:
    """One address, two servers in turn, one of them with a certificate that nobody trusts. Once they were
    seen to differ, each look is one handshake and says what it saw."""
    authority, turn = trustme.CA(), list[int]()
    good, bad = Site(authority, "shop.test"), Site(trustme.CA(), "shop.test")
    assert (await good.shake(outbound, authority)).verify_code == FINE

    async def balance(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        turn.append(1)
        await writer.start_tls((bad if len(turn) % 2 else good).tls)
        await reader.read()

    ca_pem, said = authority.cert_pem.bytes().decode(), []
    async with listen(balance) as port:
        for _ in range(5):
            found = await outbound.shake(Knock("shop.test", "127.0.0.1", port, ca_pem=ca_pem, timeout_s=5.0))
            said.append((found.verify_code, len(turn)))
    assert said == [(FINE, 2), (NO_ISSUER, 3), (FINE, 4), (NO_ISSUER, 5), (FINE, 6)]


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
    for number in range(2, 5):
        memory.shun(f"{number}.test")
    memory.shun("5.test")
    assert [memory.knows(f"{number}.test") for number in range(2, 5)] == [True, False, False]


def test_who_is_shunned_is_known_again_after_a_while() -> None:
    memory = Accepted(shy_s=0.0)
    memory.note("shop.test", (b"leaf",))
    memory.shun("shop.test")
    assert memory.knows("shop.test")
