"""The words of the product as data: frozen, pure, without Django, sockets or clocks.

Times are aware UTC datetimes unless a name ends in ``_ms`` or ``_s``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any


class Severity(IntEnum):
    """How bad a finding is. INFO leaves a monitor up, WARNING degrades it, the rest bring it down."""

    INFO = 0
    WARNING = 1
    ERROR = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class Health(StrEnum):
    NEW = "new"
    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"


class Overlay(StrEnum):
    """What hides the health of a monitor while it lasts."""

    NONE = ""
    UNKNOWN = "unknown"
    PAUSED = "paused"
    MAINTENANCE = "maintenance"


class Outcome(StrEnum):
    """How a look ended. Only OK carries a complete answer; failures are values, never exceptions."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"
    REFUSED = "refused"  # by our own guard: the target may not be looked at
    CANCELLED = "cancelled"


class OwnFault(StrEnum):
    """Positive evidence that a failure may be ours."""

    EGRESS = "egress"
    RESOLVER = "resolver"
    OVERLOAD = "overload"
    CLOCK = "clock"
    DOWNTIME = "downtime"


@dataclass(frozen=True, slots=True)
class Phases:
    """Milliseconds spent in each phase of a look, summed over redirects."""

    dns: float = 0.0
    connect: float = 0.0
    tls: float = 0.0
    wait: float = 0.0
    transfer: float = 0.0

    @property
    def total(self) -> float:
        return self.dns + self.connect + self.tls + self.wait + self.transfer


@dataclass(frozen=True, slots=True)
class Observation:
    """The raw facts of one look. No opinion."""

    monitor_id: int
    location: str
    at: datetime  # when the look began
    revision: int  # of the configuration it was made with
    outcome: Outcome
    phases: Phases
    total_ms: float
    address: str
    facts: Mapping[str, Any]
    excerpt: str = ""  # at most 2 kB, on failure only


@dataclass(frozen=True, slots=True)
class Finding:
    """One judged fact. ``severity`` None means: as the catalogue says."""

    code: str
    subject: str
    sentence: str
    fix: str
    severity: Severity | None = None
    joins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge concluded. An inconclusive look keeps state and streaks; it never heals.

    ``parts`` and ``undecided`` together are all parts there are now: of the latter the look says nothing, and
    they stay as they were. ``values`` are numbers of parts, for their charts.
    """

    findings: tuple[Finding, ...] = ()
    conclusive: bool = True
    parts: Mapping[str, Severity | None] = field(default_factory=dict)
    baseline: Mapping[str, Any] | None = None  # None: unchanged
    note: str = ""
    undecided: frozenset[str] = frozenset()
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """Another monitor as a judge sees it: its name, and how it is. What an overlay hides is not known."""

    name: str
    health: Health
    overlay: Overlay = Overlay.NONE

    @property
    def shown(self) -> str:
        """What people see: the overlay if there is one, else the health."""
        return self.overlay.value or self.health.value


@dataclass(frozen=True, slots=True)
class Past:
    """What a kind declared it needs of the recent past, oldest first.

    ``totals_ms`` holds the total of every look inside the declared window that got an answer;
    ``span_s`` is the time they cover. ``states`` maps the declared names of other
    monitors to how they are; a monitor that does not exist is missing.
    """

    totals_ms: Sequence[float] = ()
    span_s: float = 0.0
    states: Mapping[str, State] = field(default_factory=dict)


NO_PAST = Past()
