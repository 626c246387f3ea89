"""A heartbeat in words. Pure."""

from __future__ import annotations

from datetime import datetime

from watchpost.core.words import duration_words
from watchpost.kinds.heartbeat.config import HeartbeatConfig


def describe(config: HeartbeatConfig) -> str:
    """One line: when it is expected, and how late it may be."""
    return f"expects a sign {when(config)}, at most {duration_words(config.grace)} late"


def when(config: HeartbeatConfig) -> str:
    if not config.schedule:
        return f"every {duration_words(config.period)}"
    lines = "; ".join(line.strip() for line in config.schedule.splitlines() if line.strip())
    return f"at {lines} ({config.timezone})"


def moment(config: HeartbeatConfig, at: datetime) -> str:
    """On the clock of the schedule, which is the one the job's own crontab shows."""
    local = at.astimezone(config.zone)
    zone = "UTC" if config.timezone == "UTC" else local.tzname() or config.timezone
    return f"{local:%a %d %b %H:%M:%S} {zone}"
