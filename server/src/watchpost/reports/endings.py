"""What ends on a date in some projects: read from the last looks, one row for each thing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchpost.monitors.edit import config_of
from watchpost.monitors.models import Monitor, Project
from watchpost.registry import Ending, kinds

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that ends, and the monitors that told of it. ``seen``: when it was last looked at."""

    key: str
    what: str
    at: datetime
    note: str
    seen: datetime | None
    monitors: tuple[Monitor, ...]

    def left_s(self, now: datetime) -> float:
        return (self.at - now).total_seconds()


def watched_in(projects: Iterable[Project]) -> list[Monitor]:
    """The monitors of these projects with their state and last look."""
    rows = Monitor.objects.filter(project__in=list(projects))
    return list(rows.select_related("project", "state", "last").order_by("project__name", "name", "pk"))


def dues_of(monitors: Sequence[Monitor]) -> list[Due]:
    """What ends next comes first. What several monitors mean by one key is one row; where they differ,
    what the youngest look says holds."""
    found: dict[str, list[tuple[float, Ending, Monitor]]] = {}
    for monitor in monitors:
        at = float(monitor.last.at) if getattr(monitor, "last", None) else 0.0
        for ending in _endings_of(monitor):
            found.setdefault(ending.key, []).append((at, ending, monitor))
    rows = [_merged(key, told) for key, told in found.items()]
    return sorted(rows, key=lambda due: (due.at, due.what, due.key))


def facts_of(monitor: Monitor) -> Mapping[str, Any]:
    last = getattr(monitor, "last", None)
    return (last.facts if last else None) or {}


def _endings_of(monitor: Monitor) -> tuple[Ending, ...]:
    """What the kind reads of the last look; an older look it cannot read, or a configuration that needs
    another key, has no say."""
    kind, facts = kinds().get(monitor.kind), facts_of(monitor)
    if kind is None or not facts:
        return ()
    try:
        return kind.endings(config_of(monitor), facts)
    except (ValueError, LookupError, TypeError, AttributeError):
        log.exception("the %s kind cannot say what ends of monitor %s", monitor.kind, monitor.pk)
        return ()


def _merged(key: str, told: list[tuple[float, Ending, Monitor]]) -> Due:
    seen_ms, newest, _ = max(told, key=lambda one: one[0])
    monitors = {monitor.pk: monitor for _, _, monitor in told}
    seen = datetime.fromtimestamp(seen_ms / 1000, UTC) if seen_ms else None
    # The words of the first in order, so that they do not change with whoever looked last.
    return Due(key, told[0][1].what, newest.at, told[0][1].note, seen, tuple(monitors.values()))
