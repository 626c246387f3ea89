"""How long a monitor was in which state. Pure; aware UTC datetimes, durations in seconds.

Changes are given in the order they were recorded, each with the time it took effect. One recorded
later may take effect earlier (an outage is back-dated to its first failing look): it then replaces
what earlier changes said about that time, but never planned time (paused, maintenance).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter

STATES = ("up", "degraded", "down", "unknown", "maintenance", "paused", "new")
PLANNED = frozenset({"paused", "maintenance"})

Gap = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Span:
    """From ``at`` on (until the next change) this state was shown."""

    at: datetime
    shown: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one state, ``start`` <= t < ``end``."""

    start: datetime
    end: datetime
    shown: str

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class Day:
    """A UTC day and the seconds of each state in it."""

    day: date
    seconds: Mapping[str, float]


def seconds(
    changes: Sequence[Span], window_from: datetime, window_to: datetime, gaps: Sequence[Gap] = ()
) -> dict[str, float]:
    """Seconds per state inside the window; every state is a key.

    ``gaps`` are the times in which we ourselves did not run: unknown, except over planned time.
    Time before the first change counts nowhere, so pass the last change before the window too.
    """
    return _sum(pieces(changes, window_from, window_to, gaps))


def availability(seconds: Mapping[str, float]) -> float | None:
    """Share (0..1) of the judged time that was up or degraded; None when no time was judged."""
    good = seconds.get("up", 0.0) + seconds.get("degraded", 0.0)
    judged = good + seconds.get("down", 0.0)
    return good / judged if judged > 0 else None


def days(
    changes: Sequence[Span],
    gaps: Sequence[Gap],
    first_day: date,
    n: int,
    until: datetime | None = None,
) -> list[Day]:
    """``n`` UTC days from ``first_day`` on. ``until`` (now) ends the last one: the future has no state."""
    start = datetime.combine(first_day, time(), UTC)
    sums = [dict.fromkeys(STATES, 0.0) for _ in range(n)]
    end = start + timedelta(days=n)
    for piece in pieces(changes, start, min(end, until) if until else end, gaps):
        cursor = piece.start
        while cursor < piece.end:
            index = (cursor - start).days
            stop = min(piece.end, start + timedelta(days=index + 1))
            sums[index][piece.shown] += (stop - cursor).total_seconds()
            cursor = stop
    return [Day(first_day + timedelta(days=i), each) for i, each in enumerate(sums)]


def longest_outage(
    changes: Sequence[Span], window_from: datetime, window_to: datetime, gaps: Sequence[Gap] = ()
) -> Piece | None:
    """The longest stretch of down inside the window, the earlier of two equals; None without one."""
    down = [p for p in pieces(changes, window_from, window_to, gaps) if p.shown == "down"]
    return max(down, key=attrgetter("seconds"), default=None)


def pieces(
    changes: Sequence[Span], window_from: datetime, window_to: datetime, gaps: Sequence[Gap] = ()
) -> Iterator[Piece]:
    """The window as stretches in order, neighbours of one state joined."""
    held: Piece | None = None
    for piece in _cut(timeline(changes), window_from, window_to, _merged(gaps)):
        if held is not None and held.shown == piece.shown and held.end == piece.start:
            held = Piece(held.start, piece.end, held.shown)
            continue
        if held is not None:
            yield held
        held = piece
    if held is not None:
        yield held


def timeline(changes: Sequence[Span]) -> list[Span]:
    """What was shown when, in order of time, with back-dated changes applied."""
    line: list[Span] = []
    for change in changes:
        last = line[-1] if line else None
        ends_plan = last is not None and last.shown in PLANNED and change.at == last.at
        if last is None or change.at > last.at or change.shown in PLANNED or ends_plan:
            while line and line[-1].at >= change.at:
                line.pop()
            line.append(change)
        else:
            _back_date(line, change)
    return line


def _back_date(line: list[Span], change: Span) -> None:
    """Replace everything from ``change.at`` on but planned stretches."""
    first = len(line)
    while first and line[first - 1].at >= change.at:
        first -= 1
    later = line[first:]
    del line[first:]
    free = not line or line[-1].shown not in PLANNED
    if free and later[0].at > change.at:
        line.append(change)
    for span in later:
        if span.shown in PLANNED:
            line.append(span)
        elif not line or line[-1].shown in PLANNED or line[-1].at < change.at:
            line.append(Span(max(span.at, change.at), change.shown))


def _cut(line: Sequence[Span], start: datetime, end: datetime, gaps: Sequence[Gap]) -> Iterator[Piece]:
    for index, span in enumerate(line):
        until = line[index + 1].at if index + 1 < len(line) else end
        begin, stop = max(span.at, start), min(until, end)
        if begin >= stop:
            continue
        if span.shown in PLANNED:
            yield Piece(begin, stop, span.shown)
        else:
            yield from _around(begin, stop, span.shown, gaps)


def _around(begin: datetime, stop: datetime, shown: str, gaps: Sequence[Gap]) -> Iterator[Piece]:
    for gap_start, gap_end in gaps:
        if gap_end <= begin:
            continue
        if gap_start >= stop:
            break
        if gap_start > begin:
            yield Piece(begin, gap_start, shown)
        yield Piece(max(begin, gap_start), min(stop, gap_end), "unknown")
        begin = min(stop, gap_end)
    if begin < stop:
        yield Piece(begin, stop, shown)


def _merged(gaps: Sequence[Gap]) -> list[Gap]:
    out: list[Gap] = []
    for start, end in sorted(gaps):
        if start >= end:
            continue
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def _sum(parts: Iterator[Piece]) -> dict[str, float]:
    sums = dict.fromkeys(STATES, 0.0)
    for piece in parts:
        sums[piece.shown] += piece.seconds
    return sums
