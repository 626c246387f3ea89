"""Sends the outbox: one thread per channel, so that a channel that hangs holds up nobody else.

A lane: 1. takes the pending rows that are due, as ``core.bundle`` puts them together (a resolve never
overtakes its trigger); 2. sends; 3. writes what came of it, on the row, the channel and the incident's
timeline, in one transaction.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction

from watchpost.config.secret import unseal_all
from watchpost.core import bundle
from watchpost.core.retry import Break, Failure, Retry, next_attempt
from watchpost.engine.present import Part, drop, renew
from watchpost.incidents.models import Channel, Delivery
from watchpost.incidents.outbox import note, tell
from watchpost.incidents.payload import signed_links
from watchpost.monitors.changes import announce
from watchpost.registry import Message, Sent, channels

log = logging.getLogger(__name__)
MOST_AT_ONCE, MOST_READ = 200, 2000  # parcels in one go, rows looked through for them
OUTCOME = ["attempts", "first_attempt_at", "answer", "state", "next_attempt_at", "delivered_at"]
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
        with self.lock:
            for wake in self.lanes.values():
                wake.set()

    def _run(self, channel_id: int, wake: threading.Event) -> None:
        sent_at: deque[datetime] = deque(maxlen=bundle.STORM)
        while not self.closing:
            wake.clear()
            try:
                pause_s = send_due(channel_id, self.outbound, self.now, sent_at)
                _give_back_connection()
                if not self._idle(pause_s, wake, channel_id):
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


def send_due(
    channel_id: int, outbound: Any, now: Callable[[], datetime], sent_at: deque[datetime] | None = None
) -> float | None:
    """Send what is due; seconds until the next look at the outbox, None when nothing waits.

    ``sent_at`` is the lane's memory of its last messages, by which a storm is known.
    """
    channel = Channel.objects.filter(pk=channel_id).first()
    if channel is None or not channel.enabled or channel.broken or channel.kind not in channels():
        return None
    together = channels()[channel.kind].bundles
    sent_at = deque(maxlen=bundle.STORM) if sent_at is None else sent_at
    if together and (pause_s := bundle.pause_s(sent_at, now())):
        return pause_s
    found = bundle.parcels(_waiting(channel_id), together)
    if not found:
        return None
    due = [parcel for parcel in found if parcel.is_due(now())][:MOST_AT_ONCE]
    if not due:
        soonest = min(parcel.due for parcel in found if parcel.due)
        return min(max((soonest - now()).total_seconds(), 0.05), 60.0)
    storm = together and (len(due) >= bundle.STORM or bundle.is_storm(sent_at, now()))
    for batch in [due] if storm else [[parcel] for parcel in due]:
        parts = _load(batch, channel.name if together else "", now())
        _give_back_connection()
        if not parts:
            continue
        sent = _send(channel, parts, outbound, now())
        _record(channel, parts, sent, now())
        sent_at.append(now())
        if channel.broken:
            return None
    return 0.0


def _give_back_connection() -> None:
    """A receiver that hangs, or a row that waits, must not keep one of PostgreSQL's few connections."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


def _waiting(channel_id: int) -> list[bundle.Waiting]:
    """The pending rows without their payloads: there may be many, and few of them due."""
    rows = Delivery.objects.filter(channel_id=channel_id, state="pending").order_by("id")
    fields = rows.values_list("pk", "incident_id", "event", "next_attempt_at", "attempts")
    return [bundle.Waiting(*row) for row in fields[:MOST_READ]]


def _load(parcels: Sequence[bundle.Parcel], people: str, now: datetime) -> list[Part]:
    """``people`` is the name of a channel that is told how things are now; what is over is dropped."""
    wanted = [pk for parcel in parcels for pk in parcel.rows]
    rows = Delivery.objects.select_related("incident__project").in_bulk(wanted)
    parts = [Part(tuple(rows[pk] for pk in parcel.rows if pk in rows), parcel.event) for parcel in parcels]
    parts = [part for part in parts if part.rows]
    if not people:
        return parts
    with transaction.atomic():
        told, over = renew(parts)
        drop(over, people, now)
    return told


