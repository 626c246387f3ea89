"""Which addresses stand behind the configured name, for a look that asks each of them."""

from __future__ import annotations

from typing import Any

from watchpost.kinds.http.config import HttpConfig
from watchpost.outbound import Everywhere, Outbound, find_everywhere
from watchpost.registry import Look


async def find(look: Look, outbound: Outbound, ends: float) -> Everywhere:
    """``any`` means both families here. ``ends`` is on the monotonic clock."""
    config: HttpConfig = look.config
    family = "both" if config.ip == "any" else config.ip
    return await find_everywhere(outbound, config.place.host, family, look.resolver, ends)


def describe(host: str, found: Everywhere) -> dict[str, Any]:
    """What there is to say of the look-up itself."""
    facts: dict[str, Any] = {}
    if found.silent:
        facts["resolver"] = {"silent": list(found.silent)}
    if found.denied:
        facts["dns"] = {"host": host, "says": found.denied}
    return facts
