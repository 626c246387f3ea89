"""Tokens for pages: fetched once for all looks that need one, kept in memory until shortly before they end.

Nothing of it is written anywhere: neither a token nor a secret stands in facts, findings or logs. What a
page sends back of the token is made unreadable before anything is read from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from time import monotonic
from typing import Protocol
from urllib.parse import quote

from watchpost.core.types import Phases
from watchpost.kinds.http.config import HttpConfig
from watchpost.kinds.http.oauth2 import MAX_ANSWER, Granted, OAuth2, read_answer
from watchpost.kinds.http.pauses import Limited, Pauses
from watchpost.kinds.http.proxy import find_way, proxied
from watchpost.outbound import Failure, Outbound, Reply, Request, ResolveFailure, retry_after_s
from watchpost.registry import Look

_MOST_HELD = 5_000
_MOST_ADDRESSES = 3
_LEAST_TIME_S = 0.05
_LEAST_LETTERS = 8
_TRY_NEXT = frozenset(("refused", "unreachable", "reset", "timeout"))


@dataclass(frozen=True, slots=True)
class Token:
    """``since`` and ``until`` are on the monotonic clock."""

    text: str = field(repr=False)
    since: float
    until: float

    @property
    def line(self) -> bytes:
        return f"Authorization: Bearer {self.text}".encode()


Fetch = Callable[[], Awaitable[Token | Failure]]


@dataclass(slots=True)
class _Flight:
    """One fetch under way, for all who wait for it. ``ends``: when it gives up."""

    task: asyncio.Task[Token | Failure]
    ends: float
    given_s: float
    waiting: int = 0


class Tokens:
    """What all looks of this process share."""

    def __init__(self) -> None:
        self._held: dict[str, Token] = {}
        self._flights: dict[str, _Flight] = {}
        self._pauses = Pauses()

    async def get(
        self, key: str, fetch: Fetch, ends: float, at: datetime, worn: Token | None
    ) -> Token | Failure:
        """One that is good, and is not ``worn``, which a page refused; while the endpoint fails, sometimes
        what it said before (``pauses``). ``at`` is when the look began. Raises only on cancellation."""
        if worn is not None and self._held.get(key) is worn:
            del self._held[key]
        while True:
            held = self._held.get(key)
            if held is not None and held.until > monotonic():
                return held
            flight = self._flights.get(key)
            if flight is None:
                kept = self._pauses.kept(key, ends - monotonic(), monotonic())
                if kept is not None:
                    return kept
                flight = self._begin(key, fetch, ends, at)
            found = await self._wait(key, flight, ends, at)
            late = isinstance(found, Failure) and found.kind == "timeout"
            # Who began it may have had less time than we: then its end is not ours.
            if not late or ends <= flight.ends + _LEAST_TIME_S or monotonic() >= ends - _LEAST_TIME_S:
                return found

    def _begin(self, key: str, fetch: Fetch, ends: float, at: datetime) -> _Flight:
        given_s = ends - monotonic()
        task = asyncio.create_task(self._fetch(key, fetch, given_s, at))
        flight = self._flights[key] = _Flight(task, ends, given_s)
        flight.task.add_done_callback(lambda _: self._forget(key, flight))
        return flight

    def _forget(self, key: str, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    async def _fetch(self, key: str, fetch: Fetch, given_s: float, at: datetime) -> Token | Failure:
        found = await fetch()
        if isinstance(found, Failure):
            found = self._pauses.note(key, found, given_s, at, monotonic())
        else:
            self._pauses.forget(key)
            if len(self._held) >= _MOST_HELD:
                now = monotonic()
                self._held = {one: token for one, token in self._held.items() if token.until > now}
            if len(self._held) < _MOST_HELD:
                self._held[key] = found
        return found

    async def _wait(self, key: str, flight: _Flight, ends: float, at: datetime) -> Token | Failure:
        began = monotonic()
        flight.waiting += 1
        try:
            await asyncio.wait({flight.task}, timeout=max(0.0, ends - began))
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():  # nobody is left to hear it
                flight.task.cancel()
                self._forget(key, flight)
        if not flight.task.done():
            waited_s = max(0.1, round(monotonic() - began, 1))
            failure = Failure("token", "timeout", f"no answer came within {waited_s:g} s")
            over = flight.task.cancelling() and ends >= flight.ends - _LEAST_TIME_S
            return self._pauses.note(key, failure, flight.given_s, at, monotonic()) if over else failure
        return flight.task.result()


class Walk(Protocol):
    """The look that needs a token, as far as it is of use here."""

    config: HttpConfig
    look: Look
    at: datetime
    outbound: Outbound
    ends: float
    dns_ms: float
    phases: list[Phases]
    total_ms: float
    token: Token | None


async def ask_with_token(walk: Walk, ask: Callable[[], Awaitable[Reply | None]]) -> Reply | Failure | None:
    """``ask`` with ``walk.token`` set. When the page answers 401 to a token from memory, which it or the
    endpoint may have forgotten since, that one is thrown away and the page asked once more with a new one.
    The time for tokens, and that of the first answer then, is none of the page's."""
    times = walk.dns_ms, len(walk.phases), walk.total_ms
    worn: Token | None = None
    while True:
        token = await find_token(walk.config, walk.look.resolver, walk.outbound, walk.ends, walk.at, worn)
        if isinstance(token, Failure):
            return token
        walk.token = token
        reply = await ask()
        is_new = worn is not None or token.since >= walk.ends - walk.look.deadline_s
        if reply is None or reply.status != 401 or is_new or 401 in walk.config.accepted:
            return reply
        worn, walk.dns_ms, walk.total_ms = token, times[0], times[2]
        del walk.phases[times[1] :]


