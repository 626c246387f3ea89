"""Which addresses may be looked at. Pure: an address goes in, a refusal or None comes out.

The rules follow the IANA special-purpose registries (RFC 6890 and its updates). Asked at connect
time for every socket, so that neither a redirect nor a changed DNS answer gets round it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# First match wins: the narrow and telling names stand before the wide ones.
_CLOSED: tuple[tuple[str, str], ...] = (
    ("169.254.169.254/32", "a cloud metadata address"),
    ("fd00:ec2::254/128", "a cloud metadata address"),
    ("100.100.100.200/32", "a cloud metadata address"),
    ("0.0.0.0/32", "the unspecified address"),
    ("0.0.0.0/8", "a reserved address"),
    ("127.0.0.0/8", "a loopback address"),
    ("10.0.0.0/8", "a private address"),
    ("172.16.0.0/12", "a private address"),
    ("192.168.0.0/16", "a private address"),
    ("100.64.0.0/10", "a carrier-grade NAT address"),
    ("169.254.0.0/16", "a link-local address"),
    ("192.0.0.0/24", "a reserved address"),
    ("192.0.2.0/24", "a documentation address"),
    ("192.88.99.0/24", "a reserved address"),
    ("198.18.0.0/15", "a benchmarking address"),
    ("198.51.100.0/24", "a documentation address"),
    ("203.0.113.0/24", "a documentation address"),
    ("224.0.0.0/4", "a multicast address"),
    ("255.255.255.255/32", "the broadcast address"),
    ("240.0.0.0/4", "a reserved address"),
    ("::/128", "the unspecified address"),
    ("::1/128", "a loopback address"),
    ("fc00::/7", "a unique local address"),
    ("fe80::/10", "a link-local address"),
    ("fec0::/10", "a site-local address"),
    ("ff00::/8", "a multicast address"),
    ("2001:db8::/32", "a documentation address"),
    ("3fff::/20", "a documentation address"),
    ("5f00::/16", "a reserved address"),
    ("100::/64", "a discard address"),
    ("2001::/23", "a reserved address"),
    # Local-use NAT64 (RFC 8215): the place of the IPv4 address inside is the operator's choice.
    ("64:ff9b:1::/48", "a local NAT64 address"),
)
_TABLE: tuple[tuple[Network, str], ...] = tuple((ip_network(net), why) for net, why in _CLOSED)
_GLOBAL_V6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_6TO4 = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")


def unmap(address: Address) -> Address:
    """``::ffff:10.0.0.1`` is 10.0.0.1 in other clothes."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def embedded(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses a transition form of IPv6 may lead to (RFC 6052, 3056, 4380, 2765, 4291)."""
    if isinstance(address, IPv4Address):
        return ()
    number = int(address)
    if address in _6TO4:
        return (IPv4Address((number >> 80) & 0xFFFFFFFF),)
    if address in _TEREDO:
        return (IPv4Address((number >> 64) & 0xFFFFFFFF), IPv4Address(~number & 0xFFFFFFFF))
    if address in _NAT64 or address in _TRANSLATED or (address in _COMPATIBLE and number > 1):
        return (IPv4Address(number & 0xFFFFFFFF),)
    return ()


def _closed(address: Address) -> str | None:
    for network, why in _TABLE:
        if address.version == network.version and address in network:
            return why
    return None


@dataclass(frozen=True)
class Guard:
    """Refuses what is not on the public internet, but for ``allow_networks``."""

    allow_networks: tuple[Network, ...] = ()
    _seen: dict[str, str | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def allows(self, ip: str) -> bool:
        """Whether the operator has listed this address."""
        address = _parsed(ip)
        return address is not None and self._listed(unmap(address))

    def refusal(self, ip: str, port: int) -> str | None:
        """Why ``ip`` may not be connected to, as the end of a sentence; None: it may."""
        if not 0 < port < 65536:
            return f"port {port} does not exist"
        if ip not in self._seen:
            if len(self._seen) > 4096:
                self._seen.clear()
            self._seen[ip] = self._judge(ip)
        return self._seen[ip]

    def _listed(self, address: Address) -> bool:
        return any(address.version == net.version and address in net for net in self.allow_networks)

    def _judge(self, ip: str) -> str | None:
        address = _parsed(ip)
        if address is None:
            return f"{ip} is not an IP address"
        plain = unmap(address)
        if self._listed(plain) or self._listed(address):
            return None
        for inner in embedded(plain):
            why = None if self._listed(inner) else _closed(inner)
            if why is not None:
                return f"{ip} leads to {inner}, {why}"
        if not embedded(plain):
            why = _closed(plain)
            if why is None and isinstance(plain, IPv6Address) and plain not in _GLOBAL_V6:
                why = "a reserved address"
            if why is not None:
                return f"{ip} is {why}"
        return None


@lru_cache(maxsize=4096)
def _parsed(ip: str) -> Address | None:
    try:
        return ip_address(ip.partition("%")[0])
    except ValueError:
        return None
