"""The engine: load -> judge -> step -> apply -> deliver, on one loop and one database thread.

The loop probes, judges and decides in memory and never touches the ORM; a single thread writes. Every
100 ms, or every second when nothing changed, one transaction stores what was decided meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from django.db import DatabaseError

from watchpost.codes import severity_of
from watchpost.core import valve
from watchpost.core.state import RELOOK_DEADLINE_S, Fault
from watchpost.core.track import FLAP_COUNT
from watchpost.core.types import Health, Observation, Outcome, Overlay, OwnFault, Phases, Severity, Verdict
from watchpost.engine import apply as store
from watchpost.engine import load
from watchpost.engine.database import let_go_of_database, use
from watchpost.engine.deliver import Lanes, pending_channels
from watchpost.engine.digest import Digest
from watchpost.engine.family import Family
from watchpost.engine.memory import Watched, asks_otherwise
from watchpost.engine.planned import Planned
from watchpost.engine.portions import Portion, split
from watchpost.engine.relatives import Relatives
from watchpost.engine.selfcheck import SelfCheck
from watchpost.engine.signals import PATIENCE_S, Signals
from watchpost.engine.waiting import Waiting
from watchpost.prober.prober import Prober

log = logging.getLogger(__name__)
TICK_S = 0.1
CALM_S = 1.0  # looks that changed nothing are stored at least this often
OVERLOAD_S = 1.5  # a loop this late cannot tell a slow target from a slow self
JUMP_S = 5.0
CATCH_UP_S = 0.02  # apart, when many are looked at again at once
MOST_HELD_LOOKS = 200_000  # when the database cannot be written, the oldest looks go first

Held = tuple[Watched, Observation, Verdict]


class Engine:
    """Owns the memory of all monitors. Every method but ``call`` runs on the loop."""

    def __init__(
        self,
        prober: Prober,
        selfcheck: SelfCheck,
        lanes: Lanes,
        now: Callable[[], datetime],
        flap_count: int = FLAP_COUNT,
    ) -> None:
        self.prober = prober
        self.selfcheck = selfcheck
        self.lanes = lanes
        self.now = now
        self.watched: dict[int, Watched] = {}
        self.planned = Planned()
        self.family = Family(self.watched, prober.look_soon, now)
        self.relatives = Relatives(self.watched, self.family, prober.look_soon, now)
        self.digest = Digest(self._look_again, self.family, flap_count)
        self.waiting = Waiting(self.family, self._count, self._blame, now)
        self.signals = Signals(self)
        self.database = ThreadPoolExecutor(1, "database")
        self.failures = valve.Failures()
        self.held: list[Held] = []
        self.holding: asyncio.Task[None] | None = None
        self.flushed_s = 0.0
        self.loop_lag_s = 0.0
        self.late_until_s = 0.0
        self.figures: dict[str, Any] = {"looks": 0, "transitions": 0, "batches": 0, "dropped": 0}
        self.batches: deque[int] = deque(maxlen=600)
        self.trouble = ""
        self.had_fault = False

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run something in the database thread."""
        return await asyncio.get_running_loop().run_in_executor(self.database, use, function, *arguments)

    async def start(self) -> None:
        """Load everything, spread the overdue, take up what a former run left in the outbox."""
        for watched in await self.call(load.load_monitors):
            self.watched[watched.id] = watched
            self.family.put(watched)
        self.planned = await self.call(load.load_windows, self.now())
        for watched in self.watched.values():
            self._lay_overlays(watched)
        self.prober.put_all(self.watched.values())
        for watched in self.watched.values():
            if any(streak.count for streak in (*watched.track.failing, *watched.track.recovering)):
                # A doubt that the last run could not settle any more: settle it now.
                self.prober.look_soon(watched, watched.policy.relook_s, RELOOK_DEADLINE_S, 1)
        self._judge_all(self.watched.values())
        await self.signals.hear(self.watched)
        self.lanes.poke(await self.call(pending_channels, self.now()))

    # -- what a look comes to --------------------------------------------------------------------

    def report(self, watched: Watched, seen: Observation) -> None:
        """A look came back. One made with another configuration, or broken by us, counts for nothing."""
        current = self.watched.get(watched.id)
        if current is None or seen.revision != current.revision:
            self.figures["dropped"] += 1
            return
        now = self.now()
        self.figures["looks"] += 1
        if seen.outcome is Outcome.CANCELLED:
            why = str(seen.facts.get("our_error", "the look was cancelled"))
            verdict = Verdict(conclusive=False, note=why)
        else:
            verdict = self.digest.judge(current, seen, now)
        bad = any(severity_of(finding) >= Severity.ERROR for finding in verdict.findings)
        self.failures = valve.observe(self.failures, current.target, bad, now)
        if bad and self._hold(current, seen, verdict, now):
            return
        self._step(current, seen, verdict)

    def _step(self, watched: Watched, seen: Observation, verdict: Verdict, held_s: float = 0.0) -> None:
        """Count it now, or when its parents have answered."""
        self.waiting.take(watched, seen, verdict, held_s)
        self.waiting.release()  # this look may be the answer that another waits for

    def _count(
        self, watched: Watched, seen: Observation, verdict: Verdict, held_s: float = 0.0, waited: str = ""
    ) -> None:
        fault = self._blame(watched, seen) if verdict.findings else None
        was_down = watched.track.health is Health.DOWN
        self.digest.digest(watched, seen, verdict, fault, self.now(), held_s, waited)
        if was_down and watched.track.health is not Health.DOWN:
            for number, child in enumerate(self.family.behind(watched.id)):
                self.prober.look_soon(child, number * CATCH_UP_S)
                self.signals.soon(child, PATIENCE_S)
        self._follow()

    def _look_again(self, watched: Watched, after_s: float, deadline_s: float, resolver: int) -> None:
        """To confirm what was seen. What reports by itself is only judged again."""
        self.prober.look_soon(watched, after_s, deadline_s, resolver)
        self.signals.soon(watched, after_s)

    def _follow(self) -> None:
        """Somebody's state changed: the composites that count it are judged anew, and so on upwards."""
        while self.digest.moved:
            moved, self.digest.moved = self.digest.moved, []
            counters = {one.id: one for each in moved for one in self.family.counters(each)}
            for one in counters.values():
                self._judge_anew(one)

    def _judge_all(self, touched: Iterable[Watched]) -> None:
        """These were loaded, edited or deleted: judge the composites among them and those that count them."""
        todo = {one.id for each in touched for one in (each, *self.family.counters(each))}
        for one in sorted(todo & self.watched.keys()):
            self._judge_anew(self.watched[one])
        self._follow()

    def _judge_anew(self, watched: Watched) -> None:
        """A composite has no probe: what it sees are the states of those it counts."""
        if watched.kind.feed != "states" or watched.config is None or watched.paused:
            return
        watched.states = self.family.states(watched)
        rows = watched.states.items()
        facts = {"children": [{"slug": at, "name": one.name, "state": one.shown} for at, one in rows]}
        place, now = self.prober.location, self.now()
        seen = Observation(watched.id, place, now, watched.revision, Outcome.OK, Phases(), 0.0, "", facts)
        self.figures["looks"] += 1
        self.waiting.take(watched, seen, self.digest.judge(watched, seen, now), 0.0)

    def _blame(self, watched: Watched, seen: Observation) -> Fault | None:
        """Evidence against ourselves; the egress check never speaks for networks named as ours."""
        loop_s = asyncio.get_running_loop().time()
        if seen.outcome is Outcome.TIMEOUT and loop_s < self.late_until_s:
            return Fault(
                OwnFault.OVERLOAD, "this machine was too busy to tell a slow answer from a slow self"
            )
        if self._ours(watched, seen):
            return None
        return self.selfcheck.fault

    def _ours(self, watched: Watched, seen: Observation) -> bool:
        address = seen.address or watched.last_address
        return bool(address) and bool(self.prober.outbound.guard.allows(address))

    def _hold(self, watched: Watched, seen: Observation, verdict: Verdict, now: datetime) -> bool:
        """A failure makes us ask the references; a mass of them waits for the answer, ten seconds at most."""
        if self._ours(watched, seen) or not self.selfcheck.references:
            return False
        check = self.selfcheck.start(asyncio.get_running_loop().time())
        if not self.failures.since:
            return False
        targets = len({other.target for other in self.watched.values()})
        if not valve.is_open(self.failures, targets, now):
            return False
        if check is None:  # an all-clear from before the mass failure says nothing of it
            check = self.selfcheck.start(asyncio.get_running_loop().time(), fresh_s=1.0)
        if check is None and not self.held:
            return False
        self.held.append((watched, seen, verdict))
        if self.holding is None or self.holding.done():
            self.holding = asyncio.create_task(self._decide(check))
        return True

    async def _decide(self, check: asyncio.Task[None] | None) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        if check is not None:
            await asyncio.wait({check}, timeout=self.failures.valve.hold_s)
        held, self.held = self.held, []
        log.warning("%d failures were held while we tested ourselves", len(held))
        for watched, seen, verdict in held:
            if self.watched.get(watched.id) is watched:
                self._step(watched, seen, verdict, loop.time() - began_s)

    # -- time ------------------------------------------------------------------------------------

    async def run_ticks(self) -> None:
        """Every 100 ms: notice a late loop or a jumped clock, lay overlays, store what was decided."""
        loop = asyncio.get_running_loop()
        last_s, last_wall = loop.time(), self.now()
        while True:
            await asyncio.sleep(TICK_S)
            now_s, wall = loop.time(), self.now()
            self._mind_the_clock(now_s - last_s, (wall - last_wall).total_seconds(), now_s)
            last_s, last_wall = now_s, wall
            self._mind_windows()
            self._mind_recovery()
            await self.signals.mind()
            self.mind_waiting()
            if self._due(now_s):
                await self.flush()
                # The loop went on while this waited: no lateness, but the wall clock may have jumped.
                waited_s, last_wall_s = loop.time() - last_s, (self.now() - last_wall).total_seconds()
                self._mind_a_jump(waited_s, last_wall_s)
                last_s, last_wall = loop.time(), self.now()

    def _mind_the_clock(self, passed_s: float, wall_s: float, now_s: float) -> None:
        self.loop_lag_s = max(passed_s - TICK_S, 0.0)
        if self.loop_lag_s > OVERLOAD_S:
            self.late_until_s = now_s + 10
        self._mind_a_jump(wall_s=wall_s, passed_s=passed_s, stalled=passed_s > JUMP_S)

    def _mind_a_jump(self, passed_s: float, wall_s: float, stalled: bool = False) -> None:
        """The monotonic clock stands still while the machine sleeps, the wall clock does not."""
        if stalled or abs(wall_s - passed_s) > JUMP_S:
            log.warning("the clock jumped by %.1f s; looks under way do not count", wall_s - passed_s)
            self.prober.epoch += 1
            self.prober.put_all(self.watched.values())

    def mind_waiting(self) -> None:
        """No verdict waits for its parents for ever."""
        self._follow()
        self.waiting.release()

    def _mind_recovery(self) -> None:
        """Our own fault is over: whoever is unknown because of it is looked at again soon."""
        was, self.had_fault = self.had_fault, self.selfcheck.fault is not None
        if not was or self.had_fault:
            return
        unknown = [w for w in self.watched.values() if w.track.overlay is Overlay.UNKNOWN]
        for number, watched in enumerate(unknown):
            self.prober.look_soon(watched, min(number * CATCH_UP_S, watched.interval_s))

    def _mind_windows(self) -> None:
        if not self.planned.turned(self.now()):
            return
        inside = [one for one in self.watched.values() if one.track.overlay is Overlay.MAINTENANCE]
        for watched in self.watched.values():
            self._lay_overlays(watched)
        left = [one for one in inside if one.track.overlay is not Overlay.MAINTENANCE]
        for number, watched in enumerate(left):
            # What is left is looked at at once, but a whole project not in one moment.
            self.prober.look_soon(watched, min(number * CATCH_UP_S, watched.interval_s))
            self._judge_anew(watched)
            self.signals.soon(watched)

    def _lay_overlays(self, watched: Watched) -> None:
        """Paused outranks maintenance, and both outrank that we cannot look at all; what no longer holds is
        taken away."""
        now, overlay = self.now(), watched.track.overlay
        window = self.planned.over(watched.id, watched.project_id, now)
        who = watched.paused_by or "Somebody"
        if watched.paused and overlay is not Overlay.PAUSED:
            self.digest.overlay(watched, Overlay.PAUSED, True, f"{who} paused it.", now)
        elif not watched.paused and overlay is Overlay.PAUSED:
            self.digest.overlay(watched, Overlay.PAUSED, False, f"{who} resumed it.", now)
        if watched.paused:
            return
        if window is not None and watched.track.overlay is not Overlay.MAINTENANCE:
            what = f": {window.name.rstrip('.')}" if window.name else ""
            self.digest.overlay(watched, Overlay.MAINTENANCE, True, f"A maintenance window began{what}.", now)
        elif window is None and watched.track.overlay is Overlay.MAINTENANCE:
            self.digest.overlay(watched, Overlay.MAINTENANCE, False, "The maintenance window ended.", now)
        if watched.problem and watched.track.overlay is Overlay.NONE:
            # The next look lifts it, once there can be one.
            what = "is not looked at" if watched.policy.asks else "cannot be judged"
            self.digest.overlay(watched, Overlay.UNKNOWN, True, f"It {what}: {watched.problem}", now)
            log.error("%s/%s %s: %s", watched.project, watched.slug, what, watched.problem)

    def settle_flapping(self) -> None:
        for watched in self.watched.values():
            if watched.shown_flapping:
                self.digest.settle_flapping(watched, self.now())

    # -- storing ---------------------------------------------------------------------------------

    def _due(self, now_s: float) -> bool:
        if now_s < self.flushed_s:  # the database could not be written a moment ago
            return False
        calm = now_s - self.flushed_s >= CALM_S
        return bool(self.digest.changes) or (calm and bool(self.digest.looks))

    async def flush(self) -> None:
        """Store what was decided. A database that cannot be written keeps everything for the next try."""
        looks, changes = self.digest.take()
        if not looks and not changes:
            return
        self.flushed_s = asyncio.get_running_loop().time()
        portions = list(split(looks, changes, self.signals.take()))
        lost: set[int] = set()
        while portions:
            portion = portions[0]
            try:
                lost |= await self._store(portion, lost)
            except DatabaseError as error:
                self._keep_for_later(portions, error)
                break
            del portions[0]
        if lost:
            await self.reload(sorted(lost))

    async def _store(self, portion: Portion, lost: set[int]) -> frozenset[int]:
        """Monitors whose rows somebody else changed meanwhile. ``lost``: those of earlier portions."""
        changes = [change for change in portion.changes if change.monitor_id not in lost]
        also = [one for one in portion.also if one.monitor_id not in lost]
        applied: store.Applied = await self.call(store.apply, portion.looks, changes, self.now(), also)
        self.signals.stored(portion.also)
        self.trouble = ""
        self.batches.append(len(portion.looks))
        self.figures["batches"] += 1
        self.figures["transitions"] += sum(change.transition is not None for change in changes)
        self.lanes.poke(applied.channels)
        if applied.opened:
            self.relatives.fell(changes)
        self.relatives.recovered(changes, applied.companions)
        return applied.lost

    def _keep_for_later(self, portions: Sequence[Portion], error: DatabaseError) -> None:
        looks = [look for one in portions for look in one.looks]
        self.trouble = f"The database cannot be written: {error}"
        log.error("%s; %d looks wait in memory", self.trouble, len(looks))
        self.digest.looks = (looks + self.digest.looks)[-MOST_HELD_LOOKS:]
        self.digest.changes = [change for one in portions for change in one.changes] + self.digest.changes
        self.signals.also = [each for one in portions for each in one.also] + self.signals.also
        self.flushed_s = asyncio.get_running_loop().time() + 1

    def look_now(self, ids: Iterable[int]) -> None:
        """Somebody asked for it."""
        for one in ids:
            if one in self.watched:
                self.prober.look_soon(self.watched[one], 0.0)

    async def reload(self, ids: list[int]) -> None:
        """Take over rows that others changed; those that are gone are dropped."""
        await self.flush()
        fresh = {watched.id: watched for watched in await self.call(load.load_monitors, ids)}
        touched = [self.watched[one] for one in ids if one in self.watched]
        touched += fresh.values()
        for monitor_id in ids:
            before = self.watched.get(monitor_id)
            if before is not None:
                self.family.drop(before)
                self.waiting.forget(monitor_id)
                self.signals.forget(monitor_id)
                self.relatives.forget(monitor_id)
            if monitor_id in fresh:
                now = fresh[monitor_id]
                self.watched[monitor_id] = now
                self.family.put(now)
                self._lay_overlays(now)
                self.prober.put(now)
                if now.last_at_ms is None or (before is not None and asks_otherwise(before, now)):
                    self.prober.look_soon(now, 0.0)  # whoever did that waits for the result
            else:
                self.watched.pop(monitor_id, None)
                self.prober.drop(monitor_id)
        self._judge_all(touched)
        await self.signals.hear(ids)

    async def close(self) -> None:
        await self.prober.close()
        await self.flush()
        self.lanes.close()
        await self.call(let_go_of_database)
        self.database.shutdown(wait=True)
