"""One GET with everything around it: the name, the addresses in turn, redirects within a few hops.

For looks that want the answer and no account of how it came; the http kind keeps its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import monotonic
from urllib.parse import urljoin

from watchpost.core.types import Phases
from watchpost.outbound.curl import Reply
from watchpost.outbound.failure import Failure
from watchpost.outbound.request import Request
from watchpost.outbound.resolver import ResolveFailure
from watchpost.outbound.way import Outbound
from watchpost.registry.place import Place, place

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_MOST_HOPS = 5
_MOST_ADDRESSES = 3
_LEAST_TIME_S = 0.05
_TRY_NEXT = frozenset(("refused", "unreachable", "reset", "timeout"))


@dataclass(frozen=True, slots=True)
class Exchange:
    """``place`` is the last hop's. Without ``failure`` there is a ``reply``; ``astray``: a redirect that does
    not arrive, as the end of a sentence. Phases and ``total_ms`` are summed over the hops."""

    place: Place
    reply: Reply | None = None
    failure: Failure | None = None
    astray: str = ""
    phases: Phases = field(default_factory=Phases)
    total_ms: float = 0.0
    address: str = ""
    silent: tuple[str, ...] = ()  # resolvers of ours


@dataclass(frozen=True, slots=True)
class Ask:
    """Where, and how. ``lines`` gives the header lines for a hop: credentials are for the first origin alone.
    ``ends`` is on the monotonic clock."""

    start: Place
    lines: Callable[[Place], tuple[bytes, ...]]
    ends: float
    resolver: int = 0
    verify_tls: bool = True
    ca_pem: str = ""
    connect_timeout_s: float = 5.0
    max_body: int = 1024 * 1024


async def get_page(outbound: Outbound, ask: Ask) -> Exchange:
    """Raises only on cancellation."""
    here, seen = ask.start, {ask.start.url}
    done = Exchange(here)
    for _ in range(_MOST_HOPS + 1):
        done = await _hop(outbound, ask, here, done)
        reply = done.reply
        location = reply.header("location") if reply is not None and reply.status in _REDIRECTS else None
        if done.failure is not None or location is None:
            return done
        try:
            here = place(urljoin(here.url, location.encode("latin-1").decode("utf-8", "replace")))
        except ValueError:
            return replace(done, astray="redirects to what is no http or https address")
        if here.url in seen:
            return replace(done, astray="redirects in a circle")
        seen.add(here.url)
    return replace(done, astray=f"redirects more than {_MOST_HOPS} times")


async def _hop(outbound: Outbound, ask: Ask, here: Place, before: Exchange) -> Exchange:
    found = await outbound.look_up(here.host, "any", ask.resolver, ask.ends)
    answer = found.answer
    spent = replace(before.phases, dns=round(before.phases.dns + answer.elapsed_ms, 3))
    done = Exchange(
        here, phases=spent, total_ms=before.total_ms + answer.elapsed_ms, silent=found.silent or before.silent
    )
    if isinstance(answer, ResolveFailure):
        return replace(done, failure=Failure("dns", answer.kind, answer.sentence))
    tried = outbound.order(here.host, here.port, answer.addresses)[:_MOST_ADDRESSES]
    for number, address in enumerate(tried, 1):
        left_s = ask.ends - monotonic()
        if left_s < _LEAST_TIME_S:
            break
        last = number == len(tried)
        reply = await outbound.fetch(_request(outbound, ask, here, address, left_s, last))
        done = replace(_added(done, reply), address=address)
        failure = reply.failure
        if failure is None or failure.phase != "connect" or failure.kind not in _TRY_NEXT:
            break
    if done.reply is None:
        used = "the time was used up before it could be asked"
        return replace(done, failure=Failure("dns", "timeout", used))
    return done


def _added(done: Exchange, reply: Reply) -> Exchange:
    had, more = done.phases, reply.phases
    phases = Phases(
        had.dns,
        round(had.connect + more.connect, 3),
        round(had.tls + more.tls, 3),
        round(had.wait + more.wait, 3),
        round(had.transfer + more.transfer, 3),
    )
    return replace(
        done,
        reply=reply,
        failure=reply.failure,
        phases=phases,
        total_ms=round(done.total_ms + reply.total_ms, 3),
    )


def _request(outbound: Outbound, ask: Ask, here: Place, address: str, left_s: float, last: bool) -> Request:
    return Request(
        here.url,
        here.host,
        here.port,
        address,
        ask.lines(here),
        verify_tls=ask.verify_tls,
        ca_file=outbound.trust(ask.ca_pem) if ask.ca_pem else "",
        connect_timeout_s=min(ask.connect_timeout_s, left_s if last else left_s / 2),
        timeout_s=left_s,
        max_body=ask.max_body,
    )
