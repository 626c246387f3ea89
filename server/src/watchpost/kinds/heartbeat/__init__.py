"""The heartbeat kind: a job reports by itself, and its silence is noticed."""

from datetime import datetime
from typing import Any

from watchpost.kinds.heartbeat.codes import CODES
from watchpost.kinds.heartbeat.config import HeartbeatConfig
from watchpost.kinds.heartbeat.judge import due, judge
from watchpost.kinds.heartbeat.words import describe
from watchpost.registry import Kind


def _keep_row(monitor: Any, config: HeartbeatConfig) -> None:
    from watchpost.heartbeats.rows import keep_row

    keep_row(monitor, config)


def _hold_row(monitor_id: int) -> None:
    from watchpost.heartbeats.rows import hold_row

    hold_row(monitor_id)


def _forget_past(monitor_id: int, now: datetime) -> None:
    from watchpost.heartbeats.rows import forget_past

    forget_past(monitor_id, now)


KIND = Kind(
    name="heartbeat",
    title="Heartbeat",
    layer="workers",
    config=HeartbeatConfig,
    probe=None,
    judge=judge,
    due=due,
    codes=frozenset(entry.code for entry in CODES),
    describe=describe,
    target=lambda _: ("", 0),  # nothing outside is asked
    feed="signal",
    noun="ping",
    section="heartbeats",
    keep_row=_keep_row,
    hold_row=_hold_row,
    forget_past=_forget_past,
    kept=frozenset({"status", "pings", "last_ping", "last_start", "last_run", "last_s", "trouble"}),
)
