"""The parts of a monitor as they were last seen, with what is stored of each: pages, commands and API."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchpost.core.track import Track
from watchpost.monitors.edit import config_of
from watchpost.monitors.models import Monitor, Transition
from watchpost.registry import Panel, PartRow, kinds

log = logging.getLogger(__name__)
MOST_CHANGES = 500  # that are looked through for the newest of each part
_MAIN = "main"


@dataclass(frozen=True, slots=True)
class Part:
    """``key`` of its track; "" for a part that no look has decided yet. ``since`` is None where the last look
    contradicts what is confirmed. ``changed``: its newest change."""

    row: PartRow
    key: str = ""
    since: datetime | None = None
    changed: Transition | None = None


def panels_of(monitor: Monitor) -> Sequence[Panel]:
    """What the kind knows of it; what it cannot read of an older look, or without a key, is left out."""
    kind, last = kinds().get(monitor.kind), getattr(monitor, "last", None)
    state = getattr(monitor, "state", None)
    if kind is None or last is None or state is None:
        return ()
    try:
        return kind.panels(config_of(monitor), last.facts or {}, state.baseline or {})
    except (ValueError, LookupError, TypeError):
        log.exception("the %s kind cannot show monitor %s", monitor.kind, monitor.pk)
        return ()


def tracks_of(monitor: Monitor) -> dict[str, Track]:
    """The tracks of its parts, by key."""
    return {key: Track.from_json(one) for key, one in monitor.state.tracks.items() if key != _MAIN}


def placed(rows: Sequence[PartRow], tracks: Mapping[str, Track]) -> list[Part]:
    """Each with its track. A part seen from several locations is told as the first of them sees it."""
    keys = {key.partition("|")[2]: key for key in sorted(tracks, reverse=True)}
    found = []
    for row in rows:
        key = keys.get(row.part, "")
        agrees = key and tracks[key].shown == row.state
        found.append(Part(row, key, tracks[key].shown_since if agrees else None))
    return found


def parts_of(monitor: Monitor) -> list[Part]:
    """All of them, with the newest change of each."""
    rows = [row for panel in panels_of(monitor) for row in panel.parts]
    if not rows:
        return []
    found = placed(rows, tracks_of(monitor))
    newest: dict[str, Transition] = {}
    wanted = [one.key for one in found if one.key]
    changes = Transition.of_parts.filter(monitor=monitor, track__in=wanted).order_by("-at", "-id")
    for change in changes[:MOST_CHANGES]:
        newest.setdefault(change.track, change)
    return [Part(one.row, one.key, one.since, newest.get(one.key)) for one in found]
