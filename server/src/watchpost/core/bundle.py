"""What goes together into one message to people, and when. Pure.

A webhook gets every row by itself. A person gets the news of one incident as one message, and in a
storm the news of all incidents together: the first few at once, the rest every ten seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

STORM = 3  # so many messages within STORM_SPAN make a storm
STORM_SPAN = timedelta(seconds=60)
STORM_PAUSE = timedelta(seconds=10)
JOIN_WAIT_S = 30.0  # others that fail with it are told together


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of the outbox that is not delivered yet. ``due`` None is now."""

    id: int
    incident: int | None
    event: str
    due: datetime | None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """Rows of one incident that one message tells, oldest first. ``event`` is what it says it is."""

    rows: tuple[int, ...]
    event: str
    due: datetime | None

    def is_due(self, now: datetime) -> bool:
        return self.due is None or self.due <= now


def parcels(rows: Iterable[Waiting], together: bool) -> tuple[Parcel, ...]:
    """The next parcel of every incident, in the order of the oldest rows.

    Of one incident only the oldest can go: a resolve never overtakes its trigger. ``together`` puts
    what follows into the same parcel, but for the end of a story whose beginning is still untold.
    """
    lines: dict[int, list[Waiting]] = {}
    for row in rows:
        lines.setdefault(-row.id if row.incident is None else row.incident, []).append(row)
    return tuple(_parcel(_run(line) if together else line[:1]) for line in lines.values())


def _run(line: Sequence[Waiting]) -> Sequence[Waiting]:
    if line[0].event != "opened":
        return line
    end = next((i for i, row in enumerate(line) if row.event == "resolved"), len(line))
    return line[:end]


def _parcel(run: Sequence[Waiting]) -> Parcel:
    """A row that was tried before waits out its pause, whatever has come after it."""
    first = run[0]
    dues = [row.due for row in run if row.due is not None]
    soonest = min(dues) if len(dues) == len(run) else None
    return Parcel(tuple(row.id for row in run), _event(run), first.due if first.attempts else soonest)


def _event(run: Sequence[Waiting]) -> str:
    """The most telling: the beginning if it is untold, else the end, else the last that is no update."""
    events = [row.event for row in run]
    if events[0] == "opened":
        return "opened"
    return next((event for event in reversed(events) if event != "updated"), "updated")


def is_storm(sent: Sequence[datetime], now: datetime) -> bool:
    """Whether a channel for people has had its fill; ``sent`` are its last messages, oldest first."""
    return len([at for at in sent if now - at < STORM_SPAN]) >= STORM


def pause_s(sent: Sequence[datetime], now: datetime) -> float:
    """How long it holds its next message back."""
    if not is_storm(sent, now):
        return 0.0
    return max((sent[-1] + STORM_PAUSE - now).total_seconds(), 0.0)
