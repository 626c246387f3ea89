"""The questions beside the handshake: is it revoked, when does the authority want it renewed, which versions?

Their answers come from elsewhere or take more handshakes, and hardly ever change. So they are asked rarely,
aside, with a deadline of their own: a look hands out what is known by then, and the next one the rest. Facts:
``revocation`` and ``renewal`` by the fingerprint of the leaf, ``versions``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from itertools import pairwise
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from watchpost.kinds.tls import ari, crl, protocols
from watchpost.kinds.tls.chain import Cert, diagnose, fingerprint, parse, title
from watchpost.kinds.tls.config import TlsConfig
from watchpost.kinds.tls.served import Chain, roots_of
from watchpost.outbound import Handshake, Outbound, Store, Want

_MOST_CHAINS = 4
_MOST_HELD = 20_000
_AT_ONCE = 8
_WAIT_S = 0.5
_LIST_DEADLINE_S = 60.0
_DEADLINE_S = 20.0
_FRESH_S, _AGAIN_S, _DAY_S = 6 * 3600.0, 3600.0, 86_400.0
_DAY = timedelta(days=1)
_MOST_JSON = 256 * 1024

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Topic:
    """``key`` says what is asked of whom; ``place`` where the answer stands in the facts."""

    key: tuple[str, ...]
    place: tuple[str, ...]
    # The answer, and how long it stays.
    ask: Callable[[Outbound, datetime], Coroutine[Any, Any, tuple[Facts, float]]]


@dataclass(slots=True)
class Aside:
    """What is known so far. One for a process."""

    known: dict[tuple[str, ...], tuple[Facts, datetime]] = field(default_factory=dict)
    asking: dict[tuple[str, ...], asyncio.Task[None]] = field(default_factory=dict)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    def is_due(self, key: tuple[str, ...], now: datetime) -> bool:
        known = self.known.get(key)
        # A clock that was set back must not silence a question for ever.
        return key not in self.asking and (known is None or not now < known[1] <= now + _DAY)

    async def find(self, topic: _Topic, outbound: Outbound, now: datetime) -> None:
        try:
            async with self.slots:
                answer, stays_s = await topic.ask(outbound, now)
            if len(self.known) >= _MOST_HELD:
                self.known.clear()
            self.known[topic.key] = answer, now + timedelta(seconds=stays_s)
        finally:
            self.asking.pop(topic.key, None)


def aside_of(outbound: Outbound) -> Aside:
    """One for a process."""
    if "tls" not in outbound.shared:
        outbound.shared["tls"] = Aside()
    found: Aside = outbound.shared["tls"]
    return found


async def ask_aside(
    config: TlsConfig, shaken: Sequence[Handshake], outbound: Outbound, at: datetime, ends: float
) -> Facts:
    """What is known of these chains by now. The look that asks first waits a moment, and no longer than half
    of what is left until ``ends`` (monotonic). Raises only on cancellation."""
    aside, topics = aside_of(outbound), list(_topics(config, shaken, outbound, at))
    new = []
    for topic in topics:
        if aside.is_due(topic.key, at):
            aside.asking[topic.key] = outbound.aside(aside.find(topic, outbound, at))
            if topic.key not in aside.known:
                new.append(aside.asking[topic.key])
    if new:
        await asyncio.wait(new, timeout=max(0.0, min(_WAIT_S, (ends - monotonic()) / 2)))
    facts: Facts = {}
    for topic in topics:
        if topic.key in aside.known:
            place = facts
            for name in topic.place[:-1]:
                place = place.setdefault(name, {})
            place[topic.place[-1]] = aside.known[topic.key][0]
    return facts


def _topics(
    config: TlsConfig, shaken: Sequence[Handshake], outbound: Outbound, at: datetime
) -> Iterator[_Topic]:
    wanted = config.revocation == "auto", config.renewal_info == "auto", config.acme_directory or ""
    chains = dict.fromkeys(one.chain for one in shaken if one.chain)
    for chain in list(chains)[:_MOST_CHAINS]:
        store = outbound.authorities(config.ca_pem or "")
        yield from _topics_of(chain, config.name, store, at.date(), wanted, config.ca_pem or "")
    first = min((one for one in shaken if one.protocol), key=lambda one: one.address, default=None)
    if config.protocols == "scan" and first is not None:
        # Not the address: asked in turns they would answer in turns.
        key = ("versions", config.name, config.where, str(config.door), config.starttls)
        yield _Topic(key, ("versions",), partial(_versions, config, first))


@lru_cache(maxsize=4096)
def _topics_of(
    chain: Chain, name: str, store: Store, day: date, wanted: tuple[bool, bool, str], ca_pem: str
) -> tuple[_Topic, ...]:
    """What is asked about one chain, the same from look to look; nothing if it leads to nobody who is
    trusted: who else could sign a list? ``wanted``: revocation, renewal, and the directory that is told."""
    path, found = _path(chain, name, store, day), list[_Topic]()
    if not path:
        return ()
    revocation, renewal, told = wanted
    prints = tuple(map(fingerprint, path))
    if revocation and len(path) > 1:
        found.append(_Topic(("revocation", *prints), ("revocation", prints[0]), partial(_revocation, path)))
    url = told or ari.directory_of(path[0])
    if renewal and url:
        trusted = ca_pem if told else ""
        key = ("renewal", prints[0], url, trusted)
        found.append(_Topic(key, ("renewal", prints[0]), partial(_renewal, path[0], url, trusted)))
    return tuple(found)


def _path(chain: Chain, name: str, store: Store, day: date) -> tuple[Cert, ...]:
    """() if it leads to nobody. Which of several paths is the best may change from day to day, no sooner."""
    read = [parse(der) for der in chain]
    if read[0] is None:
        return ()
    now = datetime.combine(day, time(12), UTC)
    found = diagnose(tuple(one for one in read if one is not None), name, roots_of(store), now)
    return found.path if found.complete else ()


async def _revocation(path: tuple[Cert, ...], outbound: Outbound, at: datetime) -> tuple[Facts, float]:
    """Of the leaf and of each link, without the authority at the end: what is trusted itself is not asked."""
    ends = monotonic() + _LIST_DEADLINE_S
    said: list[Facts] = []
    for place, (one, issuer) in enumerate(pairwise(path)):
        answer = await _listed(one, issuer, outbound, at, ends)
        said.append({**answer, **({"authority": title(one)} if place else {})})
        if answer["state"] == "revoked":
            return said[-1], _FRESH_S
    # What is not known of a link counts more than what is known of the leaf.
    worst = next((one for one in said if one["state"] == "unknown"), said[0])
    return worst, _AGAIN_S if worst["state"] == "unknown" else _FRESH_S


async def _listed(one: Cert, issuer: Cert, outbound: Outbound, at: datetime, ends: float) -> Facts:
    urls, why = crl.where(one)
    if why.startswith("none: "):
        return {"state": "none", "why": why.removeprefix("none: ")}
    found: Facts = {"state": "unknown", "why": why}
    for url in urls:
        want = Want(url, _FRESH_S, _AGAIN_S, crl.MOST_BYTES)
        file = await outbound.downloads.get(want, ends, at)
        if not file.body:
            found = {"state": "unknown", "why": f"its list was not to be had: {file.why}"}
            continue
        found = await asyncio.to_thread(crl.read, file.body, one, issuer, at)
        if found["state"] != "unknown":
            return {**found, "by": (urlsplit(url).hostname or "")[:100]}
    return found


async def _renewal(
    leaf: Cert, directory: str, ca_pem: str, outbound: Outbound, at: datetime
) -> tuple[Facts, float]:
    ends = monotonic() + _DEADLINE_S
    by = (urlsplit(directory).hostname or "")[:100]
    ca_file = outbound.trust(ca_pem) if ca_pem else ""
    want = Want(directory, _DAY_S, _AGAIN_S, _MOST_JSON, "application/json", ca_file)
    listed, identifier = await outbound.downloads.get(want, ends, at), ari.cert_id(leaf)
    if not listed.body or identifier is None:
        why = listed.why or "it does not name its issuer's key"
        return {"by": by, "why": why}, _AGAIN_S
    url = ari.info_url(directory, listed.body, identifier)
    if url is None:
        return {"by": by, "why": "this authority offers no renewal information"}, _DAY_S
    file = await outbound.downloads.get(want._replace(url=url, fresh_s=_FRESH_S), ends, at)
    window = ari.read(file.body) if file.body and file.checked else None
    stays_s = max(60.0, (file.due - at).total_seconds()) if file.due else _AGAIN_S
    if window is None or file.why:
        return {"by": by, "why": file.why or "its answer cannot be read"}, stays_s
    return {"by": by, **window}, stays_s


async def _versions(
    config: TlsConfig, first: Handshake, outbound: Outbound, at: datetime
) -> tuple[Facts, float]:
    found = await protocols.scan(config, first.address, first.protocol, outbound, _DEADLINE_S)
    return found, _AGAIN_S if found.get("unknown") else _DAY_S
