"""What the engine holds of every monitor, so that a look that changes nothing reads no database."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from watchpost.codes import catalogue
from watchpost.core.state import Policy, Track
from watchpost.core.track import IDLE
from watchpost.core.types import Finding, Health, Observation, Past, Severity, State
from watchpost.registry import Kind, PastNeed

_TROUBLED = (Health.DOWN, Health.DEGRADED)
Troubles = frozenset[tuple[str, str, str]]  # code, subject and fix: a sentence may hold a number of today


@dataclass(slots=True)
class Other:
    """Another trouble than the one that was told, and how many looks in a row have shown it."""

    troubles: Troubles
    began: datetime
    looks: int = 0


@dataclass(slots=True)
class Watched:
    """One monitor in memory. Only the loop thread touches it."""

    id: int
    project_id: int
    project: str
    slug: str
    name: str
    environment: str
    kind: Kind
    config: Any
    revision: int
    interval_s: float
    timeout_s: float
    policy: Policy
    paused: bool
    target: tuple[str, int]
    depends_on: frozenset[int]
    need: PastNeed
    track: Track
    parts: dict[str, Track]
    baseline: Mapping[str, Any]
    version: int
    last_at_ms: int | None
    last_address: str
    totals: deque[tuple[float, float]] = field(default_factory=deque)  # (epoch s, total ms)
    shown_flapping: bool = False
    told: bool = True
    paused_by: str = ""
    troubles: Troubles = frozenset()  # what the incident was last told of
    other: Other | None = None
    carries: tuple[str, ...] = ()  # hosts that stand on it, each with all under it
    depth: int = 0  # among those that carry: the deeper one carries the others
    alone: int = 0  # looks in a row that failed while no parent explained it any more
    states: dict[str, State] = field(default_factory=dict)  # of the monitors its judge asked for
    problem: str = ""  # why it cannot be looked at: a config this version refuses
    kept: Mapping[str, Any] = field(default_factory=dict)  # facts of ``Kind.kept``, as they were last seen
    anew: bool = False  # the last look was in trouble: the next one takes nothing out of a memory
    absent: dict[str, int] = field(default_factory=dict)  # parts: how many looks in a row lacked them

    @property
    def is_looked_at(self) -> bool:
        """Whether anybody looks at it: not while it is paused, nor with a configuration nobody can read."""
        return not self.paused and self.config is not None and self.kind.probe is not None

    @property
    def is_troubled(self) -> bool:
        """Down, degraded, or in doubt: what is remembered of names and certificates may be what is wrong."""
        track = self.track
        if track.health in _TROUBLED:
            return True
        return track.failing is not IDLE and any(streak.count for streak in track.failing)

    def shares(self, observation: Observation | None) -> frozenset[str]:
        """What an incident of this monitor may share with others."""
        address = (observation.address if observation else "") or self.last_address
        names = {f"host:{self.target[0]}", f"monitor:{self.id}"}
        if not self.target[0]:  # nothing outside is asked
            names = {f"monitor:{self.id}"}
        names.update(f"monitor:{parent}" for parent in self.depends_on)
        return frozenset(names | ({f"addr:{address}"} if address else set()))

    def is_related(self, shared: frozenset[str]) -> bool:
        """Whether ``shares(None)`` and ``shared`` meet. Asked of every monitor in a storm: builds no sets."""
        return (
            (bool(self.target[0]) and f"host:{self.target[0]}" in shared)
            or f"addr:{self.last_address}" in shared
            or f"monitor:{self.id}" in shared
            or (bool(self.depends_on) and any(f"monitor:{parent}" in shared for parent in self.depends_on))
        )

    def keep(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Takes over what the kind keeps. A certificate that was read an hour ago is still known when the
        site does not answer now."""
        if not self.kind.kept.isdisjoint(facts):
            self.kept = {**self.kept, **{name: facts[name] for name in self.kind.kept & facts.keys()}}
        return self.kept

    def past(self, now_s: float) -> Past:
        """Totals of the declared window, oldest first, and states. Cheap for kinds that need none."""
        if self.need.names:
            return Past(states=self.states)
        if not self.need.window_s:
            return NO_TOTALS
        while self.totals and self.totals[0][0] < now_s - self.need.window_s:
            self.totals.popleft()
        span = now_s - self.totals[0][0] if self.totals else 0.0
        return Past(tuple(total for _, total in self.totals), span)


NO_TOTALS = Past()


@dataclass(frozen=True, slots=True)
class Written:
    """One judged look on its way to the database."""

    watched: Watched
    observation: Observation
    severity: int | None
    findings: tuple[Finding, ...]
    reason: str
    kept: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)  # of parts


def is_acute(watched: Watched) -> bool:
    """Whether its trouble can take others with it: a registration or a certificate that ends next week is
    slow trouble, however severe, and brings nobody down today. What nothing is known of counts."""
    known = [catalogue()[code] for code, _, _ in watched.troubles if code in catalogue()]
    return not known or not all(entry.lasting for entry in known)


def troubles_of(findings: tuple[Finding, ...]) -> Troubles:
    """What tells one trouble from another; remarks are none."""
    from watchpost.codes import severity_of

    return frozenset((f.code, f.subject, f.fix) for f in findings if severity_of(f) > Severity.INFO)


def finding_rows(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    """Findings as the API shows them."""
    from watchpost.codes import severity_of

    return [
        {
            "code": finding.code,
            "subject": finding.subject,
            "severity": severity_of(finding).word,
            "sentence": finding.sentence,
            "fix": finding.fix,
        }
        for finding in findings
    ]


def asks_otherwise(before: Watched, now: Watched) -> bool:
    """Somebody changed what is asked, or what is expected."""
    return before.revision != now.revision or before.baseline != now.baseline
