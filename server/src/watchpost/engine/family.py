"""Who stands on whom: parents as declared and by nature, and the composites that count others.

Held in memory beside the monitors and kept up to date with them, so that a look reads no database. Finding
the natural parents of a host costs one look-up a label, however many monitors there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from watchpost.core import family as core
from watchpost.core.types import State
from watchpost.engine.memory import Watched, is_acute

LookSoon = Callable[[Watched, float], None]
_Where = tuple[int, str, str]  # project, environment, host
_Name = tuple[int, str]  # project, slug


class Family:
    """The links between the monitors in ``watched``, which the engine owns."""

    def __init__(
        self, watched: Mapping[int, Watched], look_soon: LookSoon, now: Callable[[], datetime]
    ) -> None:
        self.watched = watched
        self.look_soon = look_soon
        self.now = now
        self.carriers: defaultdict[_Where, set[int]] = defaultdict(set)
        self.children: defaultdict[int, set[int]] = defaultdict(set)
        self.counted: defaultdict[_Name, set[int]] = defaultdict(set)
        self.slugs: dict[_Name, int] = {}
        self.asked: dict[int, datetime] = {}

    # -- kept up to date -------------------------------------------------------------------------

    def put(self, one: Watched) -> None:
        """A monitor was loaded; what it was before must have been dropped."""
        for host in one.carries:
            self.carriers[one.project_id, one.environment, host].add(one.id)
        for parent in one.depends_on:
            self.children[parent].add(one.id)
        for name in one.need.names:
            self.counted[one.project_id, name].add(one.id)
        self.slugs[one.project_id, one.slug] = one.id

    def drop(self, one: Watched) -> None:
        for host in one.carries:
            self.carriers[one.project_id, one.environment, host].discard(one.id)
        for parent in one.depends_on:
            self.children[parent].discard(one.id)
        for name in one.need.names:
            self.counted[one.project_id, name].discard(one.id)
        if self.slugs.get((one.project_id, one.slug)) == one.id:
            del self.slugs[one.project_id, one.slug]
        self.asked.pop(one.id, None)

    # -- upwards ---------------------------------------------------------------------------------

    def natural(self, one: Watched) -> set[int]:
        """Those that carry its host. What somebody declared the other way round is believed."""
        if not self.carriers:
            return set()
        hosts = one.carries or ((one.target[0],) if one.target[0] else ())
        found = set()
        for host in hosts:
            for above in core.suffixes(host):
                for parent in self.carriers.get((one.project_id, one.environment, above), ()):
                    depth = one.depth if one.carries else None
                    if parent != one.id and core.carries(above, self.watched[parent].depth, host, depth):
                        found.add(parent)
        return {parent for parent in found if one.id not in self._declared(parent)}

    def _declared(self, monitor_id: int) -> set[int]:
        """All above it that somebody declared."""
        seen: set[int] = set()
        todo = [monitor_id]
        while todo:
            one = self.watched.get(todo.pop())
            fresh = one.depends_on - seen if one else frozenset()
            seen |= fresh
            todo += fresh
        return seen

    def ancestors(self, one: Watched) -> list[Watched]:
        """All that it stands on, the nearest first. Only of its environment: incidents never cross."""
        if not one.depends_on and not self.carriers:
            return []
        seen, found, line = {one.id}, list[Watched](), [one]
        for each in line:  # grows while it is read
            for parent in sorted(each.depends_on | self.natural(each)):
                above = self.watched.get(parent)
                if above is not None and parent not in seen and above.environment == one.environment:
                    seen.add(parent)
                    found.append(above)
                    line.append(above)
        return found

    def down_above(self, one: Watched) -> tuple[Watched, ...]:
        """The ancestors whose being down explains its trouble; one that stands behind another is left out."""
        down = [above for above in self.ancestors(one) if core.explains(above.track) and is_acute(above)]
        return tuple(above for above in down if not above.track.behind) or tuple(down)

    def tokens(self, one: Watched) -> frozenset[str]:
        """By what its incident and those of its ancestors find one another."""
        names = {f"over:{one.id}"}
        names.update(f"under:{above.id}" for above in self.ancestors(one) if above.id not in one.depends_on)
        names.update(f"under:{child.id}" for child in self.named(one))
        return frozenset(names)

    # -- asking ----------------------------------------------------------------------------------

    def open_questions(self, one: Watched, since: datetime, stale_s: float = 0.0) -> list[Watched]:
        """The ancestors that have not answered a child that fails since then. Paused ones are never asked.
        ``stale_s``: so old may be what one says that claims to be well."""
        above, well_since = self.ancestors(one), since + timedelta(seconds=stale_s)
        asked = [each for parent in above for each in (parent, *self.named(parent))]
        return [
            parent
            for parent in asked
            if parent.id != one.id
            and parent.is_looked_at
            and not core.has_answered(
                parent.track,
                _seen(parent),
                parent.interval_s,
                since if core.explains(parent.track) else well_since,
            )
        ]

    def ask(self, parents: Iterable[Watched]) -> None:
        """Look at them at once, but at none more often than its gap: a thousand children ask one. One in
        doubt is looked at again soon anyway, with another resolver, and that must not be put off."""
        now = self.now()
        for parent in parents:
            if core.in_doubt(parent.track):
                continue
            last, gap_s = self.asked.get(parent.id), core.gap_s(parent.interval_s)
            wait_s = 0.0 if last is None else gap_s - (now - last).total_seconds()
            if wait_s <= 0 or wait_s > gap_s:  # the clock may have gone back
                self.asked[parent.id] = now
                self.look_soon(parent, 0.0)
            elif wait_s <= core.ASK_GAP_S:
                self.look_soon(parent, wait_s)

    # -- downwards -------------------------------------------------------------------------------

    def dependents(self, one: Watched) -> list[Watched]:
        """All that stands on it, by name."""
        if not self.children.get(one.id) and not one.carries:
            return []
        everyone = (each for each in self.watched.values() if each.project_id == one.project_id)
        found = [each for each in everyone if any(above is one for above in self.ancestors(each))]
        return sorted(found, key=lambda each: each.name)

    def carried(self, ids: Iterable[int]) -> list[Watched]:
        """What stands by nature on one of them."""
        places = {
            (one.project_id, one.environment, host)
            for one in map(self.watched.get, ids)
            if one is not None
            for host in one.carries
        }
        if not places:
            return []
        return [each for each in self.watched.values() if self._is_carried(each, places)]

    def _is_carried(self, one: Watched, places: set[_Where]) -> bool:
        return any((one.project_id, one.environment, host) in places for host in core.suffixes(one.target[0]))

    def behind(self, parent_id: int) -> list[Watched]:
        """Those whose trouble this parent explained."""
        one = self.watched.get(parent_id)
        if one is not None and not self.children.get(parent_id) and not one.carries:
            return []  # nobody ever was: in a storm hundreds recover
        return [each for each in self.watched.values() if parent_id in each.track.behind]

    # -- composites ------------------------------------------------------------------------------

    def named(self, one: Watched) -> list[Watched]:
        """The monitors it counts, in the order it names them; what does not exist is left out."""
        ids = (self.slugs.get((one.project_id, name)) for name in one.need.names)
        return [self.watched[each] for each in ids if each is not None]

    def states(self, one: Watched) -> dict[str, State]:
        """The monitors it counts as its judge sees them."""
        return {
            each.slug: State(each.name, each.track.health, each.track.overlay) for each in self.named(one)
        }

    def counters(self, one: Watched) -> list[Watched]:
        """The composites that count it."""
        ids = sorted(self.counted.get((one.project_id, one.slug), ()))
        return [self.watched[each] for each in ids if each in self.watched]


def _seen(one: Watched) -> datetime | None:
    return None if one.last_at_ms is None else datetime.fromtimestamp(one.last_at_ms / 1000, UTC)
