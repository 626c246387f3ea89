"""What stands on what: when the trouble of a monitor is explained by one that it depends on. Pure.

A parent is a monitor that others depend on, because somebody said so (``depends_on``) or by nature: whatever
stands on a host stands on the domain and the name service of that host.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from watchpost.core.track import Track
from watchpost.core.types import Health, Overlay, Severity

HOLD_S = (
    15.0  # a child's verdict waits so long for the answer of its parents: a look, its confirmation, a look
)
STALE_S = 10.0  # how old what a health endpoint says may be: the interval of most of its checks
ASK_GAP_S = 5.0  # between two looks at a parent that its children ask for
SLOW_S = 3600.0  # a parent that is looked at as rarely as this ...
SLOW_GAP_S = 300.0  # ... is asked as rarely as this: registries count their callers
_OUTAGE = Severity.ERROR - 1  # the place of an error in a track's streaks


def explains(track: Track) -> bool:
    """Whether a parent in this state explains the trouble of its children.

    It must be down: what only degrades it (a registration that ends soon) brings nobody down. A paused one
    is looked at by nobody, so what was known of it when it was paused says nothing.
    """
    return track.health is Health.DOWN and track.overlay is not Overlay.PAUSED


def gap_s(interval_s: float) -> float:
    """Seconds that lie at least between two looks at a parent that its children ask for."""
    return SLOW_GAP_S if interval_s >= SLOW_S else ASK_GAP_S


def has_answered(track: Track, seen: datetime | None, interval_s: float, since: datetime) -> bool:
    """Whether what a parent shows counts for a child that has been failing since ``since``: it was looked at
    after that, and no doubt is open. The answer of a slow one holds for some minutes."""
    slack = timedelta(seconds=SLOW_GAP_S if interval_s >= SLOW_S else 0.0)
    if seen is None or seen < since - slack:
        return False
    return track.overlay is not Overlay.NONE or not in_doubt(track)


def in_doubt(track: Track) -> bool:
    """Whether its last look spoke against what it shows: it is looked at again within seconds."""
    streaks = track.recovering if track.health is Health.DOWN else track.failing
    return streaks[_OUTAGE].count > 0


def began(track: Track, now: datetime) -> datetime:
    """Since when the child has been failing: its first look that was an outage."""
    return track.failing[_OUTAGE].began or now


def suffixes(host: str) -> Iterator[str]:
    """The host and all that it lies under, the longest first: ``a.shop.example``, then ``shop.example``."""
    name = host
    while name:
        yield name
        name = name.partition(".")[2]


def carries(above: str, above_depth: int, host: str, depth: int | None) -> bool:
    """Whether what carries ``above`` carries ``host``: itself and all under it.

    ``depth`` is that of a monitor which carries ``host``, None when it carries nothing: of two that carry
    something the deeper one carries the other, of equals the one of the shorter name. So by nature there is
    no circle.
    """
    if above not in suffixes(host):
        return False
    return depth is None or above_depth > depth or (above_depth == depth and above != host)


def circle(start: str, edges: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The shortest way from ``start`` over its parents back to itself, or nothing."""
    came: dict[str, str] = {}
    line = [start]
    for name in line:  # grows while it is read: the nearest first
        for parent in edges.get(name, ()):
            if parent == start:
                way = [start, name]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return tuple(reversed(way)) if len(way) > 2 else (start, start)
            if parent not in came:
                came[parent] = name
                line.append(parent)
    return ()


def listed(names: Sequence[str], most: int = 5) -> str:
    """``A, B and C``; of many the first few and how many more."""
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else "".join(shown)
