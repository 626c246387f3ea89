"""What ends on a date in some projects: read from the last looks, one row for each thing."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchpost.monitors.edit import config_of
from watchpost.monitors.models import Monitor, Project
from watchpost.registry import Ending, kinds

_Told = tuple[float, Ending, Monitor]  # when it was seen, in ms since the epoch
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
    what the youngest reading says holds."""
    found: dict[str, list[_Told]] = {}
    for told in _current([told for monitor in monitors for told in _told_by(monitor)]):
        found.setdefault(told[1].key, []).append(told)
    rows = [_merged(key, told) for key, told in found.items()]
    return sorted(rows, key=lambda due: (due.at, due.what, due.key))


def _told_by(monitor: Monitor) -> Iterator[_Told]:
    looked_ms = float(monitor.last.at) if getattr(monitor, "last", None) else 0.0
    for ending in _endings_of(monitor):
        yield (looked_ms if ending.seen is None else ending.seen.timestamp() * 1000, ending, monitor)


def _current(told: Sequence[_Told]) -> Iterator[_Told]:
    """Without what was replaced: another monitor has read the place since. Who saw several things there
    speaks of several machines, of which the other may have asked one."""
    newest: dict[str, float] = {}
    there = Counter((one[1].place, one[2].pk) for one in told)
    for seen_ms, ending, _ in told:
        newest[ending.place] = max(seen_ms, newest.get(ending.place, 0.0))
    still = {(one[1].place, one[1].key) for one in told if one[0] >= newest[one[1].place]}
    for one in told:
        place = one[1].place
        if not place or there[place, one[2].pk] > 1 or (place, one[1].key) in still:
            yield one


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


def _merged(key: str, told: list[_Told]) -> Due:
    seen_ms, newest, _ = max(told, key=lambda one: one[0])
    monitors = {monitor.pk: monitor for _, _, monitor in told}
    seen = datetime.fromtimestamp(seen_ms / 1000, UTC) if seen_ms else None
    # The words of the first in order, so that they do not change with whoever looked last.
    return Due(key, told[0][1].what, newest.at, told[0][1].note, seen, tuple(monitors.values()))
