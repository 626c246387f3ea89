"""Writes what a tick decided, in one transaction. Runs in the database thread.

1. looks and last looks by ``executemany`` (3.8 us a row; ``bulk_create`` takes 40);
2. states by compare-and-swap on ``version``; a lost swap skips that monitor alone;
3. transitions, then incidents and outbox rows through ``incidents.desk``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from watchpost.core.state import Transition
from watchpost.engine.memory import Written, finding_rows
from watchpost.engine.values import store_values
from watchpost.incidents import desk, tick
from watchpost.incidents.models import Delivery
from watchpost.monitors.models import Monitor
from watchpost.monitors.models import Transition as TransitionRow


@dataclass(frozen=True, slots=True)
class StateChange:
    """A monitor's memory as it should be stored, and the transition that came with it, if any."""

    monitor_id: int
    version: int  # before the change
    shown: str
    health: str
    severity: int | None
    since: datetime | None
    reason: str
    flapping: bool
    tracks: dict[str, Any]
    baseline: dict[str, Any] | None
    findings: list[dict[str, Any]] | None  # None: as they were
    transition: Transition | None = None
    moved: desk.Moved | None = None
    still_down: str = ""
    parts: tuple[tuple[str, Transition], ...] = ()  # by the key of the part's track


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a tick: monitors that lost their swap, incidents opened, channels with new rows."""

    lost: frozenset[int] = frozenset()
    opened: frozenset[int] = frozenset()
    channels: frozenset[int] = field(default_factory=frozenset)
    companions: frozenset[int] = frozenset()  # monitors still in an incident that another has left


@dataclass(frozen=True, slots=True)
class Also:
    """What else belongs to a monitor's change. ``do`` is called once, with ``what`` of all that name it."""

    monitor_id: int
    do: Callable[[Sequence[Any]], object]
    what: Any


def apply(
    looks: Sequence[Written], changes: Sequence[StateChange], now: datetime, also: Sequence[Also] = ()
) -> Applied:
    """All of a tick, or nothing. What was seen of a monitor that was deleted meanwhile goes with it. ``also``
    is done unless the monitor lost its swap."""
    try:
        return _apply(looks, changes, now, also)
    except IntegrityError:
        ids = {written.watched.id for written in looks}
        left = set(Monitor.objects.filter(pk__in=ids).values_list("pk", flat=True))
        if left == ids:
            raise
        return _apply([written for written in looks if written.watched.id in left], changes, now, also)


def _apply(
    looks: Sequence[Written], changes: Sequence[StateChange], now: datetime, also: Sequence[Also]
) -> Applied:
    with transaction.atomic():
        _insert_looks(looks)
        before = _newest_delivery() if any(_speaks(change) for change in changes) else None
        lost, opened, companions = _apply_changes(changes, now)
        _do_also(one for one in also if one.monitor_id not in lost)
        channels = _channels_since(before) if before is not None else frozenset()
    return Applied(frozenset(lost), frozenset(opened), channels, frozenset(companions))


def _do_also(also: Iterable[Also]) -> None:
    whats: dict[Callable[[Sequence[Any]], object], list[Any]] = {}
    for one in also:
        whats.setdefault(one.do, []).append(one.what)
    for do, what in whats.items():
        do(what)


def _speaks(change: StateChange) -> bool:
    return change.moved is not None or bool(change.still_down)


def _newest_delivery() -> int:
    return Delivery.objects.order_by("-id").values_list("id", flat=True).first() or 0


def _channels_since(delivery_id: int) -> frozenset[int]:
    return frozenset(Delivery.objects.filter(id__gt=delivery_id).values_list("channel_id", flat=True))


def _apply_changes(changes: Sequence[StateChange], now: datetime) -> tuple[set[int], set[int], set[int]]:
    lost: set[int] = set()
    opened: set[int] = set()
    history: list[TransitionRow] = []
    at_the_desk = desk.Desk(now)
    at_the_desk.expect([change.moved for change in changes if change.moved is not None])
    for change in changes:
        if change.monitor_id in lost or not _swap(change):
            lost.add(change.monitor_id)
            continue
        if change.transition is not None:
            history.append(_row("", change.monitor_id, change.transition, change.findings or [], now))
        for key, one in change.parts:  # nobody is told by these rows, so they carry no findings
            history.append(_row(key[:80], change.monitor_id, one, [], now))
        if change.moved is not None:
            opened |= at_the_desk.handle(change.moved)
        if change.still_down:
            tick.tell_still_down(change.monitor_id, change.still_down, at_the_desk.outbox)
    TransitionRow.of_parts.bulk_create(history)
    at_the_desk.write()
    return lost, opened, at_the_desk.companions


