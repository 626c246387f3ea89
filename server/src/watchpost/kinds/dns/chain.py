"""Where a CNAME leads, hop by hop: each is asked for alone, so that a circle is seen and not waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dns.message

from watchpost.kinds.dns.answers import Told
from watchpost.kinds.dns.ask import Asking, is_answer
from watchpost.kinds.dns.records import is_authoritative, name_of, rcode_of, rrset_of, values_of
from watchpost.registry.suffix import registered_domain

_MOST_HOPS = 12


async def follow(
    first: str, name: str, zone: str, every: Sequence[Told], explicit: bool, asking: Asking
) -> dict[str, Any]:
    """``names``: all that are passed; ``end``: exists | nxdomain | loop | long | unknown; ``domain``: what of
    the first target somebody registered."""
    names, target, end = [name], first, ""
    while not end:
        if target in names:
            names.append(target)
            end = "loop"
            break
        names.append(target)
        message = await _ask(target, zone, every, explicit, asking)
        if message is None:
            end = "unknown"
        elif rcode_of(message) == "NXDOMAIN":
            end = "nxdomain"
        elif values := values_of(rrset_of(message, name_of(target), "CNAME")):
            target, end = values[0], "long" if len(names) >= _MOST_HOPS else ""
        else:
            end = "exists"
    return {"names": names, "end": end, "domain": _domain(first), "foreign": _domain(first) != _domain(name)}


async def _ask(
    target: str, zone: str, every: Sequence[Told], explicit: bool, asking: Asking
) -> dns.message.Message | None:
    """Of the zone's own servers when the target lies in it: resolvers may still remember another one."""
    if name_of(target).is_subdomain(name_of(zone)):
        for told in every:
            if told.serial is None:
                continue
            said = await asking.server(target, "CNAME", told.server.at)
            if said.message is not None and is_answer(said.message) and is_authoritative(said.message):
                return said.message
        if explicit:
            return None
    said = await asking.resolvers(target, "CNAME")
    return said.message if said.message is not None and is_answer(said.message) else None


def _domain(name: str) -> str:
    try:
        return registered_domain(name) or name
    except ValueError:  # what a name server wrote need not be a host name
        return name
