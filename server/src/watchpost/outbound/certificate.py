"""Facts of a served certificate, out of what libcurl kept of the handshake.

Parsed once per certificate: a monitor sees the same chain at every look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from time import monotonic
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

_EVERY_S = 3600.0
_RENEWABLE_S = 300.0
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

    def holds_s(self, now: datetime) -> float | None:
        """For how long what was read of it is believed, None: as usual. One that ended, or is due to
        be renewed (in the last third of its life, as ACME clients do it), may be replaced at any moment."""
        left = self.not_after - now
        if left <= timedelta(0):
            return 0.0
        return _RENEWABLE_S if left * 3 <= self.not_after - self.not_before else None


class Readings:
    """When certificates are to be read again, by whatever names them. Reading costs; they rarely change."""

    def __init__(self, every_s: float = _EVERY_S, most: int = _MOST_REMEMBERED) -> None:
        self._every_s, self._most = every_s, most
        self._until: dict[tuple[object, ...], float] = {}

    def due(self, *key: object) -> bool:
        """Never read since start, or not for as long as the last reading holds."""
        until = self._until.get(key)
        return until is None or monotonic() >= until

    def note(self, *key: object, holds_s: float | None = None) -> None:
        """It was read just now; None: that holds as usual. The oldest makes room when there are too many."""
        self._until.pop(key, None)
        if len(self._until) >= self._most:
            del self._until[next(iter(self._until))]
        self._until[key] = monotonic() + (self._every_s if holds_s is None else holds_s)


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
