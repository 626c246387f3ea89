"""Channels of Healthchecks, as its database keeps them, read into ours.

``value`` is JSON, or the bare address of a mail: ``EmailConf`` and ``WebhookSpec`` in ``hc/api/models.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from watchpost.importers import Left, WantedChannel
from watchpost.importers.healthchecks.answers import left_channel
from watchpost.monitors.spec import seen_text
from watchpost.registry.shown import quoted

_SHAPE = "let the receiver read that (the documentation: Receive webhooks), and send it a test"
# What ``hc/integrations/webhook/transport.py`` fills in.
_FILLED_IN = re.compile(r"\$(CODE|STATUS|NOW|NAME|SLUG|TAGS?|JSON|BODY|EXITSTATUS)")
# Ours says what a message is.
_SET_HERE = frozenset({"content-length", "content-type", "host", "user-agent"})


def read_channel(row: Mapping[str, Any], ours: Collection[str]) -> WantedChannel | Left:
    """A row of ``api_channel``. ``ours``: the kinds of channels here."""
    kind = str(row["kind"])
    name, kind = seen_text(str(row["name"] or "")), seen_text(kind)
    label = f"channel {name or row['id']} ({kind})"
    if kind not in ours:
        return left_channel({"name": name, "id": row["id"], "kind": kind}, ours)
    if kind not in _READERS:
        return Left(
            label, "not brought: it is not read from there", f"make a channel of the kind {kind} yourself"
        )
    if row.get("disabled"):
        return Left(label, "not brought: it is switched off there", "make it here if it is still wanted")
    try:
        value = json.loads(row["value"]) if str(row["value"]).startswith("{") else row["value"]
    except (ValueError, RecursionError):
        return Left(label, "not brought: what it holds cannot be read", "make it here")
    return _READERS[kind](label, row, value)


def _email(label: str, row: Mapping[str, Any], value: Any) -> WantedChannel | Left:
    asked = value if isinstance(value, dict) else {"value": value}
    if not row.get("email_verified", True):
        return Left(
            label, "not brought: nobody has confirmed its address there", "make it here once it is sure"
        )
    if not asked.get("down", True):
        return Left(label, "not brought: it hears recoveries alone, there", "make it here if you want that")
    remarks = [] if asked.get("up", True) else [_recoveries(label)]
    address = asked.get("value")
    if not isinstance(address, str) or not address:
        return Left(label, "not brought: it holds no address", "make it here")
    return WantedChannel(
        _code(row), seen_text(str(row["name"] or "")) or address, "email", {"to": [address]}, remarks
    )


def _webhook(label: str, row: Mapping[str, Any], value: Any) -> WantedChannel | Left:
    asked = value if isinstance(value, dict) else {}
    url, headers = asked.get("url_down"), asked.get("headers_down") or {}
    if not isinstance(url, str) or not url or not isinstance(headers, dict):
        return Left(
            label, "not brought: no address for what is down can be read", "make it here if it has one"
        )
    if asked.get("method_down") != "POST":
        why = f"not brought: it sends {quoted(asked.get('method_down'))}, and Watchpost posts"
        return Left(label, why, "make one here whose receiver takes a POST")
    if any(_FILLED_IN.search(str(text)) for text in (url, *headers.values())):
        why = "not brought: its address or a header holds a name with $ that Healthchecks fills in"
        return Left(
            label, why, "make one here with a fixed address; the message holds what the name stood for"
        )
    remarks = [Left(f"body of {label}", "every message of Watchpost is JSON of one form", _SHAPE)]
    if asked.get("url_up") != url:
        remarks.append(_recoveries(label))
    if _is_private(url):
        why = "leads into a private network, where Watchpost connects only if it is allowed to"
        remarks.append(Left(label, why, "set WATCHPOST_ALLOW_NETWORKS to that network"))
    kept = {str(name): str(text) for name, text in headers.items() if str(name).lower() not in _SET_HERE}
    spec = {"url": url} | ({"headers": kept} if kept else {})
    return WantedChannel(_code(row), seen_text(str(row["name"] or "")) or "webhook", "webhook", spec, remarks)


def _code(row: Mapping[str, Any]) -> str:
    return str(row["code"]).replace("-", "").lower()


def _recoveries(label: str) -> Left:
    why = "there they are not sent, or elsewhere; here a channel gets an incident's beginning and its end"
    return Left(f"recoveries of {label}", why, "nothing, if that is welcome")


def _is_private(url: str) -> bool:
    """As far as the address tells: a name may lead there, too."""
    host = (urlsplit(url).hostname or "").removesuffix(".")
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".localhost"))


_READERS = {"email": _email, "webhook": _webhook}
