"""What name servers say, in values that can be compared and shown: reading dnspython's messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from watchpost.kinds.dns.config import digest, plain, shortened

_MOST_VALUES = 24


def name_of(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


def text_of(name: dns.name.Name) -> str:
    """Lower case, without the last dot; the root is one."""
    return name.to_text(omit_final_dot=True).lower() or "."


def rrset_of(message: dns.message.Message, name: dns.name.Name, rdtype: str) -> dns.rrset.RRset | None:
    """The records of this name and type in the answer section."""
    return next(
        (one for one in message.answer if one.name == name and one.rdtype == dns.rdatatype.from_text(rdtype)),
        None,
    )


def owner_of_soa(message: dns.message.Message, name: dns.name.Name) -> dns.name.Name | None:
    """The zone that an answer about ``name`` comes from: the owner of its SOA record (RFC 2308). Behind a
    CNAME it is that of the target, which may lie above ``name`` and yet be another one: it tells nothing."""
    if rrset_of(message, name, "CNAME") is not None:
        return None
    for one in [*message.answer, *message.authority]:
        if one.rdtype == dns.rdatatype.SOA and name.is_subdomain(one.name):
            return one.name
    return None


def rcode_of(message: dns.message.Message) -> str:
    return dns.rcode.to_text(message.rcode())


def is_authoritative(message: dns.message.Message) -> bool:
    return bool(message.flags & dns.flags.AA)


def values_of(rrset: dns.rrset.RRset | None) -> list[str]:
    """Sorted, so that the order of an answer does not matter; long ones and many are told by their hash."""
    if rrset is None:
        return []
    rdtype = dns.rdatatype.to_text(rrset.rdtype)
    return kept({shortened(_value(rdtype, one)) for one in rrset})


def names_of(rrset: dns.rrset.RRset | None) -> list[str]:
    """Every name that NS records give, to be asked."""
    return sorted({text_of(one.target) for one in rrset}) if rrset is not None else []


def kept(values: Iterable[str]) -> list[str]:
    """Sorted, and so many that they can be stored and shown."""
    every = sorted(values)
    if len(every) <= _MOST_VALUES:
        return every
    rest = every[_MOST_VALUES - 1 :]
    return [*every[: _MOST_VALUES - 1], f"and {len(rest)} more (sha256 {digest(' '.join(rest))})"]


def _value(rdtype: str, rdata: Any) -> str:
    if rdtype == "TXT":
        return b"".join(rdata.strings).decode("utf-8", "backslashreplace")
    if rdtype in ("NS", "CNAME"):
        return text_of(rdata.target)
    if rdtype == "MX":
        return f"{rdata.preference} {text_of(rdata.exchange)}"
    return plain(rdtype, rdata.to_text())
