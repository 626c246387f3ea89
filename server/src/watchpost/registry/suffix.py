"""What of a host name somebody registered: the public suffix and one label more (publicsuffix.org)."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from publicsuffixlist import PublicSuffixList

from watchpost.registry.place import read_host

# Special-use names (RFC 6761, 6762, 7686, 8375, 9476) and what people use at home and in companies.
INSIDE = frozenset({"local", "localhost", "internal", "intranet", "lan", "home", "corp", "private", "test",
                    "invalid", "home.arpa", "onion", "alt"})  # fmt: skip


@lru_cache(maxsize=8192)
def registered_domain(name: str) -> str | None:
    """``example.co.uk`` of ``www.shop.example.co.uk``, in ASCII; None for an address or a suffix.

    Only suffixes of registries (ICANN section) count: nobody looks up ``me.github.io`` at a registry.
    Raises ValueError when ``name`` is no host name."""
    host = read_host(name.strip())
    if ":" in host or host.replace(".", "").isdigit() or "." not in host:
        return None
    found = _suffixes().privatesuffix(host)
    return str(found) if found else None


@lru_cache(maxsize=8192)
def site_of(name: str) -> str | None:
    """What of a host name belongs to one owner: ``shop.example`` of ``static.shop.example``, but
    ``me.github.io`` of itself, for its neighbours are strangers (both sections of the list). None for an
    address, a suffix, or what is no host name."""
    try:
        host = read_host(name.strip())
    except ValueError:
        return None
    if ":" in host or host.replace(".", "").isdigit() or "." not in host:
        return None
    found = _every_suffix().privatesuffix(host)
    return str(found) if found else None


def is_outside(host: str) -> bool:
    """Whether the name can mean anything to the world: no address, no single label, no name of the inside."""
    if ":" in host or host.replace(".", "").isdigit() or "." not in host:
        return False
    return not any(host == end or host.endswith(f".{end}") for end in INSIDE)


@cache
def _every_suffix() -> Any:
    return PublicSuffixList(accept_unknown=True)


@cache
def _suffixes() -> Any:
    return PublicSuffixList(only_icann=True, accept_unknown=True)
