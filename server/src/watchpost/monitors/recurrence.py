"""Maintenance that comes again: from a row to the pure rule, and the rule in words."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from cronsim import CronSim, CronSimError
from django.db.models import Q

from watchpost.core.windows import DAY, Rule, Series, Stretch, Weekly, instant_of, upcoming
from watchpost.core.words import duration_words, nearest
from watchpost.monitors.models import MaintenanceWindow, Monitor, Project

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FIELDS = {  # what the library calls a field -> its place, and what may stand there
    "minute": (0, "0 to 59"),
    "hour": (1, "0 to 23"),
    "day-of-month": (2, "1 to 31, L for the last, LW for the last weekday"),
    "month": (3, "1 to 12 or JAN to DEC"),
    "day-of-week": (4, "0 to 7 or SUN to SAT, such as 5#1 for the first Friday or 5L for the last"),
}


@dataclass(frozen=True, slots=True)
class Cron:
    """By a cron expression of five fields, as Debian's cron reads it, days included as in ``Weekly``."""

    expression: str
    zone: tzinfo
    first: date | None = None
    last: date | None = None

    def starts(self, since: datetime) -> Iterator[datetime]:
        """As ``core.windows.Rule`` says. On an odd night a job of a fixed hour and minute is run once, at
        the leap or the first time; with ``*`` in minute or hour it follows real time (cron(8))."""
        if self.first is not None:
            since = max(since, instant_of(datetime.combine(self.first, time()), self.zone))
        before = since - timedelta(seconds=1)
        # The library gives what comes after the second it is told.
        for local in CronSim(self.expression, before.astimezone(self.zone)):
            if self.last is not None and local.date() > self.last:
                return
            start = local.astimezone(UTC)
            if start >= since and start > before:
                yield start
                before = start


def check_cron(expression: str, now: datetime) -> str:
    """What is wrong with it, in words; empty when it can be used."""
    fields = expression.split()
    if len(fields) != 5:
        return (
            f"{expression!r} has {len(fields)} field{'' if len(fields) == 1 else 's'}; write five: "
            "minute, hour, day of the month, month, day of the week, such as 0 2 * * 0"
        )
    never = f"{expression} never comes: no such month has that day; write another day or month"
    try:
        if next(CronSim(expression, now), None) is not None:
            return ""
    except CronSimError as error:
        name = str(error).removeprefix("Bad ")
        if name not in _FIELDS:
            return f"{expression!r} is no cron expression; write one such as 0 2 * * 0"
        place, may = _FIELDS[name]
        if name == "day-of-month" and not _is_bad_day(fields[place]):
            return never
        return f"{fields[place]!r} is no {name.replace('-', ' ')}; write {may}"
    return never


def _is_bad_day(text: str) -> bool:
    """Whether the field alone is refused, in months that have every day."""
    try:
        CronSim(f"0 0 {text} 1 *", datetime(2000, 1, 1))  # noqa: DTZ001  # the zone does not matter
    except CronSimError:
        return True
    return False


@lru_cache(1)
def zones() -> frozenset[str]:
    """The names of IANA's database that stand for a place, and UTC."""
    return frozenset(zoneinfo.available_timezones()) - {"Factory", "localtime", "posixrules"}


def nearest_zone(name: str) -> str | None:
    """The zone somebody meant: Lisbon, europe/lisbon and Europe/Lisbonn are Europe/Lisbon."""
    word = name.strip().replace(" ", "_").casefold()
    whole = {zone.casefold(): zone for zone in sorted(zones())}
    place = {zone.split("/")[-1].casefold(): zone for zone in sorted(zones(), reverse=True)}
    return whole.get(word) or place.get(word) or nearest(word, sorted(zones()))


