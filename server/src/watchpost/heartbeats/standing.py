"""How a heartbeat stands now, as people and the API are told: from its own row, which a ping moves at once,
and from what the engine made of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from watchpost.core.heartbeat import Beat, Deadline, Status, deadline, due_at
from watchpost.heartbeats.configs import read_config
from watchpost.heartbeats.models import Heartbeat
from watchpost.heartbeats.rows import beat_of_row
from watchpost.kinds.heartbeat.config import HeartbeatConfig

# Worst first. ``late``: expected and within its grace; ``running``: a start without its end.
STATES = ("down", "late", "degraded", "unknown", "running", "new", "maintenance", "paused", "up")


@dataclass(frozen=True, slots=True)
class Standing:
    """``state`` is one of STATES. ``due``: when the next sign is expected, or was; of one that is down, when
    its schedule has it next. ``end``: when silence becomes trouble. ``config`` None: it cannot be read."""

    row: Heartbeat
    config: HeartbeatConfig | None
    beat: Beat
    state: str
    due: datetime | None = None
    end: Deadline | None = None


def _config_of(row: Heartbeat) -> HeartbeatConfig | None:
    try:
        return read_config(row.code.hex, row.monitor.revision, row.monitor.config)
    except ValueError:
        return None


def standing_of(row: Heartbeat, now: datetime) -> Standing:
    """Of a row with its monitor and that one's state."""
    config, beat = _config_of(row), beat_of_row(row, row.monitor.paused)
    seen = getattr(row.monitor, "state", None)
    shown = seen.shown if seen else "new"
    if config is None:
        return Standing(row, None, beat, shown if shown in STATES else "unknown")
    rules = config.rules
    due, end = due_at(rules, beat), deadline(rules, beat)
    if due is None and beat.status is Status.DOWN and config.schedule:
        due = rules.schedule.due_after(now)
    return Standing(row, config, beat, _state(beat, shown, due, now), due, end)


def standings(rows: Iterable[Heartbeat], now: datetime) -> list[Standing]:
    """The worst first, then by name."""
    found = [standing_of(row, now) for row in rows]
    return sorted(found, key=lambda one: (STATES.index(one.state), one.row.monitor.name, one.row.pk))


def _state(beat: Beat, shown: str, due: datetime | None, now: datetime) -> str:
    """The engine decides about trouble and maintenance; what only the time tells is read here, so that a page
    needs no engine to say that one is late or runs."""
    if beat.status is Status.PAUSED:
        return "paused"
    if shown == "maintenance":
        return shown
    if beat.status is Status.DOWN or shown == "down":
        return "down"
    if beat.last_start is not None:
        return "running"
    if beat.status is Status.NEW:
        return "new"
    if due is not None and now >= due:
        return "late"
    return shown if shown in ("degraded", "unknown") else "up"
