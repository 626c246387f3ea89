"""What an answer with a status that is not expected says of why, and of us. Pure."""

from __future__ import annotations

from typing import Any

from watchpost.kinds.http.config import HttpConfig
from watchpost.kinds.http.hops import text_of
from watchpost.outbound import Reply
from watchpost.registry.shown import without_user

_CHALLENGES = (
    "cf-mitigated",
    "x-amzn-waf-action",
    "x-datadome",
    "x-sucuri-block",
    "x-px-block",
    "x-akamai-edge-block",
)


def describe_error(config: HttpConfig, reply: Reply, agent: str) -> dict[str, Any]:
    """The facts beside the status. ``agent`` is the name we came by."""
    facts: dict[str, Any] = {}
    server, wait = reply.header("server"), reply.header("retry-after")
    if server:
        facts["server"] = server[:80]
    if wait:
        facts["retry_after"] = wait[:40]
    if reply.status >= 300 and (location := reply.header("location")):
        facts["location"] = without_user(text_of(location))[:500]
    for name in _CHALLENGES:
        value = reply.header(name)
        if value and value.lower() not in ("allow", "none"):
            facts["challenge"] = f"{name}: {value[:60]}"
            break
    if reply.status in (403, 429) or "challenge" in facts:
        _describe_us(config, reply, agent, facts)
    return facts


def _describe_us(config: HttpConfig, reply: Reply, agent: str, facts: dict[str, Any]) -> None:
    """Who turned us away can let us in: by what name and from which address we came."""
    if config.via is not None:
        facts["by"] = config.via.shown
    elif reply.local_address:
        facts["from"] = reply.local_address
    if not config.names_agent:  # one of the user's own is kept encrypted like every header
        facts["agent"] = agent[:200]
