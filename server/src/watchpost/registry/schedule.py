"""When a heartbeat is due: the schedules of ``core.heartbeat`` as people write them. Aware UTC datetimes.

Times of a zone's clock are computed on that clock and then told in UTC. On the two odd nights of the year
cron expressions behave as Debian's cron (cron(8)): what the clock leaps over happens at the leap, what it
shows twice happens the first time. OnCalendar behaves as systemd.time(7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from oncalendar import OnCalendar, OnCalendarError

from watchpost.core.heartbeat import Schedule
from watchpost.core.words import nearest


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


def schedule_of(expression: str, zone: tzinfo) -> Schedule:
    """Of an expression that ``check_schedule`` accepts."""
    return (ByCron if is_cron(expression) else ByCalendar)(expression, zone)


def is_cron(expression: str) -> bool:
    """One line of five fields is cron, anything else OnCalendar: the rule of Healthchecks."""
    return "\n" not in expression.strip() and len(expression.split()) == 5


def check_schedule(expression: str) -> str:
    """The expression without space around it. Raises ValueError with what to write."""
    expression, some_day = expression.strip(), datetime(2026, 1, 1, tzinfo=UTC)
    try:
        if is_cron(expression):
            next(CronSim(expression, some_day))
        else:
            OnCalendar(expression, some_day)
    except StopIteration:
        raise ValueError(f"{expression} never comes; write another day or month") from None
    except (CronSimError, OnCalendarError) as error:
        raise ValueError(
            f"{expression!r} is no schedule ({error}); write five fields of cron such as 0 3 * * *, or "
            "OnCalendar such as Mon..Fri 03:00"
        ) from None
    return expression


@lru_cache(1)
def _zones() -> frozenset[str]:
    """Found once: the folders of the database are walked for it."""
    return frozenset(available_timezones())


def check_zone(name: str) -> str:
    """Raises ValueError with the nearest name."""
    if name not in _zones():
        meant = nearest(name, _zones())
        hint = f"did you mean {meant}?" if meant else "write one such as Europe/Lisbon"
        raise ValueError(f"{name!r} is no time zone; {hint}")
    return name


def zone_of(name: str) -> tzinfo:
    return ZoneInfo(name)
