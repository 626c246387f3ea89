"""How registries are asked: over HTTP under the guard, hop by hop, within the limits of each host."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from urllib.parse import urljoin

from watchpost.core.types import Phases
from watchpost.kinds.domain.limits import RDAP, Limits
from watchpost.kinds.domain.spent import Spent
from watchpost.outbound import Outbound, Reply, Request, ResolveFailure
from watchpost.registry.place import Place, place

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_MOST_HOPS = 5
_MOST_BODY = 512 * 1024
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
class Client:
    """One for a process: it knows which hosts want to be left alone."""

    outbound: Outbound
    limits: Limits = field(default_factory=Limits)

    async def get(
        self,
        url: str,
        ends: float,
        now: datetime,
        resolver: int,
        etag: str = "",
        spent: Spent | None = None,
    ) -> Answer:
        """Follows redirects; ``ends`` is on the monotonic clock. ``spent`` learns where the time went. Raises
        only on cancellation."""
        spent = spent or Spent()
        seen: set[str] = set()
        for _ in range(_MOST_HOPS + 1):
            try:
                here = place(url)
            except ValueError:
                return Answer("failed", "it redirects to what is no http or https address")
            if here.url in seen:
                return Answer("failed", "it redirects in a circle")
            seen.add(here.url)
            reply = await self._turn(here, ends, now, resolver, etag, spent)
            if isinstance(reply, Answer):
                return reply
            location = reply.header("location") if reply.status in _REDIRECTS else None
            if location is None:
                return self._read(here, reply, now)
            url = urljoin(here.url, location.encode("latin-1").decode("utf-8", "replace"))
        return Answer("failed", f"it redirects more than {_MOST_HOPS} times")

    async def _turn(
        self, here: Place, ends: float, now: datetime, resolver: int, etag: str, spent: Spent
    ) -> Reply | Answer:
        key = f"{here.host}:{here.port}"
        until = self.limits.closed(key, now)
        if until is not None:
            return _limited(here, until)
        began = monotonic()
        is_ours = await self.limits.turn(key, RDAP, ends, now)
        spent.waited_s += monotonic() - began
        if not is_ours:
            return Answer("failed", f"{here.host} was not asked in time: others were asking it too")
        return await self._ask(here, ends, resolver, etag, spent)

    async def _ask(self, here: Place, ends: float, resolver: int, etag: str, spent: Spent) -> Reply | Answer:
        began = monotonic()
        found = (await self.outbound.look_up(here.host, "any", resolver, ends)).answer
        spent.add(Phases(dns=(monotonic() - began) * 1000))
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
            spent.add(reply.phases)
            if reply.failure is None or reply.failure.phase != "connect":
                break
        return reply

    def _read(self, here: Place, reply: Reply, now: datetime) -> Answer:
        if reply.failure is not None:
            refused = reply.failure.kind == "refused_by_guard"
            return Answer("refused" if refused else "failed", reply.failure.sentence, address=reply.address)
        if reply.status == 429 or (reply.status == 503 and reply.header("retry-after")):
            key = f"{here.host}:{here.port}"
            return _limited(here, self.limits.close(key, reply.header("retry-after"), now))
        if reply.status == 304:
            return Answer("not_modified", address=reply.address)
        if reply.status == 404 and _is_rdap_error(reply):
            return Answer("not_found", address=reply.address)
        if reply.status == 404:
            why = f"{here.host} answers 404 with what is no RDAP answer"
            return Answer("failed", why, address=reply.address)
        if reply.status != 200:
            return Answer("failed", f"{here.host} answers with status {reply.status}", address=reply.address)
        if reply.truncated:
            return Answer("failed", f"the answer is larger than {_MOST_BODY // 1024} kB")
        return Answer("ok", "", reply.body, reply.header("etag") or "", None, reply.address)


def _limited(here: Place, until: datetime) -> Answer:
    why = f"{here.host} wants no more questions before {until:%Y-%m-%d %H:%M} UTC"
    return Answer("limited", why, until=until)


def _is_rdap_error(reply: Reply) -> bool:
    """Whether a 404 is a registry's word (RFC 7480, 5.3; RFC 9083, 6): a proxy, a parked name or a server of
    something else answers 404, too, and says nothing of a registration."""
    try:
        said = json.loads(reply.body) if reply.body.strip() else {}
    except (ValueError, RecursionError):
        return False
    if not isinstance(said, dict):
        return False
    kind = (reply.header("content-type") or "").partition(";")[0].strip().lower()
    return kind == "application/rdap+json" or str(said.get("errorCode")) == "404"
