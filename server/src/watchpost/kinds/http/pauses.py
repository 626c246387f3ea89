"""A token endpoint that fails is not asked at every look: pauses, and what is said meanwhile. Pure.

The first pause is shorter than the three seconds before a failure is confirmed, whatever the endpoint
wishes: what is confirmed has been asked for twice. From the second failure in a row on a pause lasts 5 s,
then 10, 20, 40 and 50 at most, or as long as ``Retry-After`` says (RFC 9110, 10.2.3), five minutes at
most. So recovery is seen at most a minute later than without pauses, unless the endpoint itself wants it
otherwise, and looks a minute apart always ask. Other words (client, secret, scope, address) have another
key and no pause.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from watchpost.outbound import Failure

_FIRST_S = 2.0
_SHORTEST_S = 5.0
_LONGEST_S = 50.0
_LONGEST_WISH_S = 300.0
_FORGOTTEN_S = 600.0  # after so long without a look it is a new trouble
_MORE_TIME_S = 0.5
_MOST_KNOWN = 5_000


@dataclass(frozen=True, slots=True)
class Limited(Failure):
    """A failure of which the endpoint says how many seconds it wants to be left alone."""

    wish_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Trouble:
    """``until`` is on the monotonic clock; ``given_s``: the time that the patientest question had."""

    failure: Failure
    since: datetime
    until: float
    tries: int
    given_s: float

    @property
    def told(self) -> Failure:
        since = f"; like this since {self.since:%Y-%m-%d %H:%M} UTC"
        return replace(self.failure, sentence=self.failure.sentence + since)


class Pauses:
    """By key of a token. ``now`` is on the monotonic clock."""

    def __init__(self) -> None:
        self._known: dict[str, _Trouble] = {}

    def kept(self, key: str, left_s: float, now: float) -> Failure | None:
        """What is said instead of asking; None: ask. Who has more time than all that waited in vain asks."""
        trouble = self._known.get(key)
        if trouble is None or now >= trouble.until:
            return None
        if trouble.failure.kind == "timeout" and left_s > trouble.given_s + _MORE_TIME_S:
            return None
        return trouble.told

    def note(self, key: str, failure: Failure, given_s: float, at: datetime, now: float) -> Failure:
        """The endpoint failed. Returns what is said of it. Our own guard and proxies are no fault of its."""
        if failure.phase != "token" or failure.kind == "refused_by_guard":
            return failure
        before = self._known.get(key)
        if before is not None and now > before.until + _FORGOTTEN_S:
            before = None
        if len(self._known) >= _MOST_KNOWN:
            self._known = {one: held for one, held in self._known.items() if held.until > now}
        tries, since = (before.tries + 1, before.since) if before else (1, at)
        given_s = max(given_s, before.given_s if before else 0.0)
        trouble = _Trouble(failure, since, now + _pause_s(failure, tries), tries, given_s)
        self._known[key] = trouble
        return trouble.told if before else failure

    def forget(self, key: str) -> None:
        """It gave a token."""
        self._known.pop(key, None)


def _pause_s(failure: Failure, tries: int) -> float:
    if tries == 1:
        return _FIRST_S
    own_s = min(_SHORTEST_S * 2.0 ** min(tries - 2, 10), _LONGEST_S)
    wish_s = failure.wish_s if isinstance(failure, Limited) else 0.0
    return max(own_s, min(wish_s, _LONGEST_WISH_S))
