"""The one guarded way out. Nothing else in the product opens connections.

``Outbound`` is for probes, on the event loop; ``send.Sender`` for channels, in worker threads. What stands
here is loaded when it is first asked for: the supervisor only knocks, and needs no libcurl for that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchpost.outbound.certificate import Certificate
    from watchpost.outbound.curl import Reply
    from watchpost.outbound.dnsask import Question, Said
    from watchpost.outbound.download import Downloads, File, Want, retry_after_s
    from watchpost.outbound.everywhere import Everywhere, find_everywhere
    from watchpost.outbound.exchange import Ask, Exchange, get_page
    from watchpost.outbound.failure import Failure
    from watchpost.outbound.guard import Guard
    from watchpost.outbound.handshake import Handshake, Knock
    from watchpost.outbound.names import Found
    from watchpost.outbound.proxy import Proxy
    from watchpost.outbound.request import MAX_BODY, Request
    from watchpost.outbound.resolver import Answer, Resolved, ResolveFailure, Resolver, disagree
    from watchpost.outbound.talk import Call, Step, Talk
    from watchpost.outbound.trust import Store
    from watchpost.outbound.way import Outbound

__all__ = [
    "MAX_BODY",
    "Answer",
    "Ask",
    "Call",
    "Certificate",
    "Downloads",
    "Everywhere",
    "Exchange",
    "Failure",
    "File",
    "Found",
    "Guard",
    "Handshake",
    "Knock",
    "Outbound",
    "Proxy",
    "Question",
    "Reply",
    "Request",
    "ResolveFailure",
    "Resolved",
    "Resolver",
    "Said",
    "Step",
    "Store",
    "Talk",
    "Want",
    "disagree",
    "find_everywhere",
    "get_page",
    "retry_after_s",
]

_HOMES = {
    "certificate": ("Certificate",),
    "curl": ("Reply",),
    "dnsask": ("Question", "Said"),
    "download": ("Downloads", "File", "Want", "retry_after_s"),
    "everywhere": ("Everywhere", "find_everywhere"),
    "exchange": ("Ask", "Exchange", "get_page"),
    "failure": ("Failure",),
    "guard": ("Guard",),
    "handshake": ("Handshake", "Knock"),
    "names": ("Found",),
    "proxy": ("Proxy",),
    "request": ("MAX_BODY", "Request"),
    "resolver": ("Answer", "Resolved", "ResolveFailure", "Resolver", "disagree"),
    "talk": ("Call", "Step", "Talk"),
    "trust": ("Store",),
    "way": ("Outbound",),
}


def __getattr__(name: str) -> Any:
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
