"""The figures of a week for one person: uptime, downtime, what was slow, what ends, what happened.

All of it is read from what is stored: transitions for uptime, roll-ups for times, incidents, last looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from watchpost.core import uptime
from watchpost.core.sketch import Sketch
from watchpost.incidents.models import Incident
from watchpost.monitors.looks import rollups_of
from watchpost.monitors.models import Monitor, Project
from watchpost.reports.endings import Due, dues_of, watched_in
from watchpost.reports.week import Week
from watchpost.web.history import DAYS, HOURS, gaps, stretches

AHEAD = timedelta(days=60)
MOST_WORST, MOST_SLOW, MOST_DUES, MOST_INCIDENTS = 5, 5, 15, 10
DAY_MS = 86_400_000
LEAST_LOOKS = 20  # of fewer a p95 says nothing


@dataclass(frozen=True, slots=True)
class OfProject:
    """``uptime`` is the share (0..1) of judged time; None where nothing was judged."""

    project: Project
    monitors: int
    uptime: float | None
    down_s: float


@dataclass(frozen=True, slots=True)
class OfMonitor:
    monitor: Monitor
    uptime: float | None
    down_s: float
    degraded_s: float


@dataclass(frozen=True, slots=True)
class Slow:
    """95 of 100 answers came within ``p95_ms``; ``before_ms`` in the week before, None if nobody knows."""

    monitor: Monitor
    p95_ms: float
    before_ms: float | None

    @property
    def change(self) -> float | None:
        """By what share it became slower (0.3) or faster (-0.2)."""
        return self.p95_ms / self.before_ms - 1 if self.before_ms else None


@dataclass(frozen=True, slots=True)
class Happened:
    """An incident that touched the week. ``lasted_s`` up to the moment of the report if it is open."""

    incident: Incident
    cause: str
    lasted_s: float
    is_open: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What one person is told of one week."""

    week: Week
    made_at: datetime
    projects: tuple[OfProject, ...]
    worst: tuple[OfMonitor, ...]
    slowest: tuple[Slow, ...]
    dues: tuple[Due, ...]
    all_dues: int
    ended: int  # of them: those whose end is over
    incidents: tuple[Happened, ...]
    all_incidents: int
    monitors: int

    @property
    def is_quiet(self) -> bool:
        """Nothing was down, nothing happened, nothing ends soon: a short letter."""
        return not (self.incidents or self.dues or any(one.down_s >= 1 for one in self.worst))

    @property
    def down_s(self) -> float:
        return sum(one.down_s for one in self.projects)


@dataclass
class Figures:
    """Reads figures; what several people are told of is read once."""

    known: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def seconds(self, monitor: Monitor, start: datetime, end: datetime) -> dict[str, float]:
        """Seconds of each state."""
        away = self._once(("away", start, end), lambda: gaps(start, end))

        def read() -> dict[str, float]:
            sums = dict.fromkeys(uptime.STATES, 0.0)
            for piece in stretches(monitor, start, end, away):
                sums[piece.shown] += piece.seconds
            return sums

        found: dict[str, float] = self._once((monitor.pk, start, end), read)
        return found

    def p95s(self, monitor: Monitor, week: Week) -> tuple[float | None, float | None]:
        """Of the week and of the one before it, out of whole hours; None when there were too few answers."""
        found: tuple[float | None, float | None] = self._once(
            ("p95", monitor.pk, week.start, week.end), lambda: _p95s(monitor, week)
        )
        return found

    def _once(self, key: tuple[Any, ...], read: Callable[[], Any]) -> Any:
        if key not in self.known:
            self.known[key] = read()
        return self.known[key]


def _p95s(monitor: Monitor, week: Week) -> tuple[float | None, float | None]:
    """Days as they are rolled up, and single hours where the week of a zone begins or ends within one."""
    first, turn, end = (int(at.timestamp() * 1000) for at in (week.before()[0], week.start, week.end))
    before, now = _rolled(monitor.pk, first, turn), _rolled(monitor.pk, turn, end)
    return _quantile(now), _quantile(before)


