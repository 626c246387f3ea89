"""The table on the page of a port that has several addresses. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from watchpost.kinds.tcp.config import TcpConfig
from watchpost.kinds.tcp.words import quoted
from watchpost.registry import Panel

Facts = Mapping[str, Any]


def panels(config: TcpConfig, facts: Facts, _baseline: Facts) -> tuple[Panel, ...]:
    """Each address with its time, or with what is wrong there; those with trouble first."""
    every: Mapping[str, Facts] = facts.get("addresses", {})
    if not config.every_address or len(every) < 2:
        return ()
    rows = sorted(every.items(), key=lambda pair: ("failure" not in pair[1], _order(pair[0])))
    bad, more = sum("failure" in one for one in every.values()), facts.get("more_addresses", 0)
    notes = [f"{bad} of {len(every)} {'fails' if bad == 1 else 'fail'}."] if bad else []
    notes += [f"{more} more were not asked: one look asks {len(every)} at most."] if more else []
    return (
        Panel(
            "Addresses",
            tuple((address, _value(one)) for address, one in rows),
            " ".join(notes),
            tuple("down" if "failure" in one else "up" for _, one in rows),
        ),
    )


def _order(address: str) -> tuple[int, int]:
    """As people count: IPv4 first, .2 before .10."""
    read = ip_address(address)
    return read.version, int(read)


def _value(one: Facts) -> str:
    if "failure" not in one:
        return f"{one['ms']:.0f} ms"
    return f"{one['failure']['sentence']}{quoted(one)}"
