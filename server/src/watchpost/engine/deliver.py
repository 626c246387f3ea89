"""Sends the outbox: one thread per channel, so that a channel that hangs holds up nobody else.

A lane: 1. takes the pending rows that are due, per incident only the oldest (a resolve never overtakes
its trigger); 2. sends, a storm as one message where the channel is for people; 3. writes what came of it,
on the row, the channel and the incident's timeline, in one transaction.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction

from watchpost.config.secret import unseal_all
from watchpost.core.retry import Break, Failure, Retry, next_attempt
from watchpost.incidents.models import Channel, Delivery
from watchpost.incidents.outbox import note
from watchpost.incidents.payload import signed_links
from watchpost.monitors.changes import announce
from watchpost.registry import Message, Sent, channels

log = logging.getLogger(__name__)
STORM = 3  # from so many incidents at once on, people get one message
IDLE_S = 2.0


class Lanes:
    """One lane per channel; ``poke`` wakes it."""

    def __init__(self, outbound: Any, now: Callable[[], datetime]) -> None:
        self.outbound = outbound
        self.now = now
        self.lanes: dict[int, threading.Event] = {}
        self.closing = False
        self.lock = threading.Lock()

    def poke(self, channel_ids: Sequence[int] | frozenset[int]) -> None:
        """Start or wake the lanes of these channels."""
        with self.lock:
            for channel_id in channel_ids:
                wake = self.lanes.get(channel_id)
                if wake is None:
                    wake = self.lanes[channel_id] = threading.Event()
                    name = f"channel-{channel_id}"
                    threading.Thread(
                        target=self._run, args=(channel_id, wake), name=name, daemon=True
                    ).start()
                wake.set()

    def close(self) -> None:
        self.closing = True
        for wake in self.lanes.values():
            wake.set()

    def _run(self, channel_id: int, wake: threading.Event) -> None:
        while not self.closing:
            wake.clear()
            try:
                if not self._idle(send_due(channel_id, self.outbound, self.now), wake, channel_id):
                    return
            except DatabaseError:
                log.exception("the outbox of channel %s could not be read; trying again", channel_id)
                connection.close()
                wake.wait(IDLE_S)
            except Exception:
                log.exception("the lane of channel %s failed; trying again", channel_id)
                wake.wait(IDLE_S)
        connection.close()

    def _idle(self, pause_s: float | None, wake: threading.Event, channel_id: int) -> bool:
        """Wait for the next due row; a lane without rows ends and gives its connection back."""
        if pause_s is not None:
            wake.wait(pause_s)
            return True
        if wake.wait(10):
            return True
        with self.lock:
            if wake.is_set():
                return True
            del self.lanes[channel_id]
        connection.close()
        return False


def send_due(channel_id: int, outbound: Any, now: Callable[[], datetime]) -> float | None:
    """Send what is due; seconds until the next look at the outbox, None when nothing waits."""
    channel = Channel.objects.filter(pk=channel_id).first()
    if channel is None or not channel.enabled or channel.broken or channel.kind not in channels():
        return None
    heads = _heads(channel_id)
    if not heads:
        return None
    due = [row for row in heads if row.next_attempt_at is None or row.next_attempt_at <= now()]
    if not due:
        soonest = min(row.next_attempt_at for row in heads if row.next_attempt_at)
        return min(max((soonest - now()).total_seconds(), 0.05), 60.0)
    bundle = channels()[channel.kind].bundles and len(due) >= STORM
    for batch in [due] if bundle else [[row] for row in due]:
        sent = _send(channel, batch, outbound, now())
        _record(channel, batch, sent, now())
        if channel.broken:
            return None
    return 0.0


def _heads(channel_id: int) -> list[Delivery]:
    """The oldest pending row of every incident, in order; at most 200."""
    rows = Delivery.objects.filter(channel_id=channel_id, state="pending").order_by("id")[:1000]
    heads: dict[int, Delivery] = {}
    for row in rows.select_related("incident"):
        heads.setdefault(row.incident_id if row.incident_id is not None else -row.pk, row)
    return list(heads.values())[:200]


def _send(channel: Channel, rows: Sequence[Delivery], outbound: Any, at: datetime) -> Sent:
    kind = channels()[channel.kind]
    messages = tuple(
        Message(
            row.delivery_id,
            row.event,
            row.payload,
            signed_links(row.incident_id) if row.incident_id else {},
            at,
        )
        for row in rows
    )
    try:
        config = kind.config.model_validate(unseal_all(channel.config))
        return kind.send(config, messages, outbound)
    except ValueError as error:  # a config this version refuses, a secret whose key is gone
        return Sent(False, f"The channel's configuration cannot be used: {error}", channel_broken=True)
    except Exception as error:
        log.exception("channel %s failed to send", channel.name)
        return Sent(False, f"Watchpost itself failed to send: {error!r}")


def _record(channel: Channel, rows: Sequence[Delivery], sent: Sent, now: datetime) -> None:
    with transaction.atomic():
        for row in rows:
            row.attempts += 1
            row.first_attempt_at = row.first_attempt_at or now
            row.answer = sent.detail[:500]
            if sent.ok:
                _delivered(channel, row, now)
            else:
                _failed(channel, row, sent, now)
            row.save(
                update_fields=[
                    "attempts",
                    "first_attempt_at",
                    "answer",
                    "state",
                    "next_attempt_at",
                    "delivered_at",
                ]
            )
        announce("delivery", channel.pk, now)


def _delivered(channel: Channel, row: Delivery, now: datetime) -> None:
    row.state, row.delivered_at, row.next_attempt_at = Delivery.State.DELIVERED, now, None
    Channel.objects.filter(pk=channel.pk).update(delivered_at=now)
    if row.incident:
        note(row.incident, now, "delivered", f"{channel.name} was told ({row.event}): {row.answer}")


def _failed(channel: Channel, row: Delivery, sent: Sent, now: datetime) -> None:
    failure = Failure(sent.permanent, sent.channel_broken, sent.retry_after_s)
    decision = next_attempt(failure, row.attempts, random.random(), now, row.first_attempt_at)
    if isinstance(decision, Retry):
        row.next_attempt_at = decision.at
        sentence = f"{channel.name} could not be told ({row.event}), attempt {row.attempts}: {sent.detail}"
    elif isinstance(decision, Break):
        # Once the channel is mended, the row starts anew.
        row.next_attempt_at, row.attempts, row.first_attempt_at = now, 0, None
        _break(channel, decision.reason, sent, now)
        sentence = f"{channel.name} was switched off: {sent.detail}"
    else:
        row.state, row.next_attempt_at = Delivery.State.FAILED, None
        sentence = f"{channel.name} will not be told ({row.event}): {decision.reason} {sent.detail}"
    if row.incident:
        note(row.incident, now, "failed", sentence)


def _break(channel: Channel, reason: str, sent: Sent, now: datetime) -> None:
    """Off, and loudly: the pages, doctor and /metrics show it; its rows wait in the outbox."""
    channel.broken = f"{reason} {sent.detail}".strip()
    Channel.objects.filter(pk=channel.pk).update(broken=channel.broken, broken_at=now)
    announce("channel", channel.pk, now)
    log.error("channel %s was switched off: %s", channel.name, sent.detail)


def pending_channels(now: datetime) -> frozenset[int]:
    """Channels with rows due within a minute: what a restart, or another process, left to send."""
    soon = now + timedelta(seconds=60)
    rows = Delivery.objects.filter(state="pending", next_attempt_at__lte=soon)
    return frozenset(rows.values_list("channel_id", flat=True).distinct())
