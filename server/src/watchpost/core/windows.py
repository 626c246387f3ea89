"""Planned maintenance: single stretches, and series that come again. Pure; aware UTC datetimes; ``end`` is
not part of a window.

A series names a beginning on the clock of a zone and a length in real time. On the two odd nights of the
year it does what Debian's cron does with a job of that hour (cron(8), "if the time has moved forward"):
a beginning that the clock leaps over happens at the leap, one that comes twice happens the first time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Protocol

DAY = timedelta(days=1)
MOST_JOINED = 100  # a series that never pauses is told in pieces, or its first one would have no end
Stretch = tuple[datetime, datetime]  # beginning and end, the end not included


@dataclass(frozen=True, slots=True)
class Window:
    """A planned stretch for the named monitors and all monitors of the named projects.

    One that names nothing covers nothing: a window whose last monitor was deleted must not
    silence everything else.
    """

    start: datetime
    end: datetime
    monitors: frozenset[int] = frozenset()
    projects: frozenset[int] = frozenset()
    name: str = ""

    def covers(self, monitor_id: int, project_id: int) -> bool:
        return monitor_id in self.monitors or project_id in self.projects


class Rule(Protocol):
    """When something begins, again and again."""

    def starts(self, since: datetime) -> Iterator[datetime]:
        """Beginnings at or after ``since``, ascending, aware UTC; may never end."""


@dataclass(frozen=True, slots=True)
class Weekly:
    """On these days of the week (Monday is 0) at a time of the zone's clock, ``first`` and ``last`` day
    included when given."""

    days: frozenset[int]
    at: time
    zone: tzinfo
    first: date | None = None
    last: date | None = None

    def starts(self, since: datetime) -> Iterator[datetime]:
        # A day earlier than the clock says: a leap may have carried yesterday's beginning into today.
        day = max(since.astimezone(self.zone).date() - DAY, self.first or date.min)
        before = None
        while self.days and (self.last is None or day <= self.last):
            if day.weekday() in self.days:
                start = instant_of(datetime.combine(day, self.at), self.zone)
                if start >= since and start != before:
                    yield start
                    before = start
            day += DAY


def instant_of(local: datetime, zone: tzinfo) -> datetime:
    """The instant at which the zone's clock first shows the naive ``local`` time, or leaps over it (PEP
    495: in a gap, fold 0 is read with the offset before the leap, fold 1 with the one after)."""
    first = local.replace(tzinfo=zone, fold=0)
    found = first.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local:
        return found
    low, high = first.replace(fold=1).astimezone(UTC), found  # the leap lies in between
    after = high.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high


@dataclass(frozen=True, slots=True)
class Series:
    """Windows that begin by ``rule`` and last ``lasts`` of real time each. Whoever ended one by hand at
    ``ended_at`` ended those that had begun by then, and none that begin later."""

    rule: Rule
    lasts: timedelta
    monitors: frozenset[int] = frozenset()
    projects: frozenset[int] = frozenset()
    name: str = ""
    ended_at: datetime | None = None

    def stretches(self, now: datetime) -> Iterator[Stretch]:
        """What is not over at ``now``, ascending; those that touch or overlap are one."""
        return merged(self._occurrences(now))

    def window(self, now: datetime) -> Window | None:
        """The one that runs at ``now``, else the next; None when there are no more."""
        found = next(self.stretches(now), None)
        return None if found is None else Window(*found, self.monitors, self.projects, self.name)

    def _occurrences(self, now: datetime) -> Iterator[Stretch]:
        ended = self.ended_at
        for start in self.rule.starts(now - self.lasts):
            end = start + self.lasts
            if ended is not None and start <= ended:
                end = min(end, ended)
            if end > now:
                yield start, end


def merged(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Stretches in the order of their beginnings, joined where one begins before the other is over."""
    joined: Stretch | None = None
    count = 0
    for start, end in stretches:
        if joined is not None and start <= joined[1] and count < MOST_JOINED:
            joined, count = (joined[0], max(joined[1], end)), count + 1
            continue
        if joined is not None:
            yield joined
        joined, count = (start, end), 0
    if joined is not None:
        yield joined


def upcoming(series: Series, now: datetime, count: int) -> list[Stretch]:
    """The one that runs and those that follow, ``count`` together."""
    return list(islice(series.stretches(now), count))


def shortest_pause(rule: Rule, since: datetime, most: int = 500) -> timedelta | None:
    """The least time between two beginnings among the next ``most`` of them within five years, or between
    the next two; None when there are not two."""
    shortest: timedelta | None = None
    before: datetime | None = None
    for start in islice(rule.starts(since), most):
        if before is not None:
            shortest = min(shortest or start - before, start - before)
            if start - since > 5 * 366 * DAY:
                break
        before = start
    return shortest


def active(windows: Iterable[Window], monitor_id: int, project_id: int, now: datetime) -> Window | None:
    """The window the monitor is in, the one that ends last if there are several."""
    inside = [w for w in windows if w.start <= now < w.end and w.covers(monitor_id, project_id)]
    return max(inside, key=lambda w: w.end, default=None)


def next_edge(windows: Iterable[Window], now: datetime) -> datetime | None:
    """The next beginning or end of any window, strictly after now. Empty windows have none."""
    edges = (edge for w in windows if w.start < w.end for edge in (w.start, w.end) if edge > now)
    return min(edges, default=None)
