"""Looks at a page once: resolve, ask, follow redirects hop by hop, evaluate the look-ups.

Facts are small and only as many as needed: ``status``, ``bytes`` and ``http`` always; ``certificate`` at
the first look, then once an hour (more often near its end) and while the monitor is in trouble; the rest
(``failure``, ``hops``, ``final``, ``dead``, ``dns``, look-ups that failed, ...) when there is something to
say. With ``ip: both`` the facts stand per family under ``families``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any

from watchpost.core.types import Observation, Outcome, Phases
from watchpost.kinds.http import behind, every, quic
from watchpost.kinds.http.certificate import describe
from watchpost.kinds.http.config import HttpConfig
from watchpost.kinds.http.denied import describe_error
from watchpost.kinds.http.hops import next_method, next_place, text_of
from watchpost.kinds.http.lookups import evaluate, excerpt
from watchpost.kinds.http.proxy import find_way, proxied
from watchpost.kinds.http.tokens import Token, ask_with_token, hide
from watchpost.outbound import Failure, Outbound, Reply, Request, ResolveFailure
from watchpost.registry import Look
from watchpost.registry.place import Place
from watchpost.registry.shown import shown

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_MOST_ADDRESSES = 3
_LEAST_TIME_S = 0.05
_ON_THE_WAY = ("connect", "proxy")
_TRY_NEXT = frozenset(("refused", "unreachable", "reset", "timeout"))


@dataclass(slots=True)
class _Walk:
    """One look on its way through hops; ``ends`` is on the monotonic clock."""

    config: HttpConfig
    look: Look
    outbound: Outbound
    family: str
    ends: float
    at: datetime
    facts: dict[str, Any] = field(default_factory=dict)
    dns_ms: float = 0.0
    phases: list[Phases] = field(default_factory=list)
    total_ms: float = 0.0
    address: str = ""
    excerpt: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    token: Token | None = None
    pin: str = ""  # the only address to ask of the configured host

    @property
    def left_s(self) -> float:
        return self.ends - monotonic()


async def probe(look: Look, outbound: Outbound, at: datetime) -> Observation:
    """One look. Every failure is an Observation; only cancellation is raised."""
    config: HttpConfig = look.config
    ends = monotonic() + look.deadline_s
    if config.every_address:
        return await _ask_everywhere(look, outbound, at, ends)
    if config.ip != "both":
        walk = _Walk(config, look, outbound, config.ip, ends, at)
        await _follow(walk)
        return _observe(walk, at, walk.facts)
    walks = [_Walk(config, look, outbound, family, ends, at) for family in ("4", "6")]
    await asyncio.gather(*(_follow(walk) for walk in walks))
    facts: dict[str, Any] = {
        "families": {walk.family: {"address": walk.address, **walk.facts} for walk in walks}
    }
    read = [walk.facts["certificate"] for walk in walks if "certificate" in walk.facts]
    if read:  # the one that ends first is kept where that of a single family is
        facts["certificate"] = min(read, key=lambda one: str(one["not_after"]))
    return _observe(_representative(walks), at, facts)


async def _ask_everywhere(look: Look, outbound: Outbound, at: datetime, ends: float) -> Observation:
    """All addresses at the same time. Each is followed by itself; where a redirect leads to another host,
    that one is looked up as ever."""
    config: HttpConfig = look.config
    found = await behind.find(look, outbound, ends)
    pins = found.addresses[: every.MOST_ADDRESSES] or ("",)
    walks = [_Walk(config, look, outbound, "any", ends, at, dns_ms=found.dns_ms, pin=pin) for pin in pins]
    walks[0].facts |= behind.describe(config.place.host, found)
    if found.failure is not None:
        _record(walks[0], found.failure, config.place)
        return _observe(walks[0], at, {**walks[0].facts, "addresses": {}})  # nor are older ones shown
    await asyncio.gather(*(_follow(walk) for walk in walks))
    shown = _representative(walks)
    shown.excerpt = next((walk.excerpt for walk in walks if walk.excerpt), "")
    asked = [(walk.pin, walk.facts, walk.total_ms) for walk in walks]
    return _observe(shown, at, every.gather(asked, shown.facts, len(found.addresses) - len(walks)))


def _representative(walks: list[_Walk]) -> _Walk:
    """The slowest that answered as it should, else that answered at all; a failed one's time says nothing.
    All failed: the first."""
    answered = [walk for walk in walks if "failure" not in walk.facts]
    fine = [walk for walk in answered if walk.facts.get("status") in walk.config.accepted]
    return max(fine or answered, key=lambda walk: walk.total_ms) if answered else walks[0]


def _observe(walk: _Walk, at: datetime, facts: Mapping[str, Any]) -> Observation:
    look = walk.look
    phases = walk.phases[0] if len(walk.phases) == 1 and not walk.dns_ms else _sum(walk.phases, walk.dns_ms)
    return Observation(
        look.monitor_id,
        look.location,
        at,
        look.revision,
        _outcome(walk.facts),
        phases,
        round(walk.total_ms + walk.dns_ms, 3),
        walk.address,
        facts,
        walk.excerpt,
    )


def _outcome(facts: Mapping[str, Any]) -> Outcome:
    failure = facts.get("failure")
    if failure is None:
        return Outcome.OK
    if failure["kind"] == "refused_by_guard":
        return Outcome.REFUSED
    return Outcome.TIMEOUT if failure["kind"] in ("timeout", "unanswered") else Outcome.FAILED


def _sum(phases: list[Phases], dns_ms: float) -> Phases:
    return Phases(
        round(dns_ms, 3),
        round(sum(p.connect for p in phases), 3),
        round(sum(p.tls for p in phases), 3),
        round(sum(p.wait for p in phases), 3),
        round(sum(p.transfer for p in phases), 3),
    )


async def _follow(walk: _Walk) -> None:
    config, here = walk.config, walk.config.place
    method: str = config.method
    hops: list[tuple[str, int]] = []
    seen: set[tuple[str, str, tuple[tuple[str, str], ...]]] = {(method, here.url, ())}
    while True:
        reply = await _ask(walk, here, method)
        if reply is None:
            break
        location = reply.header("location") if reply.status in _REDIRECTS else None
        if location is None or not config.follow_redirects:
            _conclude(walk, reply)
            break
        hops.append((here.url, reply.status))
        try:
            there = next_place(here, location)
        except ValueError as problem:
            walk.facts |= {"status": reply.status, "bad_redirect": f"{shown(text_of(location))} ({problem})"}
            break
        method = next_method(method, reply.status)
        _keep_cookies(walk, here, there, reply)
        step = (method, there.url, tuple(sorted(walk.cookies.items())))
        if step in seen:
            walk.facts |= {"status": reply.status, "loop": there.url[:500]}
            break
        if len(hops) > config.max_redirects:
            walk.facts |= {"status": reply.status, "too_many": config.max_redirects}
            break
        seen.add(step)
        here = there
    if hops:
        walk.facts["hops"] = [[url[:500], status] for url, status in hops]
        walk.facts["final"] = here.url[:500]


def _keep_cookies(walk: _Walk, here: Place, there: Place, reply: Reply) -> None:
    """Cookies of a hop go on within one origin (a site that sets one and redirects would loop for ever)."""
    if here.origin != there.origin:
        walk.cookies.clear()
        return
    for name, value in reply.headers:
        if name == "set-cookie" and len(walk.cookies) < 50:
            key, equals, text = value.split(";", 1)[0].partition("=")
            if equals and len(text) <= 4096:
                walk.cookies[key.strip()] = text.strip()


async def _ask(walk: _Walk, here: Place, method: str) -> Reply | None:
    """One hop, with a token where one is wanted."""
    if walk.config.oauth2 is None or here.origin != walk.config.place.origin:
        return await _try(walk, here, method)
    reply = await ask_with_token(walk, partial(_try, walk, here, method))
    if not isinstance(reply, Failure):
        return reply
    _record(walk, reply, here)
    return None


async def _try(walk: _Walk, here: Place, method: str) -> Reply | None:
    """One hop, at the first address that takes a connection. None: it failed, and the facts say why."""
    addresses = await _addresses(walk, here)
    if not addresses:
        return None
    outbound = walk.outbound
    tried = outbound.order(here.host, here.port, addresses)[:_MOST_ADDRESSES]
    dead: list[list[str]] = []
    reply = None
    for number, address in enumerate(tried, 1):
        if walk.left_s < _LEAST_TIME_S:
            break
        last = number == len(tried)
        reply = await quic.ask(outbound, _request(walk, here, method, address, last), walk.facts)
        reply = hide(walk.token, reply, walk.config.follow_redirects)
        walk.address = address if walk.config.via is None else ""  # the page's, of which a proxy says nothing
        _keep_certificate(walk, here, reply)
        failure = reply.failure
        may_move = failure is not None and failure.phase in _ON_THE_WAY and failure.kind in _TRY_NEXT
        if not may_move:
            break
        if not last and walk.config.via is None:
            dead.append([address, failure.sentence])  # type: ignore[union-attr]
    else:
        may_move = False
    if reply is None:
        _fail(walk, "dns", "timeout", "the time was used up by the name look-up")
        return None
    return _settle(walk, here, reply, dead)


def _settle(walk: _Walk, here: Place, reply: Reply, dead: list[list[str]]) -> Reply | None:
    walk.phases.append(reply.phases)
    walk.total_ms += reply.total_ms
    if reply.failure is None:
        if dead:
            walk.facts["dead"] = dead
            walk.outbound.suspect(here.host, here.port, dead[0][0])
        else:
            # One that answers by TCP alone is asked again by the second look, too.
            walk.outbound.suspect(here.host, here.port, walk.address if "quic" in walk.facts else "")
        return reply
    _record(walk, reply.failure, here)
    if reply.status:
        walk.facts["status"] = reply.status
        walk.excerpt = excerpt(reply)
    return None


async def _addresses(walk: _Walk, here: Place) -> tuple[str, ...]:
    if walk.config.via is not None:
        way = await find_way(walk.config.via, here, walk.look.resolver, walk.outbound, walk.ends, walk.facts)
        walk.dns_ms += way.dns_ms
        if way.failure is not None:
            _record(walk, way.failure, here)
        return way.addresses
    if walk.pin and here.host == walk.config.place.host:
        return (walk.pin,)
    found = await walk.outbound.look_up(here.host, walk.family, walk.look.resolver, walk.ends)
    answer = found.answer
    walk.dns_ms += answer.elapsed_ms
    if found.silent:
        walk.facts["resolver"] = {"silent": list(found.silent)}
    if found.denied:
        walk.facts["dns"] = {"host": here.host, "says": found.denied}
    if isinstance(answer, ResolveFailure):
        _record(walk, Failure("dns", answer.kind, answer.sentence), here)
        return ()
    family = walk.family
    fitting = tuple(a for a in answer.addresses if family == "any" or (":" in a) == (family == "6"))
    if not fitting:
        _record(walk, Failure("dns", "no_data", f"{here.host} is not an IPv{family} address"), here)
    return fitting


def _request(walk: _Walk, here: Place, method: str, address: str, last: bool) -> Request:
    config, left_s = walk.config, max(walk.left_s, _LEAST_TIME_S)
    lines = config.plain_lines if method != "GET" else ()
    home = here.origin == config.place.origin
    if home:
        lines += config.own_lines
        lines += () if walk.token is None else (walk.token.line,)
    if not (home and config.names_agent):
        lines += (walk.outbound.agent_line,)
    cookies = (config.cookies | walk.cookies) if home else walk.cookies
    if cookies:
        lines += (("Cookie: " + "; ".join(f"{k}={v}" for k, v in cookies.items())).encode(),)
    connect_s = min(config.connect_timeout, left_s) if last else min(config.connect_timeout, left_s / 2)
    return Request(
        here.url,
        here.host,
        here.port,
        address,
        lines,
        method,
        # A body goes to the configured origin only, like the credentials.
        config.body.encode() if config.body is not None and method != "GET" and home else None,
        config.http_version,
        config.verify_tls,
        walk.outbound.trust(config.ca_pem) if config.ca_pem else "",
        _wants_certificate(walk, here),
        connect_s,
        left_s,
        config.max_body,
        identity=config.identity if home else None,
        proxy=proxied(config.via, address, walk.outbound),
    )


def _wants_certificate(walk: _Walk, here: Place) -> bool:
    """Reading it costs: at the first look, then once an hour, more often when it is due to be renewed, and at
    every look in trouble and the first one after it."""
    if here.scheme != "https":
        return False
    return walk.look.resolver != 0 or walk.outbound.readings.due(*_reading(walk, here))


def _reading(walk: _Walk, here: Place) -> tuple[object, ...]:
    return walk.look.monitor_id, walk.family, here.host, here.port


def _keep_certificate(walk: _Walk, here: Place, reply: Reply) -> None:
    """Of several hops the first, but for one that failed: its certificate may be why."""
    if not reply.certificates:
        return
    leaf = reply.certificates[0]
    walk.outbound.readings.note(*_reading(walk, here), holds_s=leaf.holds_s(walk.at))
    if reply.failure is not None or "certificate" not in walk.facts:
        walk.facts["certificate"] = describe(here.host, leaf, walk.at)


def _conclude(walk: _Walk, reply: Reply) -> None:
    config, facts = walk.config, walk.facts
    facts["status"] = reply.status
    facts["bytes"] = len(reply.body)
    facts["http"] = reply.http_version
    if reply.truncated:
        facts["truncated"] = True
    facts |= evaluate(config.expect, reply)
    if reply.status not in config.accepted:
        facts |= describe_error(config, reply, walk.outbound.user_agent)
        walk.excerpt = excerpt(reply)
    elif facts.keys() & {"missing", "unwanted", "pattern_missing", "json"}:
        walk.excerpt = excerpt(reply)


def _record(walk: _Walk, failure: Failure, here: Place) -> None:
    _fail(walk, failure.phase, failure.kind, failure.sentence)
    walk.facts["failure"]["host"] = walk.config.host_at(failure.phase) or here.host


def _fail(walk: _Walk, phase: str, kind: str, sentence: str) -> None:
    walk.facts["failure"] = {"phase": phase, "kind": kind, "sentence": sentence}
