"""Facts of a served certificate, out of what libcurl kept of the handshake.

Parsed once per certificate: a monitor sees the same chain at every look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from time import monotonic
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

_EVERY_S = 3600.0
_MOST_REMEMBERED = 20_000


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


class Readings:
    """When certificates were last read, by whatever names them. Reading costs, and they rarely change."""

    def __init__(self, every_s: float = _EVERY_S, most: int = _MOST_REMEMBERED) -> None:
        self._every_s, self._most = every_s, most
        self._read: dict[tuple[object, ...], float] = {}

    def due(self, *key: object) -> bool:
        """Never read since start, or not for an hour."""
        at = self._read.get(key)
        return at is None or monotonic() - at >= self._every_s

    def note(self, *key: object) -> None:
        """It was read just now. The oldest reading makes room when there are too many."""
        self._read.pop(key, None)
        if len(self._read) >= self._most:
            del self._read[next(iter(self._read))]
        self._read[key] = monotonic()


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
