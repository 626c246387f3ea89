"""What a person does about an address that the guard refused. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

SETTING = "WATCHPOST_ALLOW_NETWORKS"
_METADATA = "cloud metadata"


def to_open(why: str, whose: str = "this address is yours and meant to be watched") -> str:
    """The beginning of a fix, up to its semicolon. ``why`` is the guard's refusal, which names the address
    last: "2002:a00:1:: leads to 10.0.0.1, a private address"."""
    if _METADATA in why:
        return f"This address gives out a cloud's credentials, so it stays closed unless {SETTING} lists it"
    address = _last_address(why)
    such = f", such as {_around(address)}," if address is not None else ""
    return f"If {whose}, add a network that contains it{such} to {SETTING}"


def _last_address(why: str) -> IPv4Address | IPv6Address | None:
    found = None
    for word in why.split():
        try:
            found = ip_address(word.strip("(),.;[]").partition("%")[0])
        except ValueError:
            continue
    return found


def _around(address: IPv4Address | IPv6Address) -> str:
    if address.is_loopback:
        return "127.0.0.0/8" if address.version == 4 else "::1/128"
    return str(ip_network((address, 24 if address.version == 4 else 64), strict=False))
