"""When a heartbeat is due: a period after the last one, or the next time of a cron or OnCalendar expression.
Pure; aware UTC datetimes.

Times of a zone's clock are computed on that clock and then told in UTC. On the two odd nights of the year
cron expressions behave as Debian's cron (cron(8)): what the clock leaps over happens at the leap, what it
shows twice happens the first time. OnCalendar behaves as systemd.time(7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Protocol

from cronsim import CronSim
from oncalendar import OnCalendar


class Schedule(Protocol):
    """A rule that says when the next sign is expected."""

    def due_after(self, last: datetime) -> datetime | None:
        """The first time after ``last``; None when there is none any more."""


@dataclass(frozen=True, slots=True)
class Every:
    """A fixed time after the last sign."""

    period_s: float

    def due_after(self, last: datetime) -> datetime | None:
        return last + timedelta(seconds=self.period_s)


@dataclass(frozen=True, slots=True)
class ByCron:
    """By a cron expression of five fields on the clock of a zone."""

    expression: str
    zone: tzinfo

    def due_after(self, last: datetime) -> datetime | None:
        return _next_cron(self.expression, self.zone, last)


@dataclass(frozen=True, slots=True)
class ByCalendar:
    """By systemd's OnCalendar expressions, one a line, on the clock of a zone."""

    expression: str
    zone: tzinfo

    def due_after(self, last: datetime) -> datetime | None:
        return _next_calendar(self.expression, self.zone, last)


# A job that runs every minute is asked for the same answer at every look: the iterators cost 50 us and more.
@lru_cache(4096)
def _next_cron(expression: str, zone: tzinfo, last: datetime) -> datetime | None:
    found = next(CronSim(expression, last.astimezone(zone)), None)
    return None if found is None else found.astimezone(UTC)


@lru_cache(4096)
def _next_calendar(expression: str, zone: tzinfo, last: datetime) -> datetime | None:
    found = next(OnCalendar(expression, last.astimezone(zone)), None)
    return None if found is None else found.astimezone(UTC)
