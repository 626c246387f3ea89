"""DNSSEC as a validating resolver sees it (RFC 4035): do DS, keys and signatures add up, when do they end.

Whether a signature has ended is judged where ``now`` is an argument; here time is left out of it. What
dnspython cannot verify (an algorithm it does not know) is not held against the zone, as RFC 4035, 5.2 says.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dns.dnssec
import dns.dnssectypes
import dns.exception
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset

from watchpost.kinds.dns.answers import Told
from watchpost.kinds.dns.records import name_of, rrset_of

_MOST_SIGNATURES, _MOST_KEYS = 4, 8  # of one record set: verifying costs time, and anybody can serve many


_ALGORITHMS = frozenset({"5", "7", "8", "10", "13", "14", "15", "16"})  # RFC 8624
_DIGESTS = frozenset({"1", "2", "4"})


def read(every: Sequence[Told], zone: str, ds: Sequence[str] | None) -> dict[str, Any]:
    """``broken``: why validating resolvers turn away, ``ends``: the signature that ends first, each with the
    servers (numbers) it was seen at. Empty when the parent has no DS that resolvers understand: then nobody
    validates."""
    usable = None if ds is None else [one for one in ds if _is_usable(one)]
    if usable is not None and not usable:
        return {}
    broken: dict[str, list[int]] = {}
    ends: dict[tuple[str, str, str], list[int]] = {}
    for number, told in enumerate(every):
        if told.serial is None or "DNSKEY" not in told.messages:
            continue
        if not usable and rrset_of(told.messages["DNSKEY"], name_of(zone), "DNSKEY") is None:
            continue
        why = _broken(told, name_of(zone), usable or ())
        if why:
            broken.setdefault(why, []).append(number)
        first = min(_ends(told), default=None)
        if first is not None:
            ends.setdefault(first, []).append(number)
    if not broken and not ends:
        return {}
    return {
        "broken": [{"why": why, "from": numbers} for why, numbers in broken.items()],
        "ends": [
            {"at": at, "from_day": begins, "of": of, "from": numbers}
            for (at, begins, of), numbers in sorted(ends.items())
        ],
    }


def _is_usable(ds: str) -> bool:
    """Whether resolvers know its algorithms; a zone with no other DS counts as unsigned (RFC 4035, 5.2)."""
    _, algorithm, digest, *_ = ds.split()
    return algorithm in _ALGORITHMS and digest in _DIGESTS


def _signatures(message: dns.message.Message, rrset: dns.rrset.RRset) -> list[Any]:
    found = next(
        (
            one
            for one in message.answer
            if one.name == rrset.name and one.rdtype == dns.rdatatype.RRSIG and one.covers == rrset.rdtype
        ),
        None,
    )
    return list(found)[:_MOST_SIGNATURES] if found is not None else []


def _ends(told: Told) -> list[tuple[str, str, str]]:
    """Of each record set the signature that lasts longest: end, beginning, type."""
    found = []
    for message in told.messages.values():
        for rrset in message.answer:
            signatures = [] if rrset.rdtype == dns.rdatatype.RRSIG else _signatures(message, rrset)
            if signatures:
                last = max(signatures, key=lambda one: int(one.expiration))
                of = dns.rdatatype.to_text(rrset.rdtype)
                found.append((_moment(last.expiration), _moment(last.inception), of))
    return found


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _broken(told: Told, zone: dns.name.Name, ds: Sequence[str]) -> str:
    """Why nobody can validate what this server says; "" if somebody can."""
    keys = rrset_of(told.messages["DNSKEY"], zone, "DNSKEY")
    soa = rrset_of(told.messages["SOA"], zone, "SOA")
    if keys is None:
        return "the parent has a DS record, but the zone has no DNSKEY"
    anchors = _anchors(keys, zone, ds)
    if ds and not anchors:
        return "no DNSKEY of the zone fits the DS record at the parent"
    trusted = dns.rrset.from_rdata_list(zone, keys.ttl, anchors) if ds else keys
    for rrset, message, by in ((keys, told.messages["DNSKEY"], trusted), (soa, told.messages["SOA"], keys)):
        if rrset is None:
            continue
        what = dns.rdatatype.to_text(rrset.rdtype)
        signatures = _signatures(message, rrset)
        if not signatures:
            return f"the {what} record is not signed"
        if not any(_verifies(rrset, one, zone, by) for one in signatures):
            return f"the signature of the {what} record does not fit the key it names"
    return ""


def _anchors(keys: dns.rrset.RRset, zone: dns.name.Name, ds: Sequence[str]) -> list[Any]:
    """The keys whose digest the parent vouches for; one that cannot be computed here gets the benefit."""
    wanted = {tuple(one.split()) for one in ds}
    found = []
    for key in list(keys)[:_MOST_KEYS]:
        for tag, algorithm, digest, value in wanted:
            if str(dns.dnssec.key_id(key)) != tag or str(int(key.algorithm)) != algorithm:
                continue
            try:
                made = dns.dnssec.make_ds(zone, key, dns.dnssectypes.DSDigest(int(digest)), validating=True)
            except (dns.exception.DNSException, ValueError):
                found.append(key)
            else:
                if made.digest.hex() == value:
                    found.append(key)
    return found


def _verifies(rrset: dns.rrset.RRset, signature: Any, zone: dns.name.Name, keys: dns.rrset.RRset) -> bool:
    try:
        dns.dnssec.validate_rrsig(rrset, signature, {zone: keys}, now=float(signature.inception))
    except dns.exception.UnsupportedAlgorithm:
        return True
    except (dns.exception.DNSException, ValueError):
        return False
    return True
