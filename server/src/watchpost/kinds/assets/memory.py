"""What the last look of a monitor found broken, so that the next one asks for it first.

A look that runs out of time must not heal what it did not see, and a confirmation has less time than the
look it confirms. Kept beside the way out, in memory only: after a restart the page's order decides.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from watchpost.outbound import Outbound

_MOST_MONITORS = 10_000
_MOST_EACH = 500
_broken: WeakKeyDictionary[Outbound, dict[int, frozenset[str]]] = WeakKeyDictionary()


def recall(outbound: Outbound, monitor_id: int) -> frozenset[str]:
    """The addresses that were broken last time."""
    return _broken.get(outbound, {}).get(monitor_id, frozenset())


def keep(outbound: Outbound, monitor_id: int, broken: list[str]) -> None:
    """Replaces what is known; nothing broken is nothing kept."""
    held = _broken.setdefault(outbound, {})
    held.pop(monitor_id, None)
    if broken:
        if len(held) >= _MOST_MONITORS:
            del held[next(iter(held))]
        held[monitor_id] = frozenset(broken[:_MOST_EACH])
