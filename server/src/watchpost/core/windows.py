"""Planned maintenance windows. Pure; aware UTC datetimes; ``end`` is not part of a window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


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

    def covers(self, monitor_id: int, project_id: int) -> bool:
        return monitor_id in self.monitors or project_id in self.projects


def active(windows: Iterable[Window], monitor_id: int, project_id: int, now: datetime) -> Window | None:
    """The window the monitor is in, the one that ends last if there are several."""
    inside = [w for w in windows if w.start <= now < w.end and w.covers(monitor_id, project_id)]
    return max(inside, key=lambda w: w.end, default=None)


def next_edge(windows: Iterable[Window], now: datetime) -> datetime | None:
    """The next beginning or end of any window, strictly after now. Empty windows have none."""
    edges = (edge for w in windows if w.start < w.end for edge in (w.start, w.end) if edge > now)
    return min(edges, default=None)
