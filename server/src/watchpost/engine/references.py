"""Does the world outside answer us? The reference addresses of the self-check, asked for real."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from watchpost.engine.selfcheck import ResolversSilent
from watchpost.outbound import Outbound, Request, Resolved

DEADLINE_S = 2.5
NAME_S = 1.5
MOST_RESOLVERS = 3


async def answers(outbound: Outbound, url: str) -> bool:
    """Whether anything at all answers at a reference address. Raises ResolversSilent."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = await _first_address(outbound, host)
    if address is None:
        return False
    reply = await outbound.fetch(Request(url, host, port, address, timeout_s=DEADLINE_S, max_body=1024))
    return reply.status > 0


async def _first_address(outbound: Outbound, host: str) -> str | None:
    """What the first of our resolvers to know it says; None when the name has no address."""
    count = min(outbound.resolver.count, MOST_RESOLVERS)
    asking = [asyncio.create_task(outbound.resolve(host, "any", i, fresh=True)) for i in range(count)]
    spoke = False
    try:
        async with asyncio.timeout(NAME_S):
            for answer in asyncio.as_completed(asking):
                found = await answer
                if isinstance(found, Resolved):
                    return found.addresses[0]
                spoke = spoke or found.names_fault
    except TimeoutError:
        pass
    finally:
        for task in asking:
            task.cancel()
    if spoke:
        return None
    raise ResolversSilent(host)
