"""How many pings of one address a minute: a bucket for each that spoke lately. Pure; seconds of any clock."""

from __future__ import annotations

from collections import OrderedDict

MINUTE_S = 60.0
MOST_KNOWN = 100_000


class Pace:
    """Addresses that nobody knows are counted like the others: a limit tells nothing."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._full_at: OrderedDict[str, float] = OrderedDict()  # when the bucket is whole again

    def wait_s(self, who: str, now_s: float) -> float:
        """0: it counts. Else how long to wait; what is refused costs nothing."""
        if not self.per_minute:
            return 0.0
        cost_s = MINUTE_S / self.per_minute
        full_at = max(self._full_at.pop(who, now_s), now_s)
        full_at = min(full_at, now_s + MINUTE_S)  # a clock that was put back
        if full_at + cost_s > now_s + MINUTE_S + 1e-9:
            self._full_at[who] = full_at
            return full_at + cost_s - now_s - MINUTE_S
        self._full_at[who] = full_at + cost_s
        if len(self._full_at) > MOST_KNOWN:
            self._full_at.popitem(last=False)
        return 0.0