def _send(channel: Channel, parts: Sequence[Part], outbound: Any, at: datetime) -> Sent:
    kind = channels()[channel.kind]
    messages = tuple(_message(part, at) for part in parts)
    try:
        config = kind.config.model_validate(unseal_all(channel.config))
        return kind.send(config, messages, outbound)
    except ValueError as error:  # a config this version refuses, a secret whose key is gone
        return Sent(False, f"The channel's configuration cannot be used: {error}", channel_broken=True)
    except Exception as error:
        log.exception("channel %s failed to send", channel.name)
        return Sent(False, f"Watchpost itself failed to send: {error!r}")


def _message(part: Part, at: datetime) -> Message:
    """Rows of one incident as one message: the newest state, and what led there."""
    first, newest = part.rows[0], part.rows[-1]
    links = signed_links(first.incident_id) if first.incident_id else {}
    payload = newest.payload | (part.now or {})
    if len(part.rows) > 1:
        payload |= {"event": part.event, "delivery_id": first.delivery_id, "reason": part.reasons}
    return Message(first.delivery_id, part.event, payload, links, at)


def _record(channel: Channel, parts: Sequence[Part], sent: Sent, now: datetime) -> None:
    with transaction.atomic():
        for part in parts:
            for row in part.rows:
                row.attempts += 1
                row.first_attempt_at = row.first_attempt_at or now
                row.answer = sent.detail[:500]
                sentence = _delivered(channel, row, now) if sent.ok else _failed(channel, row, sent, now)
                row.save(update_fields=OUTCOME)
                if row is part.rows[0] and row.incident:
                    note(row.incident, now, "delivered" if sent.ok else "failed", sentence)
        if channel.broken:
            _tell_others(channel, parts, now)
        announce("delivery", channel.pk, now)
    if not sent.ok:
        log.warning("channel %s could not be told: %s", channel.name, sent.detail)


def _delivered(channel: Channel, row: Delivery, now: datetime) -> str:
    row.state, row.delivered_at, row.next_attempt_at = Delivery.State.DELIVERED, now, None
    Channel.objects.filter(pk=channel.pk).update(delivered_at=now)
    return f"{channel.name} was told ({row.event}): {row.answer}"


def _failed(channel: Channel, row: Delivery, sent: Sent, now: datetime) -> str:
    failure = Failure(sent.permanent, sent.channel_broken, sent.retry_after_s)
    decision = next_attempt(failure, row.attempts, random.random(), now, row.first_attempt_at)
    if isinstance(decision, Retry):
        row.next_attempt_at = decision.at
        return f"{channel.name} could not be told ({row.event}), attempt {row.attempts}: {sent.detail}"
    if isinstance(decision, Break):
        # Once the channel is mended, the row starts anew.
        row.next_attempt_at, row.attempts, row.first_attempt_at = now, 0, None
        _break(channel, decision.reason, sent, now)
        return f"{channel.name} was switched off: {sent.detail}"
    row.state, row.next_attempt_at = Delivery.State.FAILED, None
    return f"{channel.name} will not be told ({row.event}): {decision.reason} {sent.detail}"


def _break(channel: Channel, reason: str, sent: Sent, now: datetime) -> None:
    """Off, and loudly: the pages, doctor and /metrics show it; its rows wait in the outbox."""
    channel.broken = f"{reason} {sent.detail}".strip()
    Channel.objects.filter(pk=channel.pk).update(broken=channel.broken, broken_at=now)
    announce("channel", channel.pk, now)
    log.error("channel %s was switched off: %s", channel.name, sent.detail)


def _tell_others(channel: Channel, parts: Sequence[Part], now: datetime) -> None:
    """Whoever is told by another channel hears that this one is silent: once for each project."""
    incidents = (part.rows[0].incident for part in parts)
    by_project = {row.project_id: row for row in incidents if row and row.state != "resolved"}
    for incident in by_project.values():
        sentence = f"The channel {channel.name} was switched off by an error and hears nothing of this."
        tell(incident, "updated", sentence, now, but=channel.pk)


def pending_channels(now: datetime) -> frozenset[int]:
    """Channels with rows due within a minute: what a restart, or another process, left to send."""
    soon = now + timedelta(seconds=60)
    rows = Delivery.objects.filter(state="pending", next_attempt_at__lte=soon)
    return frozenset(rows.values_list("channel_id", flat=True).distinct())
