"""Posts the incident object, signed, and reads the receiver's answer."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from watchpost.channels.webhook.config import WebhookConfig
from watchpost.registry import Channel, Message, Sent

DEADLINE_S = 10.0
_SHOWN = 300
_TRANSIENT = frozenset({408, 425, 429})
_BROKEN = {
    401: "The receiver does not accept our credentials. Check secret and headers of this channel.",
    403: "The receiver does not accept our credentials. Check secret and headers of this channel.",
    404: "Nothing listens at this address. Check the url of this channel.",
    405: "The address does not take POST. Check the url of this channel.",
    410: "The address is gone for good. Give this channel a new url, or delete it.",
}
_REFUSED = "To allow it, add that network to WATCHPOST_ALLOW_NETWORKS on the Watchpost server."


def sign(secret: str, body: bytes, at: datetime) -> str:
    """The value of X-Watchpost-Signature. The time is signed as well, so nothing old can be replayed."""
    seconds = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def body_of(message: Message) -> bytes:
    """The payload was frozen at the transition: the same delivery has the same bytes at every attempt."""
    whole = {"reason": "", **message.payload, "event": message.event, "delivery_id": message.delivery_id}
    return json.dumps(whole, separators=(",", ":"), default=str).encode()


def send(config: WebhookConfig, messages: tuple[Message, ...], outbound: Any) -> Sent:
    """Posts each message; webhooks are never bundled, so there is one."""
    sent = Sent(False, "there was nothing to send", permanent=True)
    for message in messages:
        sent = _send(config, message, outbound)
        if not sent.ok:
            break
    return sent


def _send(config: WebhookConfig, message: Message, outbound: Any) -> Sent:
    body = body_of(message)
    answer = outbound.post(config.url, body, _headers(config, message, body), DEADLINE_S)
    if answer.refused:
        return Sent(False, _limit(f"{_clean(answer.error)}. {_REFUSED}"), channel_broken=True)
    if answer.status is None:
        return Sent(False, _limit(_clean(answer.error) or "no answer"))
    return _judge(config.url, answer.status, _lower(answer.headers), answer.body, message.at)


def _headers(config: WebhookConfig, message: Message, body: bytes) -> dict[str, str]:
    headers = dict(config.headers)
    headers["Content-Type"] = "application/json"
    headers["X-Watchpost-Event"] = message.event
    headers["X-Watchpost-Delivery"] = message.delivery_id
    headers["Idempotency-Key"] = message.delivery_id
    if config.secret:
        headers["X-Watchpost-Signature"] = sign(config.secret, body, message.at)
    return headers


def _judge(url: str, status: int, headers: Mapping[str, str], body: bytes, at: datetime) -> Sent:
    said = _limit(f"{status} {_clean(body.decode('utf-8', 'replace'))[:_SHOWN]}".strip())
    if 200 <= status < 300:
        return Sent(True, said)
    if 300 <= status < 400:
        return Sent(False, _moved(url, status, headers.get("location", "")), channel_broken=True)
    if status in _BROKEN:
        return Sent(False, _limit(f"{said}. {_BROKEN[status]}"), channel_broken=True)
    if status in _TRANSIENT or status >= 500:
        return Sent(False, said, retry_after_s=_retry_after(headers.get("retry-after", ""), at))
    return Sent(False, said, permanent=True)


def _moved(url: str, status: int, location: str) -> str:
    """Not followed: what a redirect makes of a signed POST is different in every client."""
    if not location:
        return f"{status}: the receiver redirects to nowhere. Check the url of this channel."
    try:
        target = urljoin(url, location)
    except ValueError:
        target = location
    return _limit(
        f"{status}: the receiver has moved to {_clean(target)[:350]}. Make that the url of this channel."
    )


def _retry_after(value: str, at: datetime) -> float | None:
    """Retry-After in seconds, from a number or an HTTP date; None when there is none that can be read."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - at).total_seconds())


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _clean(text: str) -> str:
    """One line without control characters: what a stranger sent is shown on our pages and in terminals."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _limit(text: str) -> str:
    return text if len(text) <= 500 else f"{text[:497]}..."


def describe(config: WebhookConfig) -> str:
    """Host only: the path of such an address is often a secret."""
    parts = urlsplit(config.url)
    host = f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"
    signed = "signed" if config.secret else "not signed"
    return f"POST to {parts.scheme}://{host}, {signed}"


CHANNEL = Channel(
    name="webhook",
    title="Webhook",
    config=WebhookConfig,
    send=send,
    describe=describe,
    secrets=("secret", "headers"),
)
