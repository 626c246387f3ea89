"""Names to addresses: aiodns, several resolvers, a deadline of its own, and a cache no longer than the TTL,
nor than a minute: a record that is gone is to be noticed before a TTL of a day is over.

Only answers are cached. A name that is gone (NXDOMAIN) is gone at the next look, and c-ares' own cache,
of such answers and of long TTLs, is walked round by asking on a new channel. Resolvers are not guarded.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from time import monotonic

import aiodns
import pycares

DEADLINE_S = 2.5
_DNS_PORT = 53
_LOCALHOST_TTL_S = 5.0  # it comes out of the hosts file, without a TTL
_MOST_NAMES = 20_000
LONGEST_S = 60.0  # in our cache, whatever the TTL
_CARES_FORGETS_S = 3600.0  # how long c-ares itself keeps an answer at most, by its default
_FAMILIES = {"4": socket.AF_INET, "6": socket.AF_INET6}
_FLAGS = pycares.ARES_FLAG_NOSEARCH  # a search domain would find another host than the one asked for
_NO_SORT = 1 << 7  # ARES_AI_NOSORT: sorting opens a socket per address

_KINDS = {
    pycares.errno.ARES_ENOTFOUND: "nxdomain",
    pycares.errno.ARES_ENODATA: "no_data",
    pycares.errno.ARES_ESERVFAIL: "servfail",
    pycares.errno.ARES_ETIMEOUT: "timeout",
    pycares.errno.ARES_EREFUSED: "refused",
    pycares.errno.ARES_ECONNREFUSED: "refused",
    pycares.errno.ARES_ENOTIMP: "refused",
    pycares.errno.ARES_EBADNAME: "nxdomain",
}


@dataclass(frozen=True, slots=True)
class Resolved:
    """``elapsed_ms`` is 0 for an answer out of the cache."""

    addresses: tuple[str, ...]
    ttl_s: float
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class ResolveFailure:
    """``kind``: nxdomain | no_data (the name's own fault) | servfail | timeout | refused (maybe ours) |
    unanswered (no resolver of ours spoke)."""

    kind: str
    sentence: str
    elapsed_ms: float = 0.0

    @property
    def names_fault(self) -> bool:
        """Whether the name itself is the trouble, not the way to ask for it."""
        return self.kind in ("nxdomain", "no_data")


Answer = Resolved | ResolveFailure


def disagree(one: Answer, other: Answer) -> bool:
    """Whether two resolvers say different things about the **existence** of a name.

    Different addresses are no disagreement: content networks answer every resolver differently.
    A resolver that did not answer properly has said nothing.
    """
    if isinstance(one, Resolved) and isinstance(other, Resolved):
        return False
    silent = [a for a in (one, other) if isinstance(a, ResolveFailure) and not a.names_fault]
    return not silent and isinstance(one, Resolved) != isinstance(other, Resolved)


@lru_cache(maxsize=4096)
def is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


class Resolver:
    """Asks the resolvers named ``host[:port]``; none named: the system's."""

    def __init__(self, resolvers: Sequence[str] = (), deadline_s: float = DEADLINE_S) -> None:
        self._servers: tuple[str | None, ...] = tuple(resolvers) or (None,)
        self._deadline_s = deadline_s
        self._channels: dict[int, aiodns.DNSResolver] = {}
        self._cache: dict[tuple[str, str, int], tuple[float, Resolved]] = {}
        self._apart: dict[tuple[str, str, int], float] = {}  # asked on a channel of their own until then

    @property
    def count(self) -> int:
        return len(self._servers)

    def name_of(self, index: int) -> str:
        """How people call this resolver."""
        return self._servers[index % self.count] or "the system's resolver"

    def called(self, index: int) -> str:
        """The same inside a sentence."""
        name = self._servers[index % self.count]
        return f"our resolver {name}" if name else "the system's resolver"

    def servers(self, index: int) -> tuple[tuple[str, int], ...]:
        """Address and port of what this resolver is, for questions about more than addresses."""
        named = self._servers[index % self.count]
        if named is not None:
            return (_host_and_port(named),)
        found = self._channel(index % self.count).nameservers
        return tuple(_host_and_port(one) for one in found)

    async def resolve(
        self, host: str, family: str = "any", resolver_index: int = 0, fresh: bool = False
    ) -> Answer:
        """The addresses of ``host``; ``family`` is 4, 6 or any (IPv4, else IPv6). ``fresh`` passes the cache.

        Never takes longer than the deadline and never raises but for cancellation.
        """
        held = None if fresh else self.cached(host, family, resolver_index)
        if held is not None:
            return held
        if is_address(host):
            return Resolved((host,), float("inf"), 0.0)
        index = resolver_index % self.count
        if family != "any":
            return await self._ask(host, family, index, fresh)
        first = await self._ask(host, "4", index, fresh)
        if isinstance(first, ResolveFailure) and first.kind == "no_data":
            first = await self._ask(host, "6", index, fresh)
        self._remember((host, family, index), first)
        return first

    def cached(self, host: str, family: str = "any", resolver_index: int = 0) -> Resolved | None:
        """The answer that still holds, without waiting."""
        held = self._cache.get((host, family, resolver_index % self.count))
        return held[1] if held is not None and held[0] > monotonic() else None

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()

    def _remember(self, key: tuple[str, str, int], answer: Answer) -> None:
        if isinstance(answer, ResolveFailure):
            self._cache.pop(key, None)
            self._set_apart(key, _CARES_FORGETS_S)
            return
        if answer.ttl_s > LONGEST_S:
            self._set_apart(key, min(answer.ttl_s, _CARES_FORGETS_S))
        if len(self._cache) >= _MOST_NAMES:
            self._cache.clear()
        kept = Resolved(answer.addresses, answer.ttl_s, 0.0)
        self._cache[key] = (monotonic() + min(answer.ttl_s, LONGEST_S), kept)

    def _set_apart(self, key: tuple[str, str, int], for_s: float) -> None:
        if len(self._apart) >= _MOST_NAMES:
            self._apart.clear()  # a site that redirects to ever new names must not fill our memory
        self._apart[key] = max(monotonic() + for_s, self._apart.get(key, 0.0))

    async def _ask(self, host: str, family: str, index: int, fresh: bool) -> Answer:
        key = (host, family, index)
        # Also when it is back: the usual channel may still hold that it was gone, or where it was.
        alone = fresh or self._apart.get(key, 0.0) > monotonic()
        channel = self._open(index) if alone else self._channel(index)
        began = monotonic()
        try:
            async with asyncio.timeout(self._deadline_s):
                found = await channel.getaddrinfo(host, _FAMILIES[family], flags=_NO_SORT)
            answer = _read(host, family, found, (monotonic() - began) * 1000)
        except TimeoutError:
            answer = self._failed(host, index, "timeout", began)
        except aiodns.error.DNSError as problem:
            answer = self._failed(host, index, _KINDS.get(problem.args[0], "servfail"), began)
        finally:
            if alone:
                await channel.close()
        self._remember(key, answer)
        return answer

    def _channel(self, index: int) -> aiodns.DNSResolver:
        if index not in self._channels:
            self._channels[index] = self._open(index)
        return self._channels[index]

    def _open(self, index: int) -> aiodns.DNSResolver:
        server = self._servers[index]
        tries = 2 if server is None else 1
        return aiodns.DNSResolver(
            [server] if server else None, timeout=self._deadline_s / tries, tries=tries, flags=_FLAGS
        )

    def _failed(self, host: str, index: int, kind: str, began: float) -> ResolveFailure:
        who, ours = self.name_of(index), self.called(index)
        sentence = {
            "nxdomain": f"the name {host} does not exist (NXDOMAIN from {who})",
            "no_data": f"the name {host} exists but has no address ({who})",
            "servfail": f"{ours} could not find out about {host} (SERVFAIL)",
            "timeout": f"{ours} did not answer for {host} within {self._deadline_s:g} s",
            "refused": f"{ours} refuses to answer for {host}",
        }[kind]
        return ResolveFailure(kind, sentence, (monotonic() - began) * 1000)


def _host_and_port(named: str) -> tuple[str, int]:
    """``192.0.2.53``, ``192.0.2.53:5353``, ``[2001:db8::53]:5353`` or ``2001:db8::53``."""
    if named.startswith("["):
        host, _, port = named[1:].partition("]")
        return host, int(port.removeprefix(":") or _DNS_PORT)
    host, _, port = named.partition(":") if named.count(":") == 1 else (named, "", "")
    return host, int(port or _DNS_PORT)


def _read(host: str, family: str, found: pycares.AddrInfoResult, elapsed_ms: float) -> Answer:
    wanted = _FAMILIES[family]
    nodes = [node for node in found.nodes if node.family == wanted]
    if not nodes:
        return ResolveFailure("no_data", f"the name {host} exists but has no IPv{family} address", elapsed_ms)
    addresses = tuple(dict.fromkeys(node.addr[0].decode("ascii") for node in nodes))
    least = float(min(node.ttl for node in nodes))
    return Resolved(addresses, _LOCALHOST_TTL_S if host == "localhost" else max(least, 0.0), elapsed_ms)
