"""How a heartbeat stands now, as people and the API are told: from its own row, which a ping moves at once,
and from what the engine made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchpost.core.heartbeat import Beat, Deadline, Rules, Span, Status, absence_s, deadline, due_at
from watchpost.heartbeats.configs import read_config
from watchpost.heartbeats.models import Heartbeat
from watchpost.heartbeats.rows import beat_of_row
from watchpost.kinds.heartbeat.config import HeartbeatConfig

# Worst first. ``late``: expected and within its grace; ``running``: a start without its end.
STATES = ("down", "late", "degraded", "unknown", "running", "new", "maintenance", "paused", "up")


@dataclass(frozen=True, slots=True)
class Standing:
    """``state`` is one of STATES. ``due``: when the next sign is expected, or was; of one that is down, when
    its schedule has it next. ``end``: when silence becomes trouble; ``away_s``: so much later than its grace
    says, because this server was away. ``config`` None: it cannot be read."""

    row: Heartbeat
    config: HeartbeatConfig | None
    beat: Beat
    state: str
    due: datetime | None = None
    end: Deadline | None = None
    away_s: float = 0.0


def _config_of(row: Heartbeat) -> HeartbeatConfig | None:
    try:
        return read_config(row.code.hex, row.monitor.revision, row.monitor.config)
    except ValueError:
        return None


def standing_of(row: Heartbeat, now: datetime, gaps: Sequence[Span]) -> Standing:
    """Of a row with its monitor and that one's state. ``gaps``: when this server was away, for the engine
    adds that time to the deadlines that fell into it."""
    config, beat = _config_of(row), beat_of_row(row, row.monitor.paused)
    seen = getattr(row.monitor, "state", None)
    shown = seen.shown if seen else "new"
    if config is None:
        return Standing(row, None, beat, shown if shown in STATES else "unknown")
    rules = config.rules
    due, end = due_at(rules, beat), deadline(rules, beat)
    away_s = _away_s(rules, beat, end, gaps)
    if away_s:
        end = deadline(rules, beat, away_s)
    if due is None and beat.status is Status.DOWN and config.schedule:
        due = rules.schedule.due_after(now)
    return Standing(row, config, beat, _state(beat, shown, due, now), due, end, away_s)


def _away_s(rules: Rules, beat: Beat, end: Deadline | None, gaps: Sequence[Span]) -> float:
    """Most deadlines lie ahead of every gap, and a page of ten thousand need not count for those."""
    if end is None:
        return 0.0
    since = end.at - timedelta(seconds=rules.grace_s)
    is_touched = any(start < end.at and to > since for start, to in gaps)
    return absence_s(rules, beat, gaps) if is_touched else 0.0


def standings(rows: Iterable[Heartbeat], now: datetime, gaps: Sequence[Span]) -> list[Standing]:
    """The worst first, then by name."""
    found = [standing_of(row, now, gaps) for row in rows]
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
