"""Looks at a page and its files once: the page first, then what it names, then what its stylesheets import.

Facts are small: ``status`` and ``bytes`` of the page, ``found`` and ``looked``, ``hosts`` that files come
from beside the page's own, and what is wrong (see ``facts``). ``failure`` or ``astray`` when the page itself
does not come. No body is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from watchpost.core.types import Observation, Outcome, Phases
from watchpost.kinds.assets import css, facts, memory
from watchpost.kinds.assets.asset import Asset, is_ignored, is_own, read
from watchpost.kinds.assets.body import Body
from watchpost.kinds.assets.check import Result, examine, wants_body
from watchpost.kinds.assets.config import MB, AssetsConfig
from watchpost.kinds.assets.fetch import Answer, Getter
from watchpost.kinds.assets.page import Page, decode, find
from watchpost.outbound import Failure, Outbound, Reply
from watchpost.registry import Look
from watchpost.registry.place import Place
from watchpost.registry.suffix import site_of

PAGE_BYTES = 2 * MB
_LARGE_PAGE = 64 * 1024  # parsing more than this is kept off the loop
_RESERVE_S = 0.1
_MOST_HOSTS = 50


@dataclass(slots=True)
class _Walk:
    """One look under way; ``known`` are the addresses that were taken on or left out."""

    config: AssetsConfig
    getter: Getter
    page: Place
    limit_s: float  # for each file
    known: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    found: int = 0
    elsewhere: int = 0
    room: int = 0


async def probe(look: Look, outbound: Outbound, at: datetime) -> Observation:
    """One look. Every failure is an Observation; only cancellation is raised."""
    config: AssetsConfig = look.config
    # What was found must still be told: the deadline of the look is not ours to the last moment.
    ends = monotonic() + max(0.1, look.deadline_s - _RESERVE_S)
    getter = Getter(config, look, outbound, ends)
    try:
        body = Body(keep=PAGE_BYTES)
        answer = await getter.get(config.place, body)
        page = answer.reply
        if page is None or answer.failure is not None or answer.astray or page.status != 200:
            return _observe(look, at, getter, page, _why_not(config, answer))
        seen: dict[str, Any] = {"status": page.status, "bytes": body.size}
        if answer.place.url != config.place.url:
            seen["final"] = answer.place.url[:500]
        named = await _parse(page, bytes(body.head), answer.place)
        walk = _Walk(config, getter, answer.place, max(1.0, look.deadline_s / 2), room=config.most)
        results = await _look_at_all(walk, named, memory.recall(outbound, look.monitor_id))
    finally:
        getter.close()
    memory.keep(
        outbound, look.monitor_id, [one.asset.url for one in results if one.what not in ("", "unasked")]
    )
    seen["found"] = walk.found
    seen["hosts"] = _hosts(walk)
    if walk.elsewhere:
        seen["elsewhere"] = walk.elsewhere
    return _observe(look, at, getter, page, seen | facts.gather(results))


async def _parse(reply: Reply, body: bytes, there: Place) -> Page:
    policy = ", ".join(value for name, value in reply.headers if name == "content-security-policy")

    def parse() -> Page:
        return find(decode(body, reply.header("content-type") or ""), there.url, policy)

    return await asyncio.to_thread(parse) if len(body) > _LARGE_PAGE else parse()


async def _look_at_all(walk: _Walk, named: Page, before: frozenset[str]) -> list[Result]:
    wanted = _choose(walk, named.assets)
    wanted.sort(key=lambda one: one.url not in before)
    first = await asyncio.gather(*(_look_at(walk, asset) for asset in wanted))
    children = [child for _, inner in first for child in inner]
    if named.upgrades:
        children = [_secured(child) for child in children]
    imported = await asyncio.gather(*(_look_at(walk, asset) for asset in _choose(walk, children)))
    return [result for result, _ in (*first, *imported)]


def _secured(asset: Asset) -> Asset:
    if asset.place is None or asset.place.scheme == "https":
        return asset
    return read(asset.kind, "https" + asset.url[4:], asset.url) or asset


def _choose(walk: _Walk, assets: Iterable[Asset]) -> list[Asset]:
    """What is looked at: of the page's site, not ignored, each once, as many as there is room for."""
    chosen = []
    for asset in assets:
        if asset.url in walk.known or is_ignored(walk.config, asset.url):
            continue
        walk.known.add(asset.url)
        if asset.place is not None:
            walk.hosts.add(asset.place.host)
        if asset.place is not None and not is_own(walk.config, walk.page, asset.place):
            walk.elsewhere += 1
            continue
        walk.found += 1
        if walk.room > 0:
            walk.room -= 1
            chosen.append(asset)
    return chosen


