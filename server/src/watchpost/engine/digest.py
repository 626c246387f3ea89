"""From an observation to a decision, in memory: judge -> step. The loop's part of the walk.

Nothing here waits. What must be stored goes to ``pending``; the writer takes it within 100 ms when
something changed, within a second when nothing did.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from watchpost.codes import catalogue, severity_of
from watchpost.core.family import listed
from watchpost.core.state import (
    RELOOK_DEADLINE_S,
    Fault,
    Reading,
    Step,
    Track,
    Transition,
    cover,
    step,
    uncover,
)
from watchpost.core.track import FLAP_COUNT
from watchpost.core.types import Finding, Health, Observation, Outcome, Overlay, Severity, Verdict
from watchpost.engine.apply import StateChange
from watchpost.engine.family import Family
from watchpost.engine.load import MAIN
from watchpost.engine.memory import Other, Watched, Written, finding_rows, is_acute, troubles_of
from watchpost.engine.parts import Stepped, step_parts
from watchpost.incidents.desk import Moved

log = logging.getLogger(__name__)
LEAST_SAID_S = 0.1
LookAgainHook = Callable[[Watched, float, float, int], None]


class Digest:
    """Judges and steps; collects what is to be written."""

    def __init__(
        self, look_again: LookAgainHook, family: Family | None = None, flap_count: int = FLAP_COUNT
    ) -> None:
        self.looks: list[Written] = []
        self.changes: list[StateChange] = []
        self.look_again = look_again
        self.family = family
        self.flap_count = flap_count
        self.moved: list[Watched] = []  # whose shown state changed since somebody asked

    def take(self) -> tuple[list[Written], list[StateChange]]:
        looks, changes = self.looks, self.changes
        self.looks, self.changes = [], []
        return looks, changes

    def judge(self, watched: Watched, seen: Observation, now: datetime) -> Verdict:
        """The kind's opinion. A judge that breaks is our fault: inconclusive, and said so."""
        try:
            return watched.kind.judge(
                watched.config, seen, watched.baseline, watched.past(now.timestamp()), now
            )
        except Exception as error:  # one kind's bug must not stop the others
            log.exception("kind %s could not judge a look of monitor %s", watched.kind.name, watched.id)
            return Verdict(conclusive=False, note=f"Watchpost could not judge this look ({error!r}).")

    def digest(
        self,
        watched: Watched,
        seen: Observation,
        verdict: Verdict,
        fault: Fault | None,
        now: datetime,
        held_s: float = 0.0,
        waited: str = "",
    ) -> None:
        """Step every track, remember the look, queue what changed. ``held_s``: how long the mass-failure
        valve held it back; ``waited``: why its parents did; both are said with the reason."""
        reading = read(verdict, seen)
        done = step(watched.track, reading, watched.policy, fault, now)
        if held_s >= LEAST_SAID_S:
            done = _adding(done, f"(Many failed at once: held for {held_s:.1f} s while we tested ourselves.)")
        above = self._explaining(watched, verdict)
        done = _stand_behind(watched, done, above, waited)
        if done.look_again is not None:
            again = done.look_again
            self.look_again(watched, again.after_s, again.deadline_s, again.resolver)
        watched.last_at_ms = int(seen.at.timestamp() * 1000)
        watched.last_address = seen.address or watched.last_address
        if watched.need.window_s and seen.outcome is Outcome.OK:
            watched.totals.append((seen.at.timestamp(), seen.total_ms))
        severity = None if reading.severity is None else int(reading.severity)
        self.looks.append(
            Written(
                watched,
                seen,
                severity,
                verdict.findings,
                done.reason,
                watched.keep(seen.facts),
                verdict.values,
            )
        )
        parts = step_parts(watched, verdict, seen, fault, now)
        if parts.changed or done.track is not watched.track or verdict.baseline is not None:
            self._change(watched, done, verdict, seen, now, parts)
        if done.transition is None:
            self._reconsider(watched, reading, verdict, seen, now)
            self._mind_alone(watched, reading, verdict, seen, now, fault is not None or bool(above))

    def _change(
        self,
        watched: Watched,
        done: Step,
        verdict: Verdict,
        seen: Observation | None,
        now: datetime,
        parts: Stepped,
    ) -> None:
        moved = self._moved(watched, done, verdict.findings, seen, now)
        watched.track = done.track
        if verdict.baseline is not None:
            watched.baseline = verdict.baseline
        shows = done.transition is not None
        self.changes.append(
            self._state(
                watched,
                done.reason,
                now,
                transition=done.transition,
                moved=moved,
                baseline=None if verdict.baseline is None else dict(verdict.baseline),
                findings=finding_rows(verdict.findings) if shows else None,
                parts=parts.moved,
            )
        )

    def _reconsider(
        self, watched: Watched, reading: Reading, verdict: Verdict, seen: Observation, now: datetime
    ) -> None:
        """Still in trouble, but no longer the one that was told: who reads the incident must not go after a
        cause that is gone. As many looks in a row say so as confirm a failure."""
        track = watched.track
        if track.severity is None or track.overlay is not Overlay.NONE or not reading.conclusive:
            return
        troubles = troubles_of(verdict.findings)
        if (reading.severity or 0) < track.severity or troubles == watched.troubles:
            watched.other = None
            return
        if watched.other is None or watched.other.troubles != troubles:
            watched.other = Other(troubles, seen.at)
        watched.other.looks += 1
        if watched.other.looks < watched.policy.confirm:
            return
        reason = f"Still {track.shown}, now for another reason: {reading.sentence}"
        changed = Transition(
            track.shown, track.shown, track.health, track.severity, now, watched.other.began, reason, False
        )
        watched.troubles, watched.other = troubles, None
        moved = self._told(watched, track, changed, verdict.findings, seen, now)
        self.changes.append(
            self._state(watched, reason, now, moved=moved, findings=finding_rows(verdict.findings))
        )

    def _moved(
        self,
        watched: Watched,
        done: Step,
        findings: tuple[Finding, ...],
        seen: Observation | None,
        now: datetime,
    ) -> Moved | None:
        """Only a change of health concerns the desk; unknown, paused and maintenance alert nobody."""
        transition = done.transition
        if transition is None or done.track.overlay is not Overlay.NONE:
            return None
        if transition.severity == watched.track.severity:
            return None
        watched.troubles, watched.other = troubles_of(findings), None
        return self._told(watched, done.track, transition, findings, seen, now)

    def _told(
        self,
        watched: Watched,
        track: Track,
        transition: Transition,
        findings: tuple[Finding, ...],
        seen: Observation | None,
        now: datetime,
    ) -> Moved:
        under, falls = track.behind, transition.rise and track.health is Health.DOWN
        shares, dependents = watched.shares(seen), tuple[str, ...]()
        if self.family is not None:
            shares |= self.family.tokens(watched)
            takes_others = falls and is_acute(watched)
            dependents = tuple(one.name for one in self.family.dependents(watched)) if takes_others else ()
            under = under or tuple(one.id for one in self.family.named(watched))
        return Moved(
            monitor_id=watched.id,
            project_id=watched.project_id,
            environment=watched.environment,
            interval_s=watched.interval_s,
            name=watched.name,
            kind=watched.kind.name,
            transition=transition,
            findings=findings,
            shares=shares,
            flapping=track.flapping(now, self.flap_count),
            under=under,
            quiet=bool(track.behind),
            dependents=dependents,
        )

    def _explaining(self, watched: Watched, verdict: Verdict) -> tuple[Watched, ...]:
        """The parents that are down; nobody asks for those of a healthy monitor."""
        if self.family is None or not (verdict.findings or watched.track.behind):
            return ()
        return self.family.down_above(watched)

    def _mind_alone(
        self,
        watched: Watched,
        reading: Reading,
        verdict: Verdict,
        seen: Observation,
        now: datetime,
        other: bool,
    ) -> None:
        """Its parents are up again and it is not: when as many looks in a row say so as confirm a failure, it
        is told by itself. ``other``: something else still explains that it fails."""
        track = watched.track
        failing = (reading.severity or 0) >= Severity.ERROR and reading.conclusive
        if not track.behind or not failing or other or track.overlay is not Overlay.NONE:
            watched.alone = 0
            return
        watched.alone += 1
        if watched.alone < watched.policy.confirm:
            self.look_again(watched, watched.policy.relook_s, RELOOK_DEADLINE_S, 0)
            return
        reason = f"Still down, and nothing it depends on is: {reading.sentence}"
        began = track.since or seen.at
        changed = Transition(
            track.shown, track.shown, track.health, track.severity, now, began, reason, False
        )
        watched.track, watched.alone = replace(track, behind=()), 0
        watched.troubles, watched.other = troubles_of(verdict.findings), None
        moved = self._told(watched, watched.track, changed, verdict.findings, seen, now)
        moved = replace(moved, freed=track.behind)
        self.changes.append(
            self._state(watched, reason, now, moved=moved, findings=finding_rows(verdict.findings))
        )

    def _state(self, watched: Watched, reason: str, now: datetime, **more: Any) -> StateChange:
        track = watched.track
        if more.get("transition") is not None:
            self.moved.append(watched)
        watched.shown_flapping = track.flapping(now, self.flap_count)
        change = StateChange(
            monitor_id=watched.id,
            version=watched.version,
            shown=track.shown,
            health=track.health,
            severity=None if track.severity is None else int(track.severity),
            since=track.shown_since,
            reason=reason,
            flapping=watched.shown_flapping,
            tracks={MAIN: track.to_json()} | {key: part.to_json() for key, part in watched.parts.items()},
            **({"baseline": None, "findings": None} | more),
        )
        watched.version += 1
        return change

    def overlay(self, watched: Watched, overlay: Overlay, on: bool, reason: str, now: datetime) -> None:
        """Begin or end pause and maintenance."""
        track = watched.track
        done = cover(track, overlay, reason, now) if on else uncover(track, reason, now, watched.policy.asks)
        if done.track is watched.track:
            return
        still_down = "" if on else self._still_down(done, reason)
        watched.track = done.track
        self.changes.append(
            self._state(watched, done.reason, now, transition=done.transition, still_down=still_down)
        )
        if done.look_again is not None:
            again = done.look_again
            self.look_again(watched, again.after_s, again.deadline_s, again.resolver)

    def _still_down(self, done: Step, reason: str) -> str:
        if done.track.overlay is not Overlay.NONE or done.track.severity is None:
            return ""
        return f"{reason} It is still {done.track.health}."

    def settle_flapping(self, watched: Watched, now: datetime) -> None:
        """Clear the flag once the changes are old."""
        if watched.shown_flapping and not watched.track.flapping(now, self.flap_count):
            self.changes.append(self._state(watched, "It has held still for half an hour.", now))