async def find_token(
    config: HttpConfig,
    resolver: int,
    outbound: Outbound,
    ends: float,
    at: datetime,
    worn: Token | None = None,
) -> Token | Failure:
    """The token for the pages of ``config``, from memory or fetched before ``ends`` (monotonic)."""
    oauth2 = config.oauth2
    if oauth2 is None:
        raise ValueError("the monitor has no oauth2")
    tokens: Tokens = outbound.shared.setdefault("http.tokens", Tokens())
    way = sha256((config.proxy or "").encode()).hexdigest()

    async def fetch() -> Token | Failure:
        return await _fetch(config, oauth2, resolver, outbound, ends, at)

    return await tokens.get(f"{oauth2.digest} {way}", fetch, ends, at, worn)


async def _fetch(
    config: HttpConfig, oauth2: OAuth2, resolver: int, outbound: Outbound, ends: float, at: datetime
) -> Token | Failure:
    here = oauth2.place
    if config.via is not None:
        way = await find_way(config.via, here, resolver, outbound, ends, {})
        if way.failure is not None:
            return _of_token(way.failure)
        addresses = way.addresses
    else:
        answer = (await outbound.look_up(here.host, "any", resolver, ends)).answer
        if isinstance(answer, ResolveFailure):
            return Failure("token", "name", answer.sentence)
        addresses = answer.addresses
    tried = outbound.order(here.host, here.port, addresses)[:_MOST_ADDRESSES]
    failure = Failure("token", "timeout", "no time was left to ask it")
    for number, address in enumerate(tried, 1):
        left_s = ends - monotonic()
        if left_s < _LEAST_TIME_S:
            break
        reply = await outbound.fetch(
            _request(config, oauth2, outbound, address, left_s, number == len(tried))
        )
        if reply.failure is None:
            return _read(oauth2, reply, at)
        failure = _of_token(reply.failure)
        if reply.failure.phase not in ("connect", "proxy") or reply.failure.kind not in _TRY_NEXT:
            break
    return failure


def _request(
    config: HttpConfig, oauth2: OAuth2, outbound: Outbound, address: str, left_s: float, last: bool
) -> Request:
    """What the page is shown (headers, cookies, our own certificate) is none of the endpoint's business."""
    here = oauth2.place
    return Request(
        here.url,
        here.host,
        here.port,
        address,
        (*oauth2.lines, outbound.agent_line),
        "POST",
        oauth2.form,
        ca_file=outbound.trust(oauth2.ca_pem) if oauth2.ca_pem else "",
        connect_timeout_s=min(config.connect_timeout, left_s if last else left_s / 2),
        timeout_s=left_s,
        max_body=MAX_ANSWER,
        proxy=proxied(config.via, address, outbound),
    )


def _of_token(failure: Failure) -> Failure:
    """A proxy that fails is the proxy's fault here, too."""
    if failure.phase == "proxy":
        return replace(failure, sentence=f"{failure.sentence} (asked for the token endpoint)")
    return replace(failure, phase="token", sentence=failure.sentence.replace("the page", "its answer"))


def _read(oauth2: OAuth2, reply: Reply, at: datetime) -> Token | Failure:
    kind = (reply.header("content-type") or "").partition(";")[0].strip()
    found = read_answer(oauth2, reply.status, reply.header("location"), kind, reply.body, reply.truncated)
    if not isinstance(found, Granted):
        wish_s = retry_after_s(reply.header("retry-after"), at, least_s=0.0) or 0.0
        return Limited("token", found.kind, found.sentence, wish_s)
    now = monotonic()
    return Token(found.text, now, now + found.kept_s)


def hide(token: Token | None, reply: Reply, follows: bool) -> Reply:
    """What the page sends back of its token is starred out, in the same length. A token of a few letters is
    an ordinary word, and stays; so does a cookie of a redirect that is followed, which goes home again."""
    if token is None or len(token.text) < _LEAST_LETTERS:
        return reply
    for dress in {token.text, token.text.replace("/", "\\/"), quote(token.text, safe="")}:
        worn = dress.encode()
        if worn in reply.body or any(worn in line for line in reply.header_lines):
            stars = b"*" * len(worn)
            kept = b"set-cookie:" if follows and 300 <= reply.status < 400 else b"\n"
            lines = tuple(
                line if line.lower().startswith(kept) else line.replace(worn, stars)
                for line in reply.header_lines
            )
            reply = replace(reply, body=reply.body.replace(worn, stars), header_lines=lines)
    return reply
