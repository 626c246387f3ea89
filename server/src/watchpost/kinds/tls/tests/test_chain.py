"""The diagnosis alone: any chain, any bytes, any time."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from watchpost.kinds.tls.chain import Roots, covers, diagnose, fingerprint, has_issued, parse, title
from watchpost.kinds.tls.served import describe
from watchpost.kinds.tls.tests.zoo import DAY, LINK, NAME, NOW, ROOT, STRANGER, ca, chain, make, new_key
from watchpost.outbound import Handshake
from watchpost.outbound.trust import store_of

SECOND = timedelta(seconds=1)
ROOTS = Roots([ROOT.certificate])
GOOD = make(NAME, LINK, sans=[NAME, "127.0.0.1", "*.x.test"], aia=True)
DER = [one.public_bytes(Encoding.DER) for one in chain(GOOD, LINK)]


def codes(*made: object, name: str = NAME, roots: Roots = ROOTS, days: float = 0) -> list[str]:
    found = diagnose(tuple(chain(*made)), name, roots, NOW + days * DAY)  # type: ignore[arg-type]
    return [one.code for one in found.reasons]


def test_the_same_chain_changes_with_time_alone() -> None:
    leaf = make(NAME, LINK, days=(0, 90))
    assert [codes(leaf, LINK, days=day) for day in (-0.01, 0, 89.99, 90)] == [
        ["not_yet_valid"], [], [], ["expired"]
    ]  # fmt: skip


def test_of_two_paths_the_one_that_lasts_is_taken() -> None:
    """The link is signed by two roots; its older twin expires tomorrow and is no news."""
    other = ca("Other Root")
    twin = ca("Zoo Link 1", other, days=(-100, 1), key=LINK.key)
    leaf = make(NAME, LINK)
    both = Roots(chain(ROOT, other))
    found = diagnose(tuple(chain(leaf, twin, LINK)), NAME, both, NOW)
    assert found.ends is not None
    assert found.ends.not_valid_after_utc > NOW + 100 * DAY
    assert [fingerprint(one) for one in found.spares] == [fingerprint(twin.certificate)]
    only = diagnose(tuple(chain(leaf, twin)), NAME, Roots(chain(other)), NOW)
    assert only.ends == twin.certificate


def test_a_name_that_fits_without_the_signature_is_no_issuer() -> None:
    impostor = ca("Zoo Link 1", STRANGER)
    assert codes(make(NAME, impostor), impostor, roots=ROOTS) == ["unknown_root"]
    assert codes(make(NAME, LINK), impostor) == ["chain.missing_intermediate"]


def test_an_authority_in_a_circle_ends() -> None:
    keys = [new_key() for _ in range(2)]
    one = ca("Circle A", key=keys[0])
    two = ca("Circle B", one, key=keys[1])
    one_again = ca("Circle A", two, key=keys[0])
    two_again = ca("Circle B", one_again, key=keys[1])
    assert codes(make(NAME, two), two, one_again, two_again) == ["chain.missing_intermediate"]


def test_a_hundred_twins_cost_little() -> None:
    """Each of them may have issued each other: without a bound, more paths than there are atoms."""
    key = new_key()
    root = ca("Twin", key=key)
    twins = [ca("Twin", root, key=key, days=(-900, 2000 + number)) for number in range(100)]
    leaf = make(NAME, root)
    checked = has_issued.cache_info().misses
    assert codes(leaf, *twins) == ["unknown_root"]
    assert has_issued.cache_info().misses - checked <= 64 + 16


@pytest.mark.parametrize(
    ("names", "name", "fits"),
    [
        (("shop.test",), "SHOP.test.", True),
        (("*.shop.test",), "www.shop.test", True),
        (("*.shop.test",), "shop.test", False),
        (("*.shop.test",), "a.www.shop.test", False),
        (("*.test",), "shop.test", False),  # a star over a whole top level domain
        (("w*.shop.test",), "www.shop.test", False),
        (("*",), "shop", False),
        (("192.0.2.1",), "192.0.2.1", True),
        (("*.0.2.1",), "192.0.2.1", False),
        (("2001:db8::1",), "2001:db8:0::1", True),
        ((), "shop.test", False),
    ],
)
def test_names(names: tuple[str, ...], name: str, fits: bool) -> None:
    assert covers(names, name) is fits


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0, 20, 62]))
def test_whatever_bytes_are_served_facts_come_out(seed: int, code: int) -> None:
    noise = random.Random(seed)
    served = []
    for der in DER:
        bad = bytearray(der)
        for _ in range(noise.randint(0, 3)):
            bad[noise.randrange(len(bad))] = noise.randrange(256)
        served.append(bytes(bad))
    shaken = Handshake("127.0.0.1", tuple(served), verify_code=code)
    facts = describe(shaken, NAME, store_of(ROOT.pem), NOW)
    assert len(json.dumps(facts)) < 4000
    assert bool(facts["reasons"]) or code == 0


@pytest.mark.parametrize("der", [b"", b"\x30\x00", DER[0][:100], bytes(1000)])
def test_what_is_no_certificate_is_none(der: bytes) -> None:
    assert parse(der) is None
    facts = describe(Handshake("127.0.0.1", (der,)), NAME, store_of(ROOT.pem), NOW)
    assert facts["reasons"][0][0] == "rejected"


def test_openssl_has_the_last_word() -> None:
    """It accepts what we cannot explain, and what it refuses is never good."""
    served = (make(NAME, STRANGER).certificate.public_bytes(Encoding.DER),)
    store = store_of(ROOT.pem)
    accepted = describe(Handshake("x", served, verify_code=0), NAME, store, NOW)
    assert accepted["reasons"] == []
    good = make(NAME, ROOT).certificate.public_bytes(Encoding.DER)
    refused = describe(
        Handshake("x", (good,), verify_code=26, verify_message="bad purpose"), NAME, store, NOW
    )
    assert refused["reasons"] == [["rejected", "OpenSSL refuses it (bad purpose)", NAME]]


def test_facts_that_are_kept_are_those_of_now() -> None:
    """Facts are worked out once between two dates of a chain. Asked at any moment, in any order, of chains
    whose parts begin and end at different times, they say what a diagnosis of that very moment says."""
    leaf, ended, coming = make(NAME, LINK, days=(-2, 4)), ca("Other", days=(-9, -1)), ca("Later", days=(1, 9))
    link = ca("Zoo Link 1", ROOT, days=(-3, 3), key=LINK.key)
    twin = ca("Zoo Link 1", ca("Old Root", days=(-5, 2)), days=(-1, 5), key=LINK.key)
    store, moments = (
        store_of(ROOT.pem),
        [step * DAY / 2 + shift * SECOND for step in range(-14, 14) for shift in (-1, 0)],
    )
    random.Random(7).shuffle(moments)
    said = set()
    for made in ((leaf, link), (leaf, link, twin), (leaf, link, ended, coming), (leaf, ended)):
        served = tuple(one.public_bytes(Encoding.DER) for one in chain(*made))
        for after in moments:
            facts = describe(Handshake("x", served, verify_code=20), NAME, store, NOW + after)
            now = diagnose(tuple(map(x509.load_der_x509_certificate, served)), NAME, ROOTS, NOW + after)
            assert [tuple(one) for one in facts["reasons"] if one[0] != "rejected"] == [
                (one.code, one.words, one.of) for one in now.reasons
            ]
            assert facts["path"] == [title(one) for one in now.path]
            said |= {code for code, *_ in facts["reasons"]}
    assert said >= {"expired", "not_yet_valid", "chain.expired", "chain.missing_intermediate"}


def test_facts_that_are_kept_are_those_of_this_name_store_and_opinion() -> None:
    served = tuple(DER)
    for name, store, code in (
        (NAME, ROOT, 0),
        ("else.test", ROOT, 62),
        (NAME, STRANGER, 20),
        (NAME, ROOT, 26),
    ) * 2:
        shaken = Handshake("x", served, verify_code=code, verify_message="bad purpose")
        reasons = [one[0] for one in describe(shaken, name, store_of(store.pem), NOW)["reasons"]]
        assert reasons == {0: [], 62: ["wrong_name"], 20: ["unknown_root"], 26: ["rejected"]}[code]


def test_facts_stay_small_whatever_stands_in_the_names() -> None:
    huge = make("x" * 64, LINK, sans=["y" * 63 + f".{number}.test" for number in range(500)])
    served = tuple(one.public_bytes(Encoding.DER) for one in chain(huge, LINK))
    facts = describe(Handshake("x", served), NAME, store_of(ROOT.pem), NOW + timedelta(days=900))
    assert len(json.dumps(facts)) < 3000
    assert facts["more_names"] == 490
