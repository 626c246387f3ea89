"""Channels of Healthchecks, as its database keeps them, read into ours.

``value`` is JSON, or the bare address of a mail: ``EmailConf`` and ``WebhookSpec`` in ``hc/api/models.py``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from watchpost.importers import Left, WantedChannel
from watchpost.importers.healthchecks.answers import left_channel
from watchpost.monitors.spec import seen_text

_SHAPE = "docs/how-to/receive-webhooks.md says what it holds; make the receiver read that, and send it a test"
# Ours says what a message is.
_SET_HERE = frozenset({"content-length", "content-type", "host", "user-agent"})


def read_channel(row: Mapping[str, Any], ours: Collection[str]) -> WantedChannel | Left:
    """A row of ``api_channel``. ``ours``: the kinds of channels here."""
    kind = str(row["kind"])
    label = f"channel {seen_text(str(row['name'] or '')) or row['id']} ({kind})"
    if kind not in ours:
        return left_channel(row, ours)
    if kind not in _READERS:
        return Left(
            label, "not brought: it is not read from there", f"make a channel of the kind {kind} yourself"
        )
    if row.get("disabled"):
        return Left(label, "not brought: it is switched off there", "make it here if it is still wanted")
    try:
        value = json.loads(row["value"]) if str(row["value"]).startswith("{") else row["value"]
    except ValueError:
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
    address = str(asked.get("value", ""))
    return WantedChannel(seen_text(str(row["name"] or "")) or address, "email", {"to": [address]}, remarks)


def _webhook(label: str, row: Mapping[str, Any], value: Any) -> WantedChannel | Left:
    asked = value if isinstance(value, dict) else {}
    url, headers = asked.get("url_down"), asked.get("headers_down") or {}
    if not isinstance(url, str) or not url or not isinstance(headers, dict):
        return Left(label, "not brought: it has no address for what is down", "make it here if you want that")
    if asked.get("method_down") != "POST":
        why = f"not brought: it sends {asked.get('method_down') or 'otherwise'}, and Watchpost posts"
        return Left(label, why, "make one here whose receiver takes a POST")
    if "$" in url or any("$" in str(text) for text in headers.values()):
        why = "not brought: its address or a header holds a $ that Healthchecks fills in"
        return Left(label, why, "make one here; the message itself holds what the $ stood for")
    remarks = [Left(f"body of {label}", "every message of Watchpost is JSON of one form", _SHAPE)]
    if asked.get("url_up") != url:
        remarks.append(_recoveries(label))
    kept = {str(name): str(text) for name, text in headers.items() if str(name).lower() not in _SET_HERE}
    spec = {"url": url} | ({"headers": kept} if kept else {})
    return WantedChannel(seen_text(str(row["name"] or "")) or "webhook", "webhook", spec, remarks)


def _recoveries(label: str) -> Left:
    why = "it does not hear them there, or elsewhere; here each channel hears what opens and what is over"
    return Left(f"recoveries of {label}", why, "nothing, if that is welcome")


_READERS = {"email": _email, "webhook": _webhook}