def _hosts(walk: _Walk) -> list[str]:
    """Where files come from beside the page's own host, those of its domain before strangers."""
    others = walk.hosts - {walk.page.host}
    return sorted(others, key=lambda host: (site_of(host) != site_of(walk.page.host), host))[:_MOST_HOSTS]


async def _look_at(walk: _Walk, asset: Asset) -> tuple[Result, list[Asset]]:
    """The file, and what it loads if it is a stylesheet of the page (one level)."""
    secure = walk.page.scheme == "https"
    if asset.place is None:
        return Result(asset, "unreachable", why="its address cannot be read"), []
    if secure and asset.place.scheme == "http":
        return Result(asset, "mixed_content"), []
    async with walk.getter.turn(asset.place.host):
        return await _ask(walk, asset, asset.place, secure)


async def _ask(walk: _Walk, asset: Asset, there: Place, secure: bool) -> tuple[Result, list[Asset]]:
    if not wants_body(asset):
        body = Body()
        answer = await walk.getter.get(there, body, "HEAD", walk.limit_s)
        result = examine(asset, answer, body, secure, head=True)
        if result.what in ("", "unasked", "refused_by_guard"):
            return result, []
    # HEAD lies now and then: whatever it finds wrong is asked again as browsers ask.
    body = Body(css.MOST_TEXT if asset.kind == "style" else 0, asset.integrity)
    answer = await walk.getter.get(there, body, "GET", walk.limit_s)
    result = examine(asset, answer, body, secure)
    if result.what or asset.kind != "style":
        return result, []
    return result, _imports(bytes(body.head), answer.place)


def _imports(text: bytes, there: Place) -> list[Asset]:
    children = (
        read(kind, reference, there.url)
        for kind, reference in css.references(text.decode("utf-8", "replace"))
    )
    return [child for child in children if child is not None]


def _why_not(config: AssetsConfig, answer: Answer) -> dict[str, Any]:
    """The page did not come: facts in the shape of other kinds, for the engine looks at ``failure``."""
    seen: dict[str, Any] = {}
    if answer.place.url != config.place.url:
        seen["final"] = answer.place.url[:500]
    if answer.reply is not None and answer.reply.status:
        seen["status"] = answer.reply.status
    if answer.astray:
        return seen | {"astray": answer.astray}
    failure = answer.failure
    if failure is None and answer.reply is None:
        failure = Failure("dns", "timeout", "the time was used up before it could be asked")
    if failure is not None:
        seen["failure"] = {
            "phase": failure.phase,
            "kind": failure.kind,
            "sentence": failure.sentence,
            "host": answer.place.host,
        }
    return seen


def _observe(
    look: Look, at: datetime, getter: Getter, page: Reply | None, seen: dict[str, Any]
) -> Observation:
    """Times are those of the page: the files are looked at side by side, and their sum says nothing."""
    phases = page.phases if page else Phases()
    phases = Phases(round(getter.dns_ms, 3), phases.connect, phases.tls, phases.wait, phases.transfer)
    total_ms = round((page.total_ms if page else 0.0) + getter.dns_ms, 3)
    address = page.address if page else ""
    outcome = _outcome(seen)
    return Observation(
        look.monitor_id, look.location, at, look.revision, outcome, phases, total_ms, address, seen
    )


def _outcome(seen: dict[str, Any]) -> Outcome:
    failure = seen.get("failure")
    if failure is None:
        return Outcome.OK
    if failure["kind"] == "refused_by_guard":
        return Outcome.REFUSED
    return Outcome.TIMEOUT if failure["kind"] in ("timeout", "unanswered") else Outcome.FAILED
