"""What each name server says of the zone: its version, and its records. Equal answers are kept once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import dns.message

from watchpost.kinds.dns.ask import Asking, is_answer
from watchpost.kinds.dns.records import is_authoritative, name_of, rcode_of, rrset_of, values_of
from watchpost.kinds.dns.zone import Server
from watchpost.outbound import Said

_SPEAKS = frozenset({"malformed", "mismatched"})  # it is alive, and talks nonsense
_RCODES = {
    "REFUSED": "it refuses to answer (REFUSED)",
    "SERVFAIL": "it cannot answer (SERVFAIL)",
    "NOTAUTH": "it is not responsible for the zone (NOTAUTH)",
    "NXDOMAIN": "it says that the zone does not exist (NXDOMAIN)",
}


@dataclass
class Told:
    """What one server told. ``failure``: nothing at all; ``lame``: nothing of this zone."""

    server: Server
    ms: float = 0.0
    serial: int | None = None
    refresh: int = 0
    failure: dict[str, str] | None = None
    lame: str = ""
    troubles: dict[str, str] = field(default_factory=dict)  # type -> why there is no answer
    messages: dict[str, dns.message.Message] = field(default_factory=dict)


async def ask_all(
    servers: Sequence[Server], zone: str, name: str, types: Sequence[str], keys: bool, asking: Asking
) -> list[Told]:
    """Everyone at once; who is silent or knows nothing is asked one question only."""
    return list(await asyncio.gather(*(_ask(one, zone, name, types, keys, asking) for one in servers)))


async def _ask(
    server: Server, zone: str, name: str, types: Sequence[str], keys: bool, asking: Asking
) -> Told:
    told = Told(server)
    said = await asking.server(zone, "SOA", server.at, dnssec=True)
    told.ms = round(said.ms, 1)
    if said.failure is not None and said.failure.kind not in _SPEAKS:
        told.failure = {"kind": said.failure.kind, "sentence": said.failure.sentence}
        return told
    told.lame = said.failure.sentence if said.failure is not None else _lame(said, zone)
    if told.lame or said.message is None:
        return told
    soa: Any = rrset_of(said.message, name_of(zone), "SOA")
    told.serial, told.refresh = soa[0].serial, soa[0].refresh
    told.messages["SOA"] = said.message
    wanted = [(rdtype, zone if rdtype == "NS" else name) for rdtype in types if rdtype != "DS"]
    if keys:
        wanted.append(("DNSKEY", zone))
    every = await asyncio.gather(*(asking.server(who, what, server.at, dnssec=True) for what, who in wanted))
    for (rdtype, who), one in zip(wanted, every, strict=True):
        _take(told, rdtype, who, one)
    return told


def _lame(said: Said, zone: str) -> str:
    """Why this is no answer of somebody who serves the zone; "" if it is one (RFC 1912, 2.8)."""
    message = said.message
    if message is None:
        return ""
    rcode = rcode_of(message)
    if rcode != "NOERROR":
        return _RCODES.get(rcode, f"it answers {rcode}")
    if rrset_of(message, name_of(zone), "SOA") is None:
        return f"it does not know the zone {zone}"
    return "" if is_authoritative(message) else f"it answers for {zone} without authority"


def _take(told: Told, rdtype: str, name: str, said: Said) -> None:
    message = said.message
    if message is None:
        if said.failure is not None and said.failure.kind != "unasked":
            told.troubles[rdtype] = said.failure.sentence
    elif not is_answer(message):
        told.troubles[rdtype] = _RCODES.get(rcode_of(message), f"it answers {rcode_of(message)}")
    elif not is_authoritative(message):
        told.troubles[rdtype] = f"it answers for {name} without authority"
    else:
        told.messages[rdtype] = message


def records_of(every: Sequence[Told], zone: str, name: str) -> dict[str, list[dict[str, Any]]]:
    """By type: each distinct answer with the numbers of the servers that give it. A name that is a CNAME has
    no other records (RFC 1034, 3.6.2): nothing is said of those."""
    found: dict[str, dict[tuple[str, ...], dict[str, Any]]] = {}
    for number, told in enumerate(every):
        for rdtype, values, ttl in _records(told, zone, name):
            groups = found.setdefault(rdtype, {})
            group = groups.setdefault(tuple(values), {"values": values, "from": []})
            group["from"].append(number)
            if ttl is not None:
                group["ttl"] = min(ttl, group.get("ttl", ttl))
    return {
        rdtype: sorted(groups.values(), key=lambda one: (-len(one["from"]), one["values"]))
        for rdtype, groups in found.items()
    }


def _records(told: Told, zone: str, name: str) -> list[tuple[str, list[str], int | None]]:
    found: dict[str, tuple[str, list[str], int | None]] = {}
    for rdtype, message in told.messages.items():
        if rdtype in ("SOA", "DNSKEY") or rcode_of(message) == "NXDOMAIN":
            continue
        owner = name_of(zone if rdtype == "NS" else name)
        alias = rrset_of(message, owner, "CNAME")
        if alias is not None:
            found["CNAME"] = ("CNAME", values_of(alias), alias.ttl)
            continue
        rrset = rrset_of(message, owner, rdtype)
        found.setdefault(rdtype, (rdtype, values_of(rrset), rrset.ttl if rrset is not None else None))
    if "CNAME" in found and found["CNAME"][1]:
        return [one for one in found.values() if one[0] in ("CNAME", "NS")]
    return list(found.values())


def denied_by(every: Sequence[Told]) -> list[int]:
    """The servers that say the name does not exist. At the apex none may: it has a SOA record."""
    return [
        number
        for number, told in enumerate(every)
        if any(rcode_of(one) == "NXDOMAIN" and not _follows(one) for one in told.messages.values())
    ]


def _follows(message: dns.message.Message) -> bool:
    """NXDOMAIN after a CNAME speaks of its target (RFC 6604)."""
    return bool(message.answer)
