"""Looks at a certificate once: resolve, shake hands at every address, diagnose what each of them serves.

Facts: ``name``; ``addresses``, each with ``chain`` (which of the chains it serves) and ``protocol``, or with
a ``failure``; ``certificate``, the chain whose leaf ends first; ``others``, chains that differ from it;
``resolver``, ``more_addresses``, and what ``aside`` knows, when there is something to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

from watchpost.core.types import Observation, Outcome, Phases
from watchpost.kinds.tls.aside import ask_aside
from watchpost.kinds.tls.config import TlsConfig
from watchpost.kinds.tls.served import describe
from watchpost.outbound import Failure, Handshake, Knock, Outbound, find_everywhere
from watchpost.registry import Look

_MOST_ADDRESSES = 24
_MOST_CHAINS = 4
_LEAST_TIME_S = 0.05


async def probe(look: Look, outbound: Outbound, at: datetime) -> Observation:
    """One look. Every failure is an Observation; only cancellation is raised."""
    config: TlsConfig = look.config
    ends = monotonic() + look.deadline_s
    facts: dict[str, Any] = {"name": config.name}
    addresses, dns_ms = await _addresses(config, look, outbound, ends, facts)
    left_s = max(_LEAST_TIME_S, ends - monotonic())
    knocks = [
        Knock(config.name, address, config.door, config.starttls, config.ca_pem or "", left_s)
        for address in addresses
    ]
    shaken = await _shake_all(knocks, outbound)
    if shaken:
        facts |= _describe_all(config, shaken, outbound, at)
        facts |= await ask_aside(config, shaken, outbound, at, ends)
    return _observe(look, at, shaken, dns_ms, facts)


async def _shake_all(knocks: Sequence[Knock], outbound: Outbound) -> Sequence[Handshake]:
    """All at once; a single one needs no task of its own."""
    if len(knocks) == 1:
        return [await outbound.shake(knocks[0])]
    return await asyncio.gather(*(outbound.shake(knock) for knock in knocks))


async def _addresses(
    config: TlsConfig, look: Look, outbound: Outbound, ends: float, facts: dict[str, Any]
) -> tuple[Sequence[str], float]:
    """Every address of the families that are asked for. None: the facts say why."""
    found = await find_everywhere(outbound, config.where, config.ip, look.resolver, ends)
    addresses = found.addresses
    if found.silent:
        facts["resolver"] = {"silent": list(found.silent)}
    if found.failure is not None:
        facts["failure"] = _failed(found.failure)
    elif not config.every_address:
        addresses = outbound.order(config.where, config.door, addresses)[:1]
    elif len(addresses) > _MOST_ADDRESSES:
        facts["more_addresses"] = len(addresses) - _MOST_ADDRESSES
    return addresses[:_MOST_ADDRESSES], found.dns_ms


def _describe_all(
    config: TlsConfig, shaken: Sequence[Handshake], outbound: Outbound, at: datetime
) -> dict[str, Any]:
    """Each chain once, however many addresses serve it; that of the leaf that ends first comes first."""
    chains: dict[tuple[tuple[bytes, ...], int], Mapping[str, Any]] = {}
    for one in shaken:
        key = one.chain, one.verify_code
        if one.chain and key not in chains:
            store = outbound.authorities(config.ca_pem or "")
            chains[key] = describe(one, config.name, store, at)
    order = sorted(chains, key=lambda key: (str(chains[key].get("not_after", "")), key))
    places = {key: number for number, key in enumerate(order)}
    addresses = {one.address: _address(one, places.get((one.chain, one.verify_code))) for one in shaken}
    facts: dict[str, Any] = {"addresses": addresses}
    if order:
        facts["certificate"] = {"host": config.name, "read_at": at.isoformat(), **chains[order[0]]}
        # None is said, too: else those of a former look would be kept. Beyond a few, only what tells them
        # apart: facts stay small whatever stands behind a name.
        facts["others"] = [
            chains[key] if number < _MOST_CHAINS else _brief(chains[key])
            for number, key in enumerate(order[1:], 1)
        ]
    return facts


def _brief(chain: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("fingerprint", "subject", "issued_by", "not_before", "not_after", "key", "spki", "reasons")
    return {name: chain[name] for name in kept if name in chain}


def _address(one: Handshake, place: int | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"ms": round(one.phases.total, 1)}
    if place is not None:
        facts["chain"] = place
    if one.protocol:
        facts |= {"protocol": one.protocol, "cipher": one.cipher}
    failure = one.failure
    if failure is not None and place is not None and failure.kind in ("client", "handshake"):
        facts["client"] = True  # it showed its certificate and then wanted ours
    elif failure is not None:
        facts["failure"] = _failed(failure)
    return facts


def _failed(failure: Failure) -> dict[str, str]:
    return {"phase": failure.phase, "kind": failure.kind, "sentence": failure.sentence}


def _observe(
    look: Look, at: datetime, shaken: Sequence[Handshake], dns_ms: float, facts: dict[str, Any]
) -> Observation:
    """Times and address of the slowest that answered; if none did, of the first."""
    answered = [one for one in shaken if "failure" not in facts["addresses"][one.address]]
    shown = max(answered, key=lambda one: one.phases.total) if answered else (shaken[0] if shaken else None)
    spent = shown.phases if shown is not None else Phases()
    phases = Phases(round(dns_ms, 3), spent.connect, spent.tls, spent.wait)
    return Observation(
        look.monitor_id,
        look.location,
        at,
        look.revision,
        Outcome.OK if answered else _outcome(facts, shaken),
        phases,
        round(phases.total, 3),
        shown.address if shown is not None else "",
        facts,
    )


def _outcome(facts: dict[str, Any], shaken: Sequence[Handshake]) -> Outcome:
    kinds = {one.failure.kind for one in shaken if one.failure} or {facts["failure"]["kind"]}
    if kinds == {"refused_by_guard"}:
        return Outcome.REFUSED
    return Outcome.TIMEOUT if kinds <= {"timeout", "unanswered"} else Outcome.FAILED
