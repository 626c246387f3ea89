"""What the state machine of a track remembers, takes and gives. Times are aware UTC datetimes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from watchpost.core.types import Health, Overlay, OwnFault, Severity

FLAP_WINDOW = timedelta(minutes=30)
FLAP_COUNT = 4


@dataclass(frozen=True, slots=True)
class Policy:
    """How many looks in a row count, and how fast an unconfirmed one is repeated (seconds). ``noun`` is what
    reasons call a look; ``asks`` False: nobody looks, something is told of it, and each counts at once."""

    confirm: int = 2
    recover: int = 2
    relook_s: float = 3.0
    timeout_s: float = 10.0
    noun: str = "look"
    asks: bool = True


@dataclass(frozen=True, slots=True)
class Streak:
    """Looks in a row on one side of a level. ``count`` stops rising once it can decide nothing more."""

    count: int = 0
    began: datetime | None = None


Streaks = tuple[Streak, Streak, Streak]
NO_STREAK = Streak()
IDLE: Streaks = (NO_STREAK, NO_STREAK, NO_STREAK)


@dataclass(frozen=True, slots=True)
class Track:
    """What is remembered between looks.

    ``severity`` is the confirmed level, None when up. ``since`` is when the health began.
    ``failing[i]`` counts looks that reached ``LEVELS[i]``, ``recovering[i]`` looks below it.
    ``firm`` is the part of the level that looks in a row confirmed; what is above it stands on
    settled findings, for as long as every look has them.
    """

    health: Health = Health.NEW
    overlay: Overlay = Overlay.NONE
    severity: Severity | None = None
    since: datetime | None = None
    failing: Streaks = IDLE
    recovering: Streaks = IDLE
    hidden: Streaks = IDLE  # since when looks have failed that a window hides: counted nowhere
    firm: Severity | None = None
    flips: tuple[datetime, ...] = ()
    covered: datetime | None = None  # when the overlay began
    behind: tuple[int, ...] = ()  # parents that were down when this fell: their trouble is what is told

    @property
    def shown_since(self) -> datetime | None:
        """Since when people see what they see."""
        return self.covered if self.overlay is not Overlay.NONE and self.covered else self.since

    @property
    def shown(self) -> str:
        """What people see: the overlay if there is one, else the health."""
        return self.overlay.value or self.health.value

    @property
    def settled(self) -> bool:
        """Does the level stand on findings that need no confirmation?"""
        return (self.severity or 0) > (self.firm or 0)

    def flapping(self, now: datetime, count: int = FLAP_COUNT) -> bool:
        """``count`` changes of health within 30 minutes."""
        return len(recent_flips(self.flips, now)) >= count

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON column."""
        return {
            "health": self.health.value,
            "overlay": self.overlay.value,
            "severity": None if self.severity is None else int(self.severity),
            "since": _text(self.since),
            "failing": [[s.count, _text(s.began)] for s in self.failing],
            "recovering": [[s.count, _text(s.began)] for s in self.recovering],
            **({"hidden": [[s.count, _text(s.began)] for s in self.hidden]} if self.hidden != IDLE else {}),
            "firm": None if self.firm is None else int(self.firm),
            "flips": [at.isoformat() for at in self.flips],
            "covered": _text(self.covered),
            **({"behind": list(self.behind)} if self.behind else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Track:
        """The inverse of ``to_json``; keys that are missing take their defaults."""
        severity, firm = data.get("severity"), data.get("firm")
        return cls(
            health=Health(data.get("health", "new")),
            overlay=Overlay(data.get("overlay", "")),
            severity=None if severity is None else Severity(severity),
            since=_time(data.get("since")),
            failing=_streaks(data.get("failing")),
            recovering=_streaks(data.get("recovering")),
            hidden=_streaks(data.get("hidden")),
            firm=None if firm is None else Severity(firm),
            flips=tuple(datetime.fromisoformat(at) for at in data.get("flips", ())),
            covered=_time(data.get("covered")),
            behind=tuple(int(parent) for parent in data.get("behind", ())),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """One judged look. ``severity`` is its worst finding above info, ``settled`` the worst settled one."""

    at: datetime
    severity: Severity | None
    settled: Severity | None = None
    conclusive: bool = True
    sentence: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Positive evidence that a failure may be ours."""

    kind: OwnFault
    sentence: str


@dataclass(frozen=True, slots=True)
class Transition:
    """A change worth a row: of what is shown, or a rise within down (``before == after``).

    ``began`` is the first look that showed it; for a change of overlay alone it is ``at``.
    """

    before: str
    after: str
    health: Health
    severity: Severity | None
    at: datetime
    began: datetime
    reason: str
    rise: bool


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Look again after ``after_s`` seconds, within ``deadline_s``; resolver 0 is the first, 1 the other."""

    after_s: float
    deadline_s: float
    resolver: int


@dataclass(frozen=True, slots=True)
class Step:
    """What one look, or one change of overlay, came to."""

    track: Track
    transition: Transition | None
    reason: str
    look_again: LookAgain | None


def recent_flips(flips: tuple[datetime, ...], now: datetime) -> tuple[datetime, ...]:
    return tuple(at for at in flips if now - at <= FLAP_WINDOW)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _streaks(rows: Sequence[Sequence[Any]] | None) -> Streaks:
    if not rows or not any(row[0] for row in rows):
        return IDLE  # the very object: step's fast path compares by identity
    a, b, c = (Streak(int(row[0]), _time(row[1])) if row[0] else NO_STREAK for row in rows)
    return (a, b, c)
