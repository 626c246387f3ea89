"""Certificates as people give them: authorities, and the one that a look shows to a server which asks for
one (RFC 8446, 4.4.2)."""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates


@lru_cache(maxsize=256)
def check_authorities(pem: str) -> None:
    """Raises ValueError for authorities that no handshake could be checked against."""
    try:
        for one in load_pem_x509_certificates(pem.encode()):
            one.public_key()
    except (ValueError, UnsupportedAlgorithm):
        count = pem.count("-----BEGIN CERTIFICATE-----")
        which = "the certificate" if count == 1 else f"one of the {count} certificates"
        raise ValueError(
            f"ca_pem cannot be read: {which} in it is damaged or cut off; paste the PEM text again, whole, "
            "from BEGIN CERTIFICATE to END CERTIFICATE (openssl x509 -in ca.pem -noout says if it can)"
        ) from None


def check_identity(certificate: str, key: str) -> None:
    """Raises ValueError, without a word of the key, for a pair that no server could accept."""
    try:
        first = load_pem_x509_certificates(certificate.encode())[0]
    except ValueError:
        raise ValueError(
            "client_cert is not a certificate in PEM; it begins with -----BEGIN CERTIFICATE-----"
        ) from None
    try:
        private = load_pem_private_key(key.encode(), None)
    except TypeError:
        raise ValueError(
            "client_key is locked with a password; give it without (openssl pkey -in key.pem)"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("client_key is not a private key in PEM; it begins with -----BEGIN") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != first.public_key().public_bytes(*form):
        raise ValueError(
            "client_key does not belong to client_cert; the first certificate must be that of the key"
        )
