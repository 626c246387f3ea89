"""One file, asked for as a browser would: under the guard, hop by hop, a few at a time from each host."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urljoin

from watchpost.kinds.assets.body import Body
from watchpost.kinds.assets.config import AssetsConfig
from watchpost.outbound import Failure, Found, Outbound, Reply, Request, ResolveFailure
from watchpost.registry import Look
from watchpost.registry.place import Place, place

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_MOST_HOPS = 5
_MOST_ADDRESSES = 3
_PER_HOST = 6  # what browsers open to one host over HTTP/1.1
_LEAST_TIME_S = 0.05
_TRY_NEXT = frozenset(("refused", "unreachable", "reset", "timeout"))


@dataclass(frozen=True, slots=True)
class Answer:
    """``reply`` None: nothing came, and ``failure`` or ``astray`` say why; neither: there was no time."""

    place: Place  # of the last hop
    reply: Reply | None = None
    failure: Failure | None = None
    astray: str = ""  # a redirect that does not arrive


@dataclass(slots=True)
class Getter:
    """Everything one look asks for. ``ends`` is on the monotonic clock."""

    config: AssetsConfig
    look: Look
    outbound: Outbound
    ends: float
    dns_ms: float = 0.0
    _names: dict[str, asyncio.Task[Found]] = field(default_factory=dict)
    _orders: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)
    _slots: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _alive: set[tuple[str, int]] = field(default_factory=set)
    _dead: dict[tuple[str, int], Failure] = field(default_factory=dict)

    def turn(self, host: str) -> asyncio.Semaphore:
        """To be held while a file is asked for, however often: whoever asks again must not queue again."""
        return self._slots.setdefault(host, asyncio.Semaphore(_PER_HOST))

    async def get(self, start: Place, body: Body, method: str = "GET", limit_s: float = 60.0) -> Answer:
        """Follows redirects, for at most ``limit_s``. Raises only on cancellation."""
        ends = min(self.ends, monotonic() + limit_s)
        if ends - monotonic() < _LEAST_TIME_S:
            return Answer(start)
        return await self._follow(start, body, method, ends)

    def close(self) -> None:
        for task in self._names.values():
            task.cancel()

    async def _follow(self, here: Place, body: Body, method: str, ends: float) -> Answer:
        cookies: dict[str, str] = {}
        seen = {here.url}
        for _ in range(_MOST_HOPS + 1):
            body.clear()
            reply = await self._ask(here, body, method, ends, cookies)
            if isinstance(reply, Failure):
                return Answer(here, None, reply)
            location = reply.header("location") if reply.status in _REDIRECTS else None
            if reply.failure is not None or location is None:
                return Answer(here, reply, reply.failure)
            try:
                there = place(urljoin(here.url, location.encode("latin-1").decode("utf-8", "replace")))
            except ValueError:
                return Answer(here, reply, astray="to what is no http or https address")
            if here.origin != there.origin:
                cookies.clear()
            elif _keep_cookies(cookies, reply):
                seen.clear()  # with a new cookie the same page may answer otherwise
            if there.url in seen:
                return Answer(here, reply, astray="in a circle")
            seen.add(there.url)
            here = there
        return Answer(here, None, astray=f"more than {_MOST_HOPS} times")

    async def _ask(
        self, here: Place, body: Body, method: str, ends: float, cookies: dict[str, str]
    ) -> Reply | Failure:
        key = here.host, here.port
        if key in self._dead and key not in self._alive:
            return self._dead[key]  # fifty files of a dead host must not use up the time of all others
        addresses = await self._addresses(here)
        if isinstance(addresses, Failure):
            return addresses
        for number, address in enumerate(addresses, 1):
            left_s = max(_LEAST_TIME_S, ends - monotonic())
            last = number == len(addresses)
            reply = await self.outbound.fetch(
                self._request(here, body, method, address, left_s, last, cookies)
            )
            failure = reply.failure
            moves = failure is not None and failure.phase == "connect" and failure.kind in _TRY_NEXT
            if not moves or last:
                break
        if not moves:  # whoever answered is asked first for the other files
            self._orders[key] = (address, *(a for a in addresses if a != address))
            self._alive.add(key)
        elif failure is not None:
            self._dead[key] = failure
        return reply

    async def _addresses(self, here: Place) -> tuple[str, ...] | Failure:
        """Looked up once in a look: a hundred files must not be a hundred questions past the cache."""
        task = self._names.get(here.host)
        if task is None:
            question = self.outbound.look_up(here.host, "any", self.look.resolver, self.ends)
            task = self._names[here.host] = asyncio.ensure_future(question)
        answer = (await asyncio.shield(task)).answer
        if isinstance(answer, ResolveFailure):
            return Failure("dns", answer.kind, answer.sentence)
        self.dns_ms = self.dns_ms or answer.elapsed_ms
        key = here.host, here.port
        if key not in self._orders:
            self._orders[key] = self.outbound.order(here.host, here.port, answer.addresses)
        return self._orders[key][:_MOST_ADDRESSES]

    def _request(
        self,
        here: Place,
        body: Body,
        method: str,
        address: str,
        left_s: float,
        last: bool,
        cookies: dict[str, str],
    ) -> Request:
        config = self.config
        home = here.origin == config.place.origin
        lines = config.own_lines if home else ()
        if not (home and config.names_agent):
            lines += (self.outbound.agent_line,)
        if cookies and not (home and config.cookies):
            lines += (("Cookie: " + "; ".join(f"{k}={v}" for k, v in cookies.items())).encode(),)
        connect_s = min(config.connect_timeout, left_s if last else left_s / 2)
        return Request(
            here.url,
            here.host,
            here.port,
            address,
            lines,
            method,
            verify_tls=config.verify_tls,
            ca_file=self.outbound.trust(config.ca_pem) if config.ca_pem else "",
            connect_timeout_s=connect_s,
            timeout_s=left_s,
            max_body=config.max_body,
            sink=body.take,
        )


def _keep_cookies(cookies: dict[str, str], reply: Reply) -> bool:
    """Cookies of a hop go on within its origin. True: there is a new one."""
    before = dict(cookies)
    for name, value in reply.headers:
        if name == "set-cookie" and len(cookies) < 50:
            key, equals, text = value.split(";", 1)[0].partition("=")
            if equals and len(text) <= 4096:
                cookies[key.strip()] = text.strip()
    return cookies != before