def rule_of(row: MaintenanceWindow) -> Rule:
    """The rule of a series. Raises ValueError when this version, or this machine's zones, cannot read it."""
    try:
        zone = zoneinfo.ZoneInfo(row.zone)
        if row.cron:
            CronSim(row.cron, datetime(2000, 1, 1, tzinfo=UTC))  # refused now, not in the middle of a night
            return Cron(row.cron, zone, row.first_day, row.last_day)
        days = frozenset(DAYS.index(day) for day in row.days)
        return Weekly(days, time.fromisoformat(row.at), zone, row.first_day, row.last_day)
    except (zoneinfo.ZoneInfoNotFoundError, CronSimError) as error:
        raise ValueError(f"The window {row.slug} cannot be read: {error}") from None


def series_of(
    row: MaintenanceWindow, monitors: frozenset[int] = frozenset(), projects: frozenset[int] = frozenset()
) -> Series:
    """Raises ValueError as ``rule_of`` does."""
    lasts = timedelta(seconds=row.lasts_s or 0)
    return Series(rule_of(row), lasts, monitors, projects, row.name, row.ended_at)


def next_of(row: MaintenanceWindow, now: datetime, count: int = 3) -> list[Stretch]:
    """The stretch that runs and those that follow; none of what is over, paused or cannot be read."""
    if row.starts_at is not None and row.ends_at is not None:
        return [(row.starts_at, row.ends_at)] if row.ends_at > now else []
    if row.paused:
        return []
    try:
        return upcoming(series_of(row), now, count)
    except ValueError:
        return []


def windows_ahead(project: Project, now: datetime, monitor: Monitor | None = None) -> list[MaintenanceWindow]:
    """The project's windows that are not over, those over the monitor alone when there is one; series first
    in the order of their names, paused ones included, then what comes once."""
    rows = project.windows.filter(Q(ends_at__gt=now) | Q(starts_at=None)).prefetch_related("monitors")
    if monitor is not None:
        rows = rows.filter(Q(monitors=None) | Q(monitors=monitor)).distinct()
    return sorted(rows, key=lambda row: (row.starts_at is not None, row.starts_at or 0, row.name, row.pk))


def rule_words(row: MaintenanceWindow) -> str:
    """``every Sunday 02:00 to 04:00 Europe/Lisbon``, ``at 02:00 on Sunday, for 2 h, Europe/Lisbon (cron 0 2 *
    * 0)``; empty for a window that comes once."""
    if row.starts_at is not None:
        return ""
    try:
        said = _cron_words(row) if row.cron else _weekly_words(row)
    except (ValueError, CronSimError):  # one that nobody can read must not break a page
        return "by a rule this version cannot read"
    if row.first_day:
        said += f", from {_date_words(row.first_day)}"
    return said + (f", until {_date_words(row.last_day)}" if row.last_day else "")


def _cron_words(row: MaintenanceWindow) -> str:
    said = CronSim(row.cron, datetime(2000, 1, 1, tzinfo=UTC)).explain()
    return (
        f"{said[:1].lower()}{said[1:]}, for {duration_words(row.lasts_s or 0)}, {row.zone} (cron {row.cron})"
    )


def _weekly_words(row: MaintenanceWindow) -> str:
    return f"{days_words(row.days)} {_hours_words(row.at, timedelta(seconds=row.lasts_s or 0))} {row.zone}"


def days_words(days: Iterable[str]) -> str:
    places = sorted({DAYS.index(day) for day in days})
    if len(places) == 7:
        return "every day"
    if places == [0, 1, 2, 3, 4]:
        return "every Monday to Friday"
    names = [DAY_NAMES[place] for place in places]
    return f"every {', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else f"every {names[0]}"


def _hours_words(at: str, lasts: timedelta) -> str:
    """The end as the clock shows it on all nights but the two odd ones."""
    start = datetime.combine(date(2000, 1, 1), time.fromisoformat(at))
    if lasts >= DAY or lasts.total_seconds() % 60:
        return f"{at} for {duration_words(lasts.total_seconds())}"
    end = start + lasts
    return f"{at} to {end:%H:%M}{'' if end.date() == start.date() else ' the next day'}"


def _date_words(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
