"""Looks at a name's records once: finds the zone, asks each of its servers, then the resolvers.

Facts: ``name``, ``zone``; ``parent`` with what it says (``delegated``, ``ds``); ``servers``, each with its
``serial`` or why it has none; ``records`` by type, each distinct answer once; ``denied``, the servers that
say NXDOMAIN; ``chain`` behind a CNAME; ``resolvers``, what ours say; ``dnssec``; ``missing``, servers without
an address; ``failure`` when the zone was not found; ``unfinished`` when time or questions ran out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import Any

from watchpost.core.types import Observation, Outcome, Phases
from watchpost.kinds.dns import signed
from watchpost.kinds.dns.answers import Told, ask_all, denied_by, records_of
from watchpost.kinds.dns.ask import Asking, is_answer
from watchpost.kinds.dns.chain import follow
from watchpost.kinds.dns.config import DnsConfig
from watchpost.kinds.dns.records import kept, name_of, rcode_of, rrset_of, values_of
from watchpost.kinds.dns.zone import Zone, find_zone
from watchpost.outbound import Outbound
from watchpost.registry import Look

_MOST_RESOLVERS = 3
_RESERVE_S = 0.2  # for judging what has been found before the engine's own deadline


async def probe(look: Look, outbound: Outbound, at: datetime) -> Observation:
    """One look. Every failure is an Observation; only cancellation is raised."""
    config: DnsConfig = look.config
    began = monotonic()
    asking = Asking(outbound, look.resolver, began + max(_RESERVE_S, look.deadline_s - _RESERVE_S))
    zone = await find_zone(config, asking)
    found_ms = (monotonic() - began) * 1000
    facts = _facts_of(config, zone)
    every: list[Told] = []
    if zone.servers:
        keys = zone.ds is None or bool(zone.ds)
        every, resolvers = await asyncio.gather(
            ask_all(zone.servers, zone.name, config.name, config.asked, keys, asking),
            _resolvers(config, zone, asking),
        )
        facts |= _told(every, zone, config) | ({"resolvers": resolvers} if resolvers else {})
        facts |= await _chain(facts, config, zone, every, asking)
        dnssec = signed.read(every, zone.name, zone.ds)
        facts |= {"dnssec": dnssec} if dnssec else {}
    if asking.unfinished:
        facts["unfinished"] = True
    return _observe(look, at, every, found_ms, (monotonic() - began) * 1000, facts)


def _facts_of(config: DnsConfig, zone: Zone) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": config.name, "zone": zone.name}
    if zone.delegated is not None or zone.ds is not None:
        facts["parent"] = {"name": zone.parent}
        facts["parent"] |= {"delegated": kept(zone.delegated)} if zone.delegated is not None else {}
        facts["parent"] |= {"ds": zone.ds} if zone.ds is not None else {}
    if zone.missing:
        facts["missing"] = zone.missing
    if zone.more_servers:
        facts["more_servers"] = zone.more_servers
    if zone.failure is not None:
        facts["failure"] = zone.failure
    if zone.explicit:
        facts["explicit"] = True
    return facts


def _told(every: Sequence[Told], zone: Zone, config: DnsConfig) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "servers": [_server(one) for one in every],
        "records": records_of(every, zone.name, config.name),
    }
    refresh = max((one.refresh for one in every), default=0)
    denied = denied_by(every)
    if refresh:
        facts["refresh"] = refresh
    if denied:
        facts["denied"] = denied
    return facts


def _server(told: Told) -> dict[str, Any]:
    host, port = told.server.at
    facts: dict[str, Any] = {"name": told.server.name, "at": host, "ms": told.ms}
    if port != 53:
        facts["port"] = port
    if told.serial is not None:
        facts["serial"] = told.serial
    if told.failure is not None:
        facts["failure"] = told.failure
    if told.lame:
        facts["lame"] = told.lame
    if told.troubles:
        facts["troubles"] = told.troubles
    return facts


async def _chain(
    facts: dict[str, Any], config: DnsConfig, zone: Zone, every: Sequence[Told], asking: Asking
) -> dict[str, Any]:
    groups = facts["records"].get("CNAME", ())
    first = next((one["values"][0] for one in groups if one["values"]), "")
    if not first:
        return {}
    return {"chain": await follow(first, config.name, zone.name, every, zone.explicit, asking)}


async def _resolvers(config: DnsConfig, zone: Zone, asking: Asking) -> list[dict[str, Any]]:
    """What visitors are told. Servers that somebody wrote down serve what resolvers need not know of."""
    if zone.explicit:
        return []
    count = min(asking.outbound.resolver.count, _MOST_RESOLVERS)
    return list(await asyncio.gather(*(_resolver(config, index, asking) for index in range(count))))


async def _resolver(config: DnsConfig, index: int, asking: Asking) -> dict[str, Any]:
    types: list[str] = [one for one in ("A", "AAAA") if one in config.asked] or [
        next((one for one in config.asked if one not in ("NS", "DS")), "SOA")
    ]
    facts: dict[str, Any] = {"name": asking.outbound.resolver.name_of(index), "records": {}}
    every = await asyncio.gather(*(asking.resolver(config.name, one, index) for one in types))
    for rdtype, said in zip(types, every, strict=True):
        if said.message is None:
            continue
        facts["rcode"] = rcode_of(said.message)
        if is_answer(said.message):
            end = _end(said.message, config.name)
            facts["records"][rdtype] = values_of(rrset_of(said.message, name_of(end), rdtype))
        elif facts["rcode"] == "SERVFAIL":
            bare = await asking.resolver(config.name, rdtype, index, checking=False)
            facts["bogus"] = bare.message is not None and is_answer(bare.message)
            break
    return facts


def _end(message: Any, name: str) -> str:
    """The name that the CNAMEs of one answer lead to."""
    for _ in range(12):
        values = values_of(rrset_of(message, name_of(name), "CNAME"))
        if not values:
            break
        name = values[0]
    return name


def _observe(
    look: Look, at: datetime, every: Sequence[Told], found_ms: float, total_ms: float, facts: dict[str, Any]
) -> Observation:
    """The wait is that of the slowest name server that answered; the rest is finding out whom to ask."""
    answered = [one for one in every if one.serial is not None]
    slowest = max(answered, key=lambda one: one.ms) if answered else (every[0] if every else None)
    phases = Phases(dns=round(found_ms, 3), wait=round(total_ms - found_ms, 3))
    return Observation(
        look.monitor_id,
        look.location,
        at,
        look.revision,
        Outcome.OK if answered else _outcome(every),
        phases,
        round(phases.total, 3),
        slowest.server.at[0] if slowest is not None else "",
        facts,
    )


def _outcome(every: Sequence[Told]) -> Outcome:
    kinds = {one.failure["kind"] for one in every if one.failure is not None}
    if kinds == {"refused_by_guard"}:
        return Outcome.REFUSED
    return Outcome.TIMEOUT if kinds == {"timeout"} else Outcome.FAILED
