"""How registries are asked: over HTTP under the guard, hop by hop, one after another for each host.

Registries do not publish their limits. What a host says with 429 or 503 and Retry-After (RFC 9110, 10.2.3)
holds for all monitors of this process, and there is always a pause between two questions.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from urllib.parse import urljoin

from watchpost.outbound import Outbound, Reply, Request, ResolveFailure
from watchpost.registry.place import Place, place

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_MOST_HOPS = 5
_MOST_BODY = 512 * 1024
_PAUSE_S = 1.0
_USUAL_LIMIT_S = 3600.0
_LONGEST_LIMIT_S = 86_400.0
_LEAST_TIME_S = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """``kind``: ok | not_found | not_modified | limited | failed | refused (by our guard). ``why`` is the
    end of a sentence."""

    kind: str
    why: str = ""
    body: bytes = b""
    etag: str = ""
    until: datetime | None = None
    address: str = ""


@dataclass(slots=True)
class _Host:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0  # monotonic: when the next question may be asked
    limited_until: datetime | None = None


@dataclass(slots=True)
class Client:
    """One for a process: it knows which hosts want to be left alone."""

    outbound: Outbound
    hosts: dict[str, _Host] = field(default_factory=dict)

    async def get(self, url: str, ends: float, now: datetime, resolver: int, etag: str = "") -> Answer:
        """Follows redirects; ``ends`` is on the monotonic clock. Raises only on cancellation."""
        seen: set[str] = set()
        for _ in range(_MOST_HOPS + 1):
            try:
                here = place(url)
            except ValueError:
                return Answer("failed", "it redirects to what is no http or https address")
            if here.url in seen:
                return Answer("failed", "it redirects in a circle")
            seen.add(here.url)
            reply = await self._turn(here, ends, now, resolver, etag)
            if isinstance(reply, Answer):
                return reply
            location = reply.header("location") if reply.status in _REDIRECTS else None
            if location is None:
                return self._read(here, reply, now)
            url = urljoin(here.url, location.encode("latin-1").decode("utf-8", "replace"))
        return Answer("failed", f"it redirects more than {_MOST_HOPS} times")

    async def _turn(
        self, here: Place, ends: float, now: datetime, resolver: int, etag: str
    ) -> Reply | Answer:
        host = self.hosts.setdefault(f"{here.host}:{here.port}", _Host())
        try:
            async with asyncio.timeout(max(_LEAST_TIME_S, ends - monotonic())), host.turn:
                if host.limited_until is not None and now < host.limited_until:
                    return _limited(here, host.limited_until)
                await asyncio.sleep(max(0.0, host.free_at - monotonic()))
                try:
                    return await self._ask(here, ends, resolver, etag)
                finally:
                    host.free_at = monotonic() + _PAUSE_S
        except TimeoutError:
            return Answer("failed", f"{here.host} was not asked in time: others were asking it too")

    async def _ask(self, here: Place, ends: float, resolver: int, etag: str) -> Reply | Answer:
        found = (await self.outbound.look_up(here.host, "any", resolver, ends)).answer
        if isinstance(found, ResolveFailure):
            return Answer("failed", found.sentence)
        lines = [self.outbound.agent_line, b"Accept: application/rdap+json, application/json"]
        if etag:
            lines.append(b"If-None-Match: " + etag.encode("latin-1", "replace"))
        addresses = self.outbound.order(here.host, here.port, found.addresses)[:3]
        for number, address in enumerate(addresses, 1):
            left_s = max(_LEAST_TIME_S, ends - monotonic())
            wait_s = left_s if number == len(addresses) else left_s / 2
            reply = await self.outbound.fetch(
                Request(here.url, here.host, here.port, address, tuple(lines), connect_timeout_s=wait_s,
                        timeout_s=left_s, max_body=_MOST_BODY)
            )  # fmt: skip
            if reply.failure is None or reply.failure.phase != "connect":
                break
        return reply

    def _read(self, here: Place, reply: Reply, now: datetime) -> Answer:
        if reply.failure is not None:
            refused = reply.failure.kind == "refused_by_guard"
            return Answer("refused" if refused else "failed", reply.failure.sentence, address=reply.address)
        if reply.status == 429 or (reply.status == 503 and reply.header("retry-after")):
            until = now + timedelta(seconds=retry_after_s(reply.header("retry-after"), now))
            self.hosts[f"{here.host}:{here.port}"].limited_until = until
            return _limited(here, until)
        if reply.status == 304:
            return Answer("not_modified", address=reply.address)
        if reply.status == 404:
            return Answer("not_found", body=reply.body, address=reply.address)
        if reply.status != 200:
            return Answer("failed", f"{here.host} answers with status {reply.status}", address=reply.address)
        if reply.truncated:
            return Answer("failed", f"the answer is larger than {_MOST_BODY // 1024} kB")
        return Answer("ok", "", reply.body, reply.header("etag") or "", None, reply.address)


def _limited(here: Place, until: datetime) -> Answer:
    why = f"{here.host} wants no more questions before {until:%Y-%m-%d %H:%M} UTC"
    return Answer("limited", why, until=until)


def retry_after_s(text: str | None, now: datetime) -> float:
    """Seconds to wait: a number or a date (RFC 9110, 10.2.3), an hour when unreadable, a day at most."""
    seconds = _USUAL_LIMIT_S
    if text and text.strip().isascii() and text.strip().isdigit():
        seconds = float(text[:9])
    elif text:
        try:
            seconds = (parsedate_to_datetime(text) - now).total_seconds()
        except (ValueError, TypeError):
            seconds = _USUAL_LIMIT_S
    return min(max(seconds, 1.0), _LONGEST_LIMIT_S)
