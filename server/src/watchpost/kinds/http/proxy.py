"""The way to a page by a proxy: which address of it, and what the guard can still say.

What the guard means here: the only address we connect to is the proxy's, and it is asked for that one as
for any other. The page's address is chosen by the proxy, out of sight. So the look is refused before it
begins when it would be refused without a proxy as far as we can see: for an address in the URL or in a
redirect, for ``localhost`` (RFC 6761, 6.3), and for a name of which our own look-up gives *any* address
that is closed, since the proxy may take that one. A name that we cannot resolve, or not in time, goes to
the proxy: behind many proxies names of the outside do not resolve, and to resolve them is its office.
So the proxy has the last word; where its network holds what nobody is to see, its own rules must say so.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import Any

from watchpost.kinds.http.via import Via
from watchpost.outbound import Failure, Outbound, Proxy, Resolved, ResolveFailure
from watchpost.registry.place import Place

_LONGEST_CHECK_S = 1.0


@dataclass(frozen=True, slots=True)
class Way:
    """``addresses`` of the proxy, and how long its name took to look up; or why there is no way."""

    dns_ms: float
    addresses: tuple[str, ...] = ()
    failure: Failure | None = None


async def find_way(
    via: Via, here: Place, resolver: int, outbound: Outbound, ends: float, facts: dict[str, Any]
) -> Way:
    """``ends`` is on the monotonic clock. Resolvers that stay silent are noted in ``facts``. Raises only on
    cancellation."""
    found, why = await asyncio.gather(
        outbound.look_up(via.host, "any", resolver, ends), refusal(here, outbound, ends)
    )
    dns_ms = found.answer.elapsed_ms
    if found.silent:
        facts["resolver"] = {"silent": list(found.silent)}
    if why is not None:
        return Way(dns_ms, failure=Failure("connect", "refused_by_guard", why))
    if isinstance(found.answer, ResolveFailure):
        return Way(dns_ms, failure=Failure("proxy", "name", found.answer.sentence))
    return Way(dns_ms, found.answer.addresses)


async def refusal(here: Place, outbound: Outbound, ends: float) -> str | None:
    """Why the guard would not let a look go there, as far as we can know it; None: it may, or we cannot."""
    guard, host = outbound.guard, here.host
    if host == "localhost" or host.endswith(".localhost"):
        why = guard.refusal("127.0.0.1", here.port)
        return None if why is None else f"{host} is this machine: {why}"
    began = monotonic()
    patience_s = min(_LONGEST_CHECK_S, (ends - began) / 2)
    found = await outbound.look_up(host, "any", 0, began + patience_s)
    if not isinstance(found.answer, Resolved):
        return None
    whys = (guard.refusal(address, here.port) for address in found.answer.addresses)
    return next((why for why in whys if why is not None), None)


def proxied(via: Via | None, address: str, outbound: Outbound) -> Proxy | None:
    """The part of a request that names the proxy, at one of its addresses."""
    if via is None:
        return None
    return Proxy(via.scheme, via.host, via.port, address, via.username, via.password, (outbound.agent_line,))
