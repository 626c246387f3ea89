"""Looks around one address: the page, then at once all that the kinds want to know beside it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urljoin

from watchpost.outbound import Failure, Outbound, Reply, Request, ResolveFailure
from watchpost.registry import kinds
from watchpost.registry.asking import read_url
from watchpost.registry.place import Place, place
from watchpost.registry.site import Answer, Site
from watchpost.registry.suffix import registered_domain

WITHIN_S = 9.0  # the user is promised ten
_HOME_S = 5.0
_EACH_S = 4.0
_MOST_ASKED = 64
_MOST_LOOKED_UP = 256
_MOST_HOPS = 5
_MOST_ADDRESSES = 3
_MOST_BODY = 512 * 1024
_LOOKED_UP_AT_ONCE = 16
_PER_HOST = 6
_LEAST_S = 0.05
# javascript:..., https:shop.example; shop.example:8443 is a host and its port, me:pw@shop.example has a user
_OTHER_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:(?!//|\d{1,5}(?:[/?#]|$))(?!.*@)", re.DOTALL)
_REDIRECTS = frozenset((301, 302, 303, 307, 308))


def read_address(text: str) -> str:
    """The address somebody typed, with a scheme. Raises ValueError with a sentence and the fix."""
    given = text.strip()
    if _OTHER_SCHEME.match(given) or given.lower().startswith("mailto:"):
        raise ValueError("this is no address of a page; write one such as https://www.example.com/")
    return read_url(given if "://" in given else f"https://{given}")


async def look_around(
    outbound: Outbound,
    address: str,
    also: Iterable[str] = (),
    names: Iterable[str] = (),
    within_s: float = WITHIN_S,
) -> Site:
    """Everything found within ``within_s`` seconds. ``also``: addresses watched already, which are asked,
    too; ``names``: hosts watched already, which are only looked up. Raises ValueError for what is no address;
    whatever goes wrong outside is an answer."""
    scout = _Scout(outbound, monotonic() + within_s)
    url = read_address(address)
    home = await scout.ask(url, _HOME_S, at_home=True)
    if not home.is_there and "://" not in address:
        plain = await scout.ask("http" + url.removeprefix("https"), _HOME_S, at_home=True)
        home = plain if plain.is_there else home
    site = Site(home)
    wanted = dict.fromkeys(_readable([*_wanted(site), *also]))
    wanted.pop(home.asked, None)
    asked = list(wanted)[:_MOST_ASKED]
    looked_up = list(dict.fromkeys(names))[:_MOST_LOOKED_UP]
    answers, absent = await asyncio.gather(
        asyncio.gather(*(scout.ask(one, _EACH_S) for one in asked)),
        asyncio.gather(*(scout.is_absent(name) for name in looked_up)),
    )
    gone = frozenset(name for name, is_gone in zip(looked_up, absent, strict=True) if is_gone)
    return Site(home, {one.asked: one for one in answers} | {home.asked: home}, gone)


def _wanted(site: Site) -> list[str]:
    return [url for kind in kinds().values() for url in kind.explore(site)] if site.home.is_there else []


def _readable(urls: Iterable[str]) -> list[str]:
    found = []
    for url in urls:
        try:
            place(url)
        except ValueError:
            continue
        found.append(url)
    return found


@dataclass
class _Scout:
    outbound: Outbound
    ends: float  # monotonic
    slots: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    async def ask(self, url: str, limit_s: float, at_home: bool = False) -> Answer:
        """One address with its redirects; ``at_home``: not beyond its domain, what lies there is somebody
        else's site. Raises only on cancellation."""
        there = place(url)
        async with self.slots.setdefault(there.host, asyncio.Semaphore(_PER_HOST)):
            ends = min(self.ends, monotonic() + limit_s)
            if ends - monotonic() < _LEAST_S:
                return Answer(url, there.url, failure="there was no time left to ask", kind="unasked")
            return await self._follow(url, there, ends, at_home)

    async def is_absent(self, name: str) -> bool:
        """Whether the DNS says that there is no such name; silence says nothing."""
        async with self.slots.setdefault("", asyncio.Semaphore(_LOOKED_UP_AT_ONCE)):
            ends = min(self.ends, monotonic() + _EACH_S)
            if ends - monotonic() < _LEAST_S:
                return False
            found = (await self.outbound.look_up(name, "any", 0, ends)).answer
            return isinstance(found, ResolveFailure) and found.kind == "nxdomain"

    async def _follow(self, url: str, here: Place, ends: float, at_home: bool) -> Answer:
        names: tuple[str, ...] = ()
        refused, leads, seen = "", "", {here.url}
        while True:
            reply, verify = await self._fetch(here, ends)
            if isinstance(reply, Failure):
                return Answer(url, here.url, names=names, failure=reply.sentence, kind=reply.kind)
            names = names or (reply.certificates[0].sans if reply.certificates else ())
            refused = refused or verify
            location = reply.header("location") if reply.status in _REDIRECTS else None
            there = _next(here, location) if location else None
            if there is None:
                break
            if at_home and _leaves(here, there):
                leads = there.url
                break
            if there.url in seen or len(seen) > _MOST_HOPS:
                words = "it redirects in a circle" if there.url in seen else "it redirects without end"
                return Answer(url, here.url, reply.status, names=names, failure=words, kind="redirects")
            here = there
            seen.add(here.url)
        headers: dict[str, str] = {}
        for name, value in reply.headers:
            headers.setdefault(name, value)
        kind = "tls" if refused else ""
        return Answer(url, here.url, reply.status, headers, reply.body, names, refused, kind, leads)

    async def _fetch(self, here: Place, ends: float) -> tuple[Reply | Failure, str]:
        """The reply, and why visitors refuse the certificate when it could only be read without checking."""
        reply = await self._try(here, ends, verify=True)
        if isinstance(reply, Failure) and reply.phase == "tls":
            unchecked = await self._try(here, ends, verify=False)
            if not isinstance(unchecked, Failure):
                return unchecked, reply.sentence
        return reply, ""

    async def _try(self, here: Place, ends: float, verify: bool) -> Reply | Failure:
        found = (await self.outbound.look_up(here.host, "any", 0, ends)).answer
        if isinstance(found, ResolveFailure):
            return Failure("dns", found.kind, found.sentence)
        failure = Failure("connect", "timeout", "no connection was made in time")
        for address in found.addresses[:_MOST_ADDRESSES]:
            left_s = max(_LEAST_S, ends - monotonic())
            reply = await self.outbound.fetch(
                Request(
                    here.url,
                    here.host,
                    here.port,
                    address,
                    (self.outbound.agent_line,),
                    verify_tls=verify,
                    certificate=here.scheme == "https",
                    connect_timeout_s=left_s / 2,
                    timeout_s=left_s,
                    max_body=_MOST_BODY,
                )
            )
            if reply.failure is None:
                return reply
            failure = reply.failure
            if failure.phase != "connect":
                break
        return failure


def _leaves(here: Place, there: Place) -> bool:
    """Whether a redirect ends up on another registered domain, or from a name at an address."""
    return here.host != there.host and _registered(here.host) != _registered(there.host)


def _registered(host: str) -> str:
    return registered_domain(host) or host


def _next(here: Place, location: str) -> Place | None:
    try:
        return place(urljoin(here.url, location.encode("latin-1").decode("utf-8", "replace")))
    except ValueError:
        return None
