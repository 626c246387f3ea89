"""All addresses behind a name, for kinds that look at each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from watchpost.outbound.failure import Failure
from watchpost.outbound.names import Found
from watchpost.outbound.resolver import Resolved, ResolveFailure

if TYPE_CHECKING:
    from watchpost.outbound.way import Outbound


@dataclass(frozen=True, slots=True)
class Everywhere:
    """``addresses`` in a fixed order: resolvers answer in ever another one, and what is said of the same
    addresses must stay the same. None: ``failure`` says why. ``silent``: resolvers that did not answer.
    ``denied``: see ``names.Found``."""

    addresses: tuple[str, ...]
    dns_ms: float
    silent: tuple[str, ...] = ()
    failure: Failure | None = None
    denied: str = ""


async def find_everywhere(outbound: Outbound, host: str, ip: str, resolver: int, ends: float) -> Everywhere:
    """``ip``: both | 4 | 6. ``ends`` is on the monotonic clock. Raises only on cancellation."""
    families = ("4", "6") if ip == "both" else (ip,)
    held = tuple(outbound.resolver.cached(host, family) for family in families) if resolver == 0 else (None,)
    if None not in held:  # nearly always: there is nothing to wait for
        return _of_held(families, tuple(one.addresses for one in held if one is not None))
    asked = [outbound.look_up(host, family, resolver, ends) for family in families]
    every = [await asked[0]] if len(asked) == 1 else await asyncio.gather(*asked)
    found = _fitting(
        families, tuple(one.answer.addresses if isinstance(one.answer, Resolved) else () for one in every)
    )
    silent = tuple(dict.fromkeys(name for one in every for name in one.silent))
    dns_ms = max(one.answer.elapsed_ms for one in every)
    denied = next((one.denied for one in every if one.denied), "")
    nowhere = None if found else _nowhere(every, host, ip)
    return Everywhere(found, dns_ms, silent, nowhere, denied)


@lru_cache(maxsize=4096)
def _of_held(families: tuple[str, ...], every: tuple[tuple[str, ...], ...]) -> Everywhere:
    """What is held is always an address of the family that was asked for."""
    return Everywhere(_fitting(families, every), 0.0)


def _fitting(families: Sequence[str], every: Sequence[Sequence[str]]) -> tuple[str, ...]:
    found = {
        address
        for family, addresses in zip(families, every, strict=True)
        for address in addresses
        if (":" in address) == (family == "6")
    }
    return tuple(sorted(found))


def _nowhere(every: Sequence[Found], host: str, ip: str) -> Failure:
    """Of two families without an address, what says more: NXDOMAIN, then silence, then no address."""
    failures = [one.answer for one in every if isinstance(one.answer, ResolveFailure)]
    if not failures:
        return Failure("dns", "no_data", f"{host} is not an IPv{ip} address")
    order = {"nxdomain": 0, "no_data": 2}
    said = min(failures, key=lambda one: order.get(one.kind, 1))
    if len(failures) > 1 and {one.kind for one in failures} == {"no_data"}:
        return Failure("dns", said.kind, f"the name {host} exists but has no address")
    return Failure("dns", said.kind, said.sentence)
