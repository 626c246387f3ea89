"""What a monitor stands on, for people: as declared and by nature, and what holds it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watchpost.config.secret import unseal_all
from watchpost.core import family as core
from watchpost.monitors.models import Monitor, MonitorState
from watchpost.registry import Config, Kind, kinds

MAIN = "main"


@dataclass(frozen=True, slots=True)
class Parent:
    """One it depends on. ``natural``: nobody said so, its host stands on that one."""

    monitor: Monitor
    shown: str
    natural: bool


def parents(monitor: Monitor) -> list[Parent]:
    """Those it depends on directly, by name: declared ones, then natural ones."""
    declared = list(monitor.depends_on.select_related("state").order_by("name"))
    ids = {row.pk for row in declared}
    natural = sorted((row for row in _natural(monitor) if row.pk not in ids), key=lambda row: row.name)
    return [Parent(row, _shown(row), row.pk not in ids) for row in (*declared, *natural)]


def held_back_by(monitor: Monitor) -> list[Monitor]:
    """The parents whose being down explains that it is down, by name."""
    tracks = getattr(getattr(monitor, "state", None), "tracks", None) or {}
    behind = tracks.get(MAIN, {}).get("behind") or []
    return list(Monitor.objects.filter(pk__in=behind).order_by("name")) if behind else []


def _natural(monitor: Monitor) -> Iterator[Monitor]:
    kind, config = _read(monitor)
    if kind is None or config is None:
        return
    own = kind.carries(config)
    hosts = own or (kind.target(config)[0],)
    carrying = [name for name, each in kinds().items() if each.is_carrying]
    rows = Monitor.objects.filter(project=monitor.project_id, environment=monitor.environment)
    for row in rows.filter(kind__in=carrying).exclude(pk=monitor.pk).select_related("state"):
        above, its_config = _read(row)
        if above is None or its_config is None:
            continue
        names = above.carries(its_config)
        depth = kind.depth if own else None
        if any(core.carries(name, above.depth, host, depth) for name in names for host in hosts):
            yield row


def _read(monitor: Monitor) -> tuple[Kind | None, Config | None]:
    kind = kinds().get(monitor.kind)
    try:
        return kind, kind.config.model_validate(unseal_all(monitor.config)) if kind else None
    except ValueError:  # told on its page
        return kind, None


def _shown(monitor: Monitor) -> str:
    try:
        return str(monitor.state.shown)
    except MonitorState.DoesNotExist:
        return "new"
