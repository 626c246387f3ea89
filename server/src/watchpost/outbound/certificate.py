"""Facts of a served certificate, out of what libcurl kept of the handshake.

Parsed once per certificate: a monitor sees the same chain at every look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes


@dataclass(frozen=True, slots=True)
class Certificate:
    """``sans``: DNS names and addresses; ``fingerprint``: SHA-256 in hex; times are aware UTC."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    sans: tuple[str, ...]
    fingerprint: str
    pem: bytes


def read_chain(info: Any) -> tuple[Certificate, ...]:
    """The served chain, leaf first. What cannot be parsed is left out."""
    chain = []
    for entry in info or ():
        for field in entry:
            name, value = field if isinstance(field, tuple) else field.split(b":", 1)
            if name in (b"Cert", "Cert"):
                found = _parse(value if isinstance(value, bytes) else value.encode("ascii"))
                if found is not None:
                    chain.append(found)
    return tuple(chain)


@lru_cache(maxsize=4096)
def _parse(pem: bytes) -> Certificate | None:
    try:
        parsed = x509.load_pem_x509_certificate(pem)
        return Certificate(
            parsed.subject.rfc4514_string(),
            parsed.issuer.rfc4514_string(),
            parsed.not_valid_before_utc,
            parsed.not_valid_after_utc,
            _sans(parsed),
            parsed.fingerprint(hashes.SHA256()).hex(),
            pem,
        )
    except ValueError:
        return None


def _sans(parsed: x509.Certificate) -> tuple[str, ...]:
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(str(name.value) for name in names if isinstance(name, (x509.DNSName, x509.IPAddress)))
