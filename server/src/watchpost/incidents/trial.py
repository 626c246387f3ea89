"""The test button: one message now, and the receiver's real answer."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings

from watchpost.config.secret import unseal_all
from watchpost.incidents.models import Channel, Delivery
from watchpost.incidents.payload import stamp
from watchpost.outbound.courier import Courier
from watchpost.registry import Message, Sent, channels


def send_test(channel_id: int, now: datetime, outbound: Any = None) -> Sent:
    """Send ``event: "test"``. An answer that is good also mends a channel that was switched off."""
    channel = Channel.objects.get(pk=channel_id)
    kind = channels()[channel.kind]
    message = Message(delivery_id := uuid.uuid4().hex, "test", trial_payload(delivery_id, now), {}, now)
    try:
        config = kind.config.model_validate(unseal_all(channel.config))
        sent = kind.send(config, (message,), outbound or Courier.from_settings())
    except ValueError as error:
        sent = Sent(False, f"The channel's configuration cannot be used: {error}", channel_broken=True)
    _keep(channel, message, sent)
    if sent.ok:
        Channel.objects.filter(pk=channel_id).update(delivered_at=now, broken="", broken_at=None)
    return sent


def _keep(channel: Channel, message: Message, sent: Sent) -> None:
    """A test that failed must still be seen tomorrow."""
    Delivery.objects.create(
        delivery_id=message.delivery_id,
        channel=channel,
        event=message.event,
        payload=message.payload,
        state=Delivery.State.DELIVERED if sent.ok else Delivery.State.FAILED,
        created_at=message.at,
        attempts=1,
        first_attempt_at=message.at,
        delivered_at=message.at if sent.ok else None,
        answer=sent.detail[:500],
    )


def trial_payload(delivery_id: str, now: datetime) -> dict[str, Any]:
    """An incident object that says it is none."""
    return {
        "id": "test",
        "project": "test",
        "title": "This is a test from Watchpost. Nothing is wrong.",
        "state": "open",
        "severity": "info",
        "began_at": stamp(now),
        "detected_at": stamp(now),
        "resolved_at": None,
        "causes": [],
        "monitors": [],
        "url": settings.SITE_URL,
        "event": "test",
        "delivery_id": delivery_id,
        "reason": "Somebody pressed the test button.",
    }