def _rolled(monitor_id: int, low: int, high: int) -> Iterator[Sketch]:
    days_from, days_to = -(-low // DAY_MS) * DAY_MS, high // DAY_MS * DAY_MS
    edges = Q(start__gte=low, start__lt=days_from) | Q(start__gte=days_to, start__lt=high)
    spans = [(DAYS, Q(start__gte=days_from, start__lt=days_to))]
    if low != days_from or high != days_to:
        spans.append((HOURS, edges))
    for span, inside in spans:
        for row in rollups_of(monitor_id, span).filter(inside).values_list("sketch", flat=True):
            yield Sketch.from_bytes(bytes(row))


def _quantile(sketches: Iterable[Sketch]) -> float | None:
    whole = Sketch()
    for sketch in sketches:
        whole = whole.merge(sketch)
    return whole.quantile(0.95) if whole.count >= LEAST_LOOKS else None


def make_report(projects: Sequence[Project], week: Week, now: datetime, figures: Figures) -> Report:
    """The report over ``projects``; monitors made after the week have no part in its figures."""
    watched = watched_in(projects)
    monitors = [monitor for monitor in watched if monitor.created_at < week.end]
    rows = [_of_monitor(monitor, figures.seconds(monitor, week.start, week.end)) for monitor in monitors]
    worst = sorted((row for row in rows if row.down_s >= 1), key=lambda row: -row.down_s)
    dues = [due for due in dues_of(watched) if due.at <= now + AHEAD]
    incidents = _incidents(projects, week, now)
    return Report(
        week,
        now,
        tuple(_of_project(project, rows, week, figures) for project in projects if _has(project, monitors)),
        tuple(worst[:MOST_WORST]),
        tuple(_slowest(monitors, week, figures)),
        tuple(dues[:MOST_DUES]),
        len(dues),
        sum(due.at <= now for due in dues),
        tuple(incidents[:MOST_INCIDENTS]),
        len(incidents),
        len(monitors),
    )


def _has(project: Project, monitors: Sequence[Monitor]) -> bool:
    return any(monitor.project_id == project.pk for monitor in monitors)


def _of_monitor(monitor: Monitor, seconds: dict[str, float]) -> OfMonitor:
    return OfMonitor(monitor, uptime.availability(seconds), seconds["down"], seconds["degraded"])


def _of_project(project: Project, rows: Sequence[OfMonitor], week: Week, figures: Figures) -> OfProject:
    """All its monitors count alike, second by second."""
    mine = [row for row in rows if row.monitor.project_id == project.pk]
    sums = dict.fromkeys(uptime.STATES, 0.0)
    for row in mine:
        for state, spent in figures.seconds(row.monitor, week.start, week.end).items():
            sums[state] += spent
    return OfProject(project, len(mine), uptime.availability(sums), sums["down"])


def _slowest(monitors: Sequence[Monitor], week: Week, figures: Figures) -> list[Slow]:
    found = []
    for monitor in monitors:
        p95, before = figures.p95s(monitor, week)
        if p95 is not None:
            found.append(Slow(monitor, p95, before))
    return sorted(found, key=lambda one: -one.p95_ms)[:MOST_SLOW]


def _incidents(projects: Sequence[Project], week: Week, now: datetime) -> list[Happened]:
    """Those that were open at any time of the week: the worst first, then the longest."""
    touched = Q(resolved_at=None) | Q(resolved_at__gte=week.start)
    rows = Incident.objects.filter(touched, project__in=projects, began_at__lt=week.end)
    found = [_happened(row, now) for row in rows.select_related("project")]
    return sorted(found, key=lambda one: (-one.incident.severity, -one.lasted_s, one.incident.pk))


def _happened(incident: Incident, now: datetime) -> Happened:
    ended = incident.resolved_at or now
    cause = str(incident.causes[0].get("sentence", "")) if incident.causes else ""
    lasted_s = max(0.0, (ended - incident.began_at).total_seconds())
    return Happened(incident, cause, lasted_s, incident.resolved_at is None)