def _swap(change: StateChange) -> bool:
    """By hand: an UPDATE through the ORM costs four times as much, and a storm has thousands."""
    adapt = connection.ops
    values: dict[str, Any] = {
        "shown": change.shown,
        "health": change.health,
        "severity": change.severity,
        "since": adapt.adapt_datetimefield_value(change.since),
        "reason": change.reason,
        "flapping": change.flapping,
        "tracks": adapt.adapt_json_value(change.tracks, None),
        "version": change.version + 1,
    }
    if change.baseline is not None:
        values["baseline"] = adapt.adapt_json_value(change.baseline, None)
    if change.findings is not None:
        values["findings"] = adapt.adapt_json_value(change.findings, None)
    columns = ", ".join(f"{name} = %s" for name in values)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE monitors_monitorstate SET {columns} WHERE monitor_id = %s AND version = %s",  # noqa: S608
            [*values.values(), change.monitor_id, change.version],
        )
        return bool(cursor.rowcount)


def _row(
    track: str, monitor_id: int, one: Transition, findings: list[dict[str, Any]], now: datetime
) -> TransitionRow:
    return TransitionRow(
        monitor_id=monitor_id,
        track=track,
        at=one.at,
        began=one.began,
        before=one.before,
        after=one.after,
        severity=one.severity,
        reason=one.reason,
        findings=findings,
        handled_at=now,
    )


LOOK = """
INSERT INTO monitors_look (monitor_id, location, at, outcome, severity, total_ms,
                           dns_ms, connect_ms, tls_ms, wait_ms, transfer_ms, address, detail)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
LAST = """
INSERT INTO monitors_monitorlast (monitor_id, at, outcome, total_ms, phases, address, findings, facts, reason)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (monitor_id) DO UPDATE SET at = excluded.at, outcome = excluded.outcome,
    total_ms = excluded.total_ms, phases = excluded.phases, address = excluded.address,
    findings = excluded.findings, reason = excluded.reason,
    facts = COALESCE(excluded.facts, monitors_monitorlast.facts)
"""


def _insert_looks(looks: Sequence[Written]) -> None:
    if not looks:
        return
    newest = {written.watched.id: written for written in looks}
    with connection.cursor() as cursor:
        cursor.executemany(LOOK, [_look_row(written) for written in looks])
        cursor.executemany(LAST, [_last_row(written) for written in newest.values()])
    store_values(looks)


def _look_row(written: Written) -> tuple[Any, ...]:
    seen = written.observation
    phases = seen.phases
    detail = None
    if written.findings:
        latest = written.watched.kind.latest  # what is large and only of use now
        facts = {k: v for k, v in seen.facts.items() if k not in latest} if latest else seen.facts
        detail = json.dumps(
            {"findings": finding_rows(written.findings), "facts": facts, "excerpt": seen.excerpt},
            default=str,
        )
    return (
        written.watched.id,
        seen.location,
        int(seen.at.timestamp() * 1000),
        seen.outcome,
        written.severity,
        seen.total_ms,
        phases.dns,
        phases.connect,
        phases.tls,
        phases.wait,
        phases.transfer,
        seen.address,
        detail,
    )


def _worth_keeping(written: Written) -> bool:
    kept = written.watched.kind.kept
    return bool(written.findings) or not kept.isdisjoint(written.observation.facts)


def _last_row(written: Written) -> tuple[Any, ...]:
    seen = written.observation
    p = seen.phases
    return (
        written.watched.id,
        int(seen.at.timestamp() * 1000),
        seen.outcome,
        seen.total_ms,
        f'{{"dns":{p.dns:.2f},"connect":{p.connect:.2f},"tls":{p.tls:.2f},"wait":{p.wait:.2f},"transfer":{p.transfer:.2f}}}',
        seen.address,
        json.dumps(finding_rows(written.findings)) if written.findings else None,
        # A certificate is read once an hour: what was read stays until the next that is worth keeping.
        json.dumps({**written.kept, **seen.facts}, default=str) if _worth_keeping(written) else None,
        written.reason,
    )
