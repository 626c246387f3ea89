"""A served chain as facts: small, whatever stands in it. Pure.

No DER goes into facts: names, dates, numbers, fingerprints (SHA-256), and what is wrong, in words.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from watchpost.kinds.tls.chain import (
    Cert,
    Diagnosis,
    Reason,
    Roots,
    diagnose,
    fingerprint,
    key_words,
    organisation,
    parse,
    sans,
    signature_words,
    title,
    turns,
    weaknesses,
)
from watchpost.outbound import Handshake, Store

Chain = tuple[bytes, ...]

_BEFORE = timedelta(seconds=1)
_MOST_NAMES = 10
_MOST_LISTED = 5
# OpenSSL's X509_V_ERR: the name does not fit (host, e-mail, address).
_NAME_CODES = frozenset({62, 63, 64})
_TRUST = frozenset({"self_signed", "unknown_root", "chain.missing_intermediate"})


@lru_cache(maxsize=64)
def roots_of(store: Store) -> Roots:
    """The trusted certificates of a store, parsed once."""
    return Roots(one for one in map(parse, store.roots) if one is not None)


def describe(shaken: Handshake, name: str, store: Store, now: datetime) -> Mapping[str, Any]:
    """The facts of one served chain. OpenSSL says whether it is accepted, the diagnosis why not.

    A chain is the same at nearly every look, and what is said of it changes only when one of its certificates
    begins or ends: it is worked out once for each stretch of time between two such moments.
    """
    turn = bisect_right(_turns(shaken.chain, store), now)
    return _describe(shaken.chain, shaken.verify_code, shaken.verify_message, name, store, turn)


@lru_cache(maxsize=4096)
def _turns(chain: Chain, store: Store) -> tuple[datetime, ...]:
    read = _read(chain)
    return turns(read, roots_of(store)) if read else ()


def _read(chain: Chain) -> tuple[Cert, ...]:
    """What can be read of it; () when not even the leaf can."""
    read = tuple(map(parse, chain))
    return tuple(one for one in read if one is not None) if read[0] is not None else ()


@lru_cache(maxsize=4096)
def _describe(chain: Chain, code: int, message: str, name: str, store: Store, turn: int) -> Mapping[str, Any]:
    """In the stretch of time that begins with this number of turns behind it."""
    read = _read(chain)
    if not read:
        return _unreadable(chain[0])
    leaf, roots, dates = read[0], roots_of(store), _turns(chain, store)
    found = diagnose(read, name, roots, dates[turn - 1] if turn else dates[0] - _BEFORE)
    reasons = _agree(found, code, message, title(leaf))
    facts: dict[str, Any] = {
        **_leaf(leaf),
        "reasons": [[one.code, one.words[:400], one.of] for one in reasons[:_MOST_LISTED]],
        "path": [title(one) for one in found.path[:_MOST_LISTED]],
    }
    if found.ends is not None and found.complete:
        facts["path_ends"] = _dates(found.ends)
    if found.spares:
        facts["spares"] = [_dates(one) for one in found.spares[:_MOST_LISTED]]
    weak = list(weaknesses(found.path, roots))
    if weak:
        facts["weak"] = [list(one) for one in weak[:_MOST_LISTED]]
    return facts


def _agree(found: Diagnosis, code: int, message: str, who: str) -> list[Reason]:
    """What OpenSSL accepts is accepted, whatever our own path building says; what it refuses has a reason."""
    reasons = list(found.reasons)
    if code == 0:
        return [one for one in reasons if one.code not in _TRUST | {"wrong_name", "rejected"}]
    explained = {"wrong_name"} if code in _NAME_CODES else _TRUST | {"rejected"}
    if not any(one.code in explained for one in reasons):
        reasons.append(Reason("rejected", f"OpenSSL refuses it ({message[:100]})", who))
    return reasons


@lru_cache(maxsize=4096)
def _leaf(leaf: Cert) -> Mapping[str, Any]:
    """Whatever does not hang on time or on who asks: the same at every look, so it is read once."""
    names = sans(leaf)
    facts: dict[str, Any] = {
        "fingerprint": fingerprint(leaf),
        "subject": title(leaf),
        "issuer": leaf.issuer.rfc4514_string()[:200],
        "issued_by": organisation(leaf.issuer),
        "serial": f"{leaf.serial_number:x}"[:40],
        "names": [name[:100] for name in names[:_MOST_NAMES]],
        "not_before": leaf.not_valid_before_utc.isoformat(),
        "not_after": leaf.not_valid_after_utc.isoformat(),
        "key": key_words(leaf),
        "spki": _spki(leaf),
        "signature": signature_words(leaf),
    }
    if len(names) > _MOST_NAMES:
        facts["more_names"] = len(names) - _MOST_NAMES
    return facts


@lru_cache(maxsize=4096)
def _spki(leaf: Cert) -> str:
    """Which key it is: half a SHA-256 of the public key; "" where it cannot be read."""
    if key_words(leaf) == "unknown":
        return ""
    der = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(der).hexdigest()[:32]


def _dates(one: x509.Certificate) -> list[str]:
    return [title(one), one.not_valid_before_utc.isoformat(), one.not_valid_after_utc.isoformat()]


def _unreadable(der: bytes) -> dict[str, Any]:
    words = "it cannot be read: it breaks the rules of X.509"
    return {
        "fingerprint": sha256(der).hexdigest(),
        "subject": "an unreadable certificate",
        "reasons": [["rejected", words, "an unreadable certificate"]],
    }
