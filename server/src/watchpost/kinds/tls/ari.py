"""When an authority wants a certificate renewed: ACME renewal information (RFC 9773). Pure.

A certificate does not say where its authority's ACME directory is: a few are known, others are told.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from cryptography import x509

from watchpost.kinds.tls.chain import Cert, organisation
from watchpost.registry.place import place

# By the organisation that issued. Only those that are known to offer renewalInfo to anybody who asks.
DIRECTORIES = {
    "Let's Encrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "(STAGING) Let's Encrypt": "https://acme-staging-v02.api.letsencrypt.org/directory",
    "Google Trust Services": "https://dv.acme-v02.api.pki.goog/directory",
    "Google Trust Services LLC": "https://dv.acme-v02.api.pki.goog/directory",
}
_MOST_WORDS = 300


def directory_of(leaf: Cert) -> str | None:
    return DIRECTORIES.get(organisation(leaf.issuer))


def cert_id(leaf: Cert) -> str | None:
    """RFC 9773, 4.1: both parts base64url without padding, the serial as the bytes of its DER integer."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    except x509.ExtensionNotFound:
        return None
    if not found.key_identifier or leaf.serial_number <= 0:
        return None
    serial = leaf.serial_number.to_bytes(leaf.serial_number.bit_length() // 8 + 1)
    return f"{_coded(found.key_identifier)}.{_coded(serial)}"


def _coded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def info_url(directory: str, body: bytes, identifier: str) -> str | None:
    """Out of the directory; None: it offers no renewal information."""
    try:
        base = json.loads(body)["renewalInfo"]
        return place(f"{urljoin(directory, base).rstrip('/')}/{identifier}").url
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def read(body: bytes) -> dict[str, str] | None:
    """``start``, ``end``, and ``explained`` if the authority says why: an address. None: unreadable."""
    try:
        data: Any = json.loads(body)
        window = data["suggestedWindow"]
        start, end = (_moment(window[name]) for name in ("start", "end"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if end <= start:
        return None  # RFC 9773, 4.2: such a window must not be acted on
    found = {"start": start.isoformat(), "end": end.isoformat()}
    said = data.get("explanationURL")
    if isinstance(said, str) and said.startswith(("http://", "https://")) and said.isprintable():
        found["explained"] = said[:_MOST_WORDS]
    return found


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without its zone")
    return found.astimezone(UTC).replace(microsecond=0)
