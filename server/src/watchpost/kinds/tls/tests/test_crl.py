"""What a list says of a certificate, and which lists say nothing."""

from __future__ import annotations

from datetime import timedelta
from time import process_time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from watchpost.kinds.tls import crl
from watchpost.kinds.tls.tests.lists import large, revoke
from watchpost.kinds.tls.tests.zoo import LINK, NAME, NOW, ROOT, STRANGER, Made, ca, make

URL = "http://ca.test/1.crl"
LEAF = make(NAME, LINK, crl=URL)
URI = x509.UniformResourceIdentifier


def read(body: bytes, one: Made = LEAF, by: Made = LINK) -> dict[str, str]:
    return crl.read(body, one.certificate, by.certificate, NOW)


def part(uri: str = URL, **more: object) -> tuple[x509.ExtensionType, bool]:
    says = {
        "full_name": [URI(uri)] if uri else None, "relative_name": None, "only_contains_user_certs": False,
        "only_contains_ca_certs": False, "only_some_reasons": None, "indirect_crl": False,
        "only_contains_attribute_certs": False,
    } | more  # fmt: skip
    return x509.IssuingDistributionPoint(**says), True  # type: ignore[arg-type]


def test_a_list_that_counts() -> None:
    assert read(revoke(LINK, 17))["state"] == "good"
    assert read(revoke(LINK, also=[part(), (x509.CRLNumber(3), False)]))["state"] == "good"
    said = read(revoke(LINK, 17, LEAF, 18))
    assert said == {
        "state": "revoked", "at": (NOW - timedelta(hours=2)).isoformat(),
        "reason": "its private key is no longer secret",
    }  # fmt: skip
    assert read(revoke(LINK, LEAF, reason=None))["reason"] == "no reason is given"
    assert read(revoke(LINK, LEAF, reason=x509.ReasonFlags.remove_from_crl))["state"] == "good"
    pem = x509.load_der_x509_crl(revoke(LINK, LEAF)).public_bytes(Encoding.PEM)
    assert read(pem)["state"] == "revoked"


def test_what_is_revoked_stays_so_in_a_list_that_is_out_of_date() -> None:
    assert read(revoke(LINK, LEAF, days=(-9, -1)))["state"] == "revoked"
    assert "out of date since" in read(revoke(LINK, days=(-9, -1)))["why"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (revoke(LINK, LEAF, key=STRANGER.key), "not signed by its issuer"),
        (revoke(STRANGER, LEAF), "not signed by its issuer"),
        (revoke(LINK, LEAF, days=(1, 9)), "of the future"),
        (b"<html>not found</html>", "cannot be read"),
        (b"", "cannot be read"),
        (b"\x30\x84\xff\xff\xff\xff" + b"\x30" * 2000, "cannot be read"),
        (revoke(LINK, LEAF)[:-40], "cannot be read"),
        (revoke(LINK, LEAF, also=[part("http://ca.test/2.crl")]), "another part"),
        (revoke(LINK, LEAF, also=[part(only_contains_ca_certs=True)]), "of other certificates"),
        (revoke(LINK, LEAF, also=[part(indirect_crl=True)]), "several authorities"),
        (
            revoke(LINK, LEAF, also=[part(only_some_reasons=frozenset([x509.ReasonFlags.superseded]))]),
            "by reason or kind",
        ),
        (revoke(LINK, LEAF, also=[(x509.DeltaCRLIndicator(2), True)]), "only what has changed"),
        (
            revoke(LINK, LEAF, also=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"x"), True)]),
            "not understood",
        ),
    ],
)  # fmt: skip
def test_a_list_that_says_nothing(body: bytes, says: str) -> None:
    said = read(body)
    assert (said["state"], says in said["why"]) == ("unknown", True), said


def test_where_a_list_is() -> None:
    assert crl.where(LEAF.certificate) == ((URL,), "")
    assert crl.where(make(NAME, LINK, crl="ldap://ca.test/x").certificate) == (
        (), "its list is only to be had by ldap")  # fmt: skip
    assert crl.where(make(NAME, LINK).certificate)[1] == "none: it names no list"
    assert crl.where(make(NAME, LINK, days=(-1, 5)).certificate)[1].endswith("too short-lived for a list")


def test_the_link_above_is_asked_for_as_an_authority() -> None:
    link = ca("Zoo Link 7", ROOT, crl=URL)
    assert (
        read(revoke(ROOT, link, also=[part(only_contains_ca_certs=True)]), link, ROOT)["state"] == "revoked"
    )
    assert read(revoke(ROOT, also=[part(only_contains_user_certs=True)]), link, ROOT)["state"] == "unknown"


def test_the_largest_list_is_read_in_time() -> None:
    """Nearly 10 MB, all that is taken: a quarter of a second here, and in proportion to its size."""
    body = large(LINK, 280_000)
    assert 9_000_000 < len(body) < crl.MOST_BYTES
    began = process_time()
    assert read(body)["state"] == "good"
    assert process_time() - began < 5.0
