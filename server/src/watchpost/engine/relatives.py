"""Who is looked at besides: one trouble is one incident from its first minute to its last.

When an incident opens, all that share with its members are looked at, so that one incident tells it all. When
one recovers, those that are still in trouble beside it are, so that it does not last as long as the longest
interval among them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from watchpost.core import family as core
from watchpost.engine.apply import StateChange
from watchpost.engine.family import Family
from watchpost.engine.memory import Watched

log = logging.getLogger(__name__)
LookSoon = Callable[[Watched, float], None]
APART_S = 0.02  # when many are looked at at once
FIRST_S = 0.1
GAP_S = 30.0  # at least, between two looks at one monitor because others recovered
_FREQUENT_S = 60.0  # who is looked at as often as this needs no look put off until the gap is over


class Relatives:
    """The monitors in ``watched``, which the engine owns, as others concern them."""

    def __init__(
        self,
        watched: Mapping[int, Watched],
        family: Family,
        look_soon: LookSoon,
        now: Callable[[], datetime],
    ) -> None:
        self.watched = watched
        self.family = family
        self.look_soon = look_soon
        self.now = now
        self.looked: dict[int, datetime] = {}

    def fell(self, changes: Sequence[StateChange]) -> None:
        """An incident opened: look at all that share with it."""
        moved = {change.monitor_id for change in changes}
        siblings = self._siblings(changes)
        carried = [one for one in self.family.carried(moved) if one not in siblings]
        for one in siblings:
            if one.id not in moved:
                self.look_soon(one, FIRST_S)
        for number, one in enumerate(carried):
            if one.id not in moved:
                self.look_soon(one, FIRST_S + number * APART_S)

    def recovered(self, changes: Sequence[StateChange], companions: Iterable[int]) -> None:
        """Some recovered: look at those that are still in trouble of ``companions``, the other members of
        their incidents, of what shares with them, and of what they all stand on or carry."""
        better = [change for change in changes if is_better(change)]
        if not better:
            return
        moved = {change.monitor_id for change in better}
        near = [self.watched[one] for one in sorted({*moved, *companions}) if one in self.watched]
        family = [other for one in near for other in self._troubled_family(one)]
        found = {one.id: one for one in (*near, *self._siblings(better), *family)}
        asked = [one for pk, one in found.items() if pk not in moved and _waits_in_trouble(one)]
        for number, one in enumerate(asked):
            self._look(one, FIRST_S + number * APART_S)

    def forget(self, monitor_id: int) -> None:
        self.looked.pop(monitor_id, None)

    def _troubled_family(self, one: Watched) -> list[Watched]:
        return [*self.family.ancestors(one), *self.family.dependents(one)]

    def _look(self, one: Watched, after_s: float) -> None:
        now, gap_s = self.now(), max(GAP_S, core.gap_s(one.interval_s))
        last = self.looked.get(one.id)
        wait_s = 0.0 if last is None else gap_s - (now - last).total_seconds()
        if wait_s <= 0 or wait_s > gap_s:  # the clock may have gone back
            self.looked[one.id] = now
            self.look_soon(one, after_s)
        elif wait_s <= GAP_S and one.interval_s > _FREQUENT_S:
            self.look_soon(one, wait_s)

    def _siblings(self, changes: Sequence[StateChange]) -> list[Watched]:
        """Those of the same host, address or parent, and those of the same certificate: it is served under
        other names, too."""
        told = [change.moved for change in changes if change.moved is not None]
        shared = frozenset[str]().union(*(one.shares for one in told))
        shared = shared.union(*(finding.joins for one in told for finding in one.findings))
        seen = [self.watched[one.monitor_id] for one in changes if one.monitor_id in self.watched]
        names = {name for one in seen for name in _names_of(one)}
        keys = {key for one in seen for key in _keys_of(one)}
        projects = {one.project_id for one in seen}
        return [
            one
            for one in self.watched.values()
            if one.is_related(shared)
            or (
                one.project_id in projects
                and keys
                and (_is_named(one, names) or not keys.isdisjoint(_keys_of(one)))
            )
        ]


def is_better(change: StateChange) -> bool:
    """Whether it left an outage or a warning behind, wholly or in part."""
    return change.moved is not None and not change.moved.transition.rise and change.health != "down"


def _waits_in_trouble(one: Watched) -> bool:
    """In trouble, and not about to be looked at anyway: one whose recovery is being confirmed is."""
    return one.is_troubled and one.is_looked_at and not any(streak.count for streak in one.track.recovering)


def _is_named(one: Watched, names: set[str]) -> bool:
    host = one.target[0]
    return bool(host) and (host in names or f"*.{host.partition('.')[2]}" in names)


def _names_of(one: Watched) -> tuple[str, ...]:
    return _told(one, one.kind.names)


def _keys_of(one: Watched) -> tuple[str, ...]:
    """What it told of that ends: monitors that give one key mean one thing."""
    return tuple(ending.key for ending in _told(one, one.kind.endings))


def _told(one: Watched, ask: Callable[..., tuple]) -> tuple:  # type: ignore[type-arg]
    """Of what was kept. Facts of an older version may not be readable."""
    if not one.kept or one.config is None:
        return ()
    try:
        return ask(one.config, one.kept)
    except (ValueError, LookupError, TypeError, AttributeError):
        log.exception("the %s kind cannot read what was kept of monitor %s", one.kind.name, one.id)
        return ()