def _stand_behind(watched: Watched, done: Step, above: tuple[Watched, ...], waited: str) -> Step:
    """Whoever falls while a parent is down stands behind it; whoever is up again, or was down before the
    parent, stands alone."""
    before, track = watched.track, done.track
    falls = track.health is Health.DOWN and before.health is not Health.DOWN
    if falls and waited:
        done = _adding(done, f"({waited[:1].upper()}{waited[1:]}.)")
    if track.health is not Health.DOWN:
        behind: tuple[int, ...] = ()
    else:
        behind = tuple(one.id for one in above) if falls or (before.behind and above) else before.behind
    if behind == track.behind:
        return done
    done = replace(done, track=replace(track, behind=behind))
    names = listed([one.name for one in above])
    is_down = "is down" if len(above) == 1 else "are down"
    return _adding(done, f"Held back: {names} {is_down}, and it depends on that.") if falls else done


def _adding(done: Step, words: str) -> Step:
    said = f"{done.reason} {words}"
    transition = None if done.transition is None else replace(done.transition, reason=said)
    return replace(done, reason=said, transition=transition)


def read(verdict: Verdict, seen: Observation) -> Reading:
    """The verdict as one reading: the worst finding, and the worst of those that count at once."""
    if not verdict.findings:
        return Reading(seen.at, None, None, verdict.conclusive, "", verdict.note)
    worst: Severity | None = None
    settled: Severity | None = None
    sentence = ""
    entries = catalogue()
    for finding in verdict.findings:
        severity = severity_of(finding)
        if severity is Severity.INFO:
            continue
        if worst is None or severity > worst:
            worst, sentence = severity, finding.sentence
        if entries[finding.code].settled and (settled is None or severity > settled):
            settled = severity
    return Reading(seen.at, worst, settled, verdict.conclusive, sentence, verdict.note)
