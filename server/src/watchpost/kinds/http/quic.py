"""Asks by QUIC alone; where that fails, once over TCP: a closed UDP port is not a site that is down."""

from __future__ import annotations

from time import monotonic
from typing import Any

from watchpost.outbound import Failure, Outbound, Reply, Request

_LEAST_TIME_S = 0.05
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))  # RFC 9110, 9.2.1


async def ask(outbound: Outbound, request: Request, facts: dict[str, Any]) -> Reply:
    """The answer to any request. Where one over https is to come by QUIC and does not, ``facts`` say why."""
    if request.http_version != "3" or not request.url.startswith("https:"):
        return await outbound.fetch(request)
    reply, failure = await _ask_twice(outbound, request)
    if failure is not None:
        said = {"kind": failure.kind, "sentence": failure.sentence}
        facts.setdefault("quic", {"host": request.host, "port": request.port, **said})
    return reply


async def _ask_twice(outbound: Outbound, request: Request) -> tuple[Reply, Failure | None]:
    """The answer, and why it did not come by QUIC. If TCP fails, too, what it says of the site counts.

    A third of the time is left to QUIC for connecting, so that TCP, and another address, have some, too.
    """
    began = monotonic()
    patience_s = min(request.connect_timeout_s, request.timeout_s / 3)
    reply = await outbound.fetch(request._replace(connect_timeout_s=patience_s))
    left_s = request.timeout_s - (monotonic() - began)
    failure = reply.failure
    if failure is None or left_s < _LEAST_TIME_S or not _may_ask_again(request, reply, failure):
        return reply, None
    patience_s = min(request.connect_timeout_s, left_s)
    again = request._replace(http_version="auto", timeout_s=left_s, connect_timeout_s=patience_s)
    other = await outbound.fetch(again)
    if other.failure is not None and not other.status:
        return other, None
    return other, failure


def _may_ask_again(request: Request, reply: Reply, failure: Failure) -> bool:
    """Nothing that was answered, and nothing twice that may have arrived and changes things."""
    if reply.status or failure.kind in ("refused_by_guard", "unable"):
        return False
    return failure.phase in ("connect", "tls") or request.method in _SAFE
