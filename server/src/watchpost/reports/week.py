"""Which week a report is about, and when it is due. Pure; zones are given, ``now`` is aware."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

HOUR = time(8)  # on Mondays, in the person's zone
LATE = timedelta(days=2)  # a report that is later than this says nothing new any more


@dataclass(frozen=True, slots=True)
class Week:
    """Monday to Sunday in somebody's zone. ``monday`` is the day after: the one the report is sent on."""

    monday: date
    start: datetime
    end: datetime
    due: datetime

    @property
    def words(self) -> str:
        """``16 to 22 November 2026``."""
        first, last = self.monday - timedelta(days=7), self.monday - timedelta(days=1)
        if first.month == last.month:
            return f"{first.day} to {last.day} {last:%B %Y}"
        year = f" {first.year}" if first.year != last.year else ""
        return f"{first.day} {first:%B}{year} to {last.day} {last:%B %Y}"

    def before(self) -> tuple[datetime, datetime]:
        """The week before it."""
        return self.start - (self.end - self.start), self.start


def zone_of(name: str) -> tzinfo:
    """The zone of this name; UTC for none, or one this machine does not know."""
    try:
        return zoneinfo.ZoneInfo(name) if name else UTC
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return UTC


def last_week(now: datetime, zone: tzinfo) -> Week:
    """The newest week whose report has been due by now."""
    monday = now.astimezone(zone).date()
    monday -= timedelta(days=monday.weekday())
    week = week_of(monday, zone)
    return week if week.due <= now else week_of(monday - timedelta(days=7), zone)


def week_of(monday: date, zone: tzinfo) -> Week:
    """The week whose report is sent on this Monday. Where clocks change it has an hour more or less."""
    start = datetime.combine(monday - timedelta(days=7), time(), zone).astimezone(UTC)
    end = datetime.combine(monday, time(), zone).astimezone(UTC)
    return Week(monday, start, end, datetime.combine(monday, HOUR, zone).astimezone(UTC))
