"""Renewal information as RFC 9773 writes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from watchpost.kinds.tls import ari
from watchpost.kinds.tls.tests.zoo import DAY, LINK, NAME, NOW, make, new_key

START, END = "2025-01-02T04:00:00Z", "2025-01-03T04:00:00Z"


def window(start: Any = START, end: Any = END, **more: Any) -> bytes:
    return json.dumps({"suggestedWindow": {"start": start, "end": end}} | more).encode()


def example() -> x509.Certificate:
    """A certificate with the numbers of the RFC's example (4.1)."""
    key, aki = new_key(), bytes.fromhex("69885B6B87464041E1B37B847BA0AE2CDE01C8D4")
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(LINK.certificate.subject)
        .public_key(key.public_key())
        .serial_number(0x87654321)
        .not_valid_before(NOW)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.AuthorityKeyIdentifier(aki, None, None), critical=False)
        .sign(LINK.key, hashes.SHA256())
    )


def test_how_a_certificate_is_called() -> None:
    assert ari.cert_id(example()) == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"


def test_where_to_ask() -> None:
    body = b'{"renewalInfo": "https://ca.test/acme/renewal-info/"}'
    assert ari.info_url("https://ca.test/d", body, "a.b") == "https://ca.test/acme/renewal-info/a.b"
    for nothing in (
        b"{}",
        b"[]",
        b"<html>",
        b'{"renewalInfo": "ldap://x"}',
        b'{"renewalInfo": 5}',
        b"[" * 9999,
    ):
        assert ari.info_url("https://ca.test/d", nothing, "a.b") is None
    assert ari.directory_of(make(NAME, LINK).certificate) is None


def test_a_window() -> None:
    assert ari.read(window(explanationURL="https://ca.test/why")) == {
        "start": "2025-01-02T04:00:00+00:00", "end": "2025-01-03T04:00:00+00:00",
        "explained": "https://ca.test/why",
    }  # fmt: skip
    assert (ari.read(window("2025-01-02T06:00:00.123+02:00")) or {})["start"] == "2025-01-02T04:00:00+00:00"
    assert "explained" not in (ari.read(window(explanationURL="javascript:alert(1)")) or {"explained": ""})


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", window(END, START), window(START, START), window(5), window("soon"),
     window("2025-01-02T04:00:00"), b"[" * 99_999],
)  # fmt: skip
def test_no_window(body: bytes) -> None:
    assert ari.read(body) is None
