"""The last day of many monitors as small bars, read with three queries however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from watchpost.core import uptime
from watchpost.core.uptime import Piece, Span
from watchpost.monitors.models import Monitor, Transition
from watchpost.web import words
from watchpost.web.history import gaps

DAY = timedelta(days=1)
WIDTH = 240.0
KINDS = {"up": "", "degraded": "w", "down": "d", "unknown": "u", "maintenance": "m", "paused": "m"}


def last_day(monitors: Sequence[Monitor], now: datetime) -> dict[int, dict[str, Any]]:
    """By monitor: the share of time up (none when nothing was judged) and the bars to draw."""
    start, down_ourselves = now - DAY, gaps(now - DAY, now)
    changes: dict[int, list[tuple[datetime, str, str]]] = defaultdict(list)
    rows = Transition.objects.filter(monitor__in=monitors, at__gte=start, at__lt=now).order_by("at", "id")
    for pk, began, before, after in rows.values_list("monitor_id", "began", "before", "after"):
        changes[pk].append((began, before, after))
    return {
        one.pk: _strip(
            _pieces(_shown(one), one.created_at, changes[one.pk], start, now, down_ourselves), start
        )
        for one in monitors
    }


def last_day_of_parts(monitor: Monitor, shown: Mapping[str, str], now: datetime) -> dict[str, dict[str, Any]]:
    """The same for the parts of one monitor, by the key of their track; ``shown`` is how each is now."""
    start, down_ourselves = now - DAY, gaps(now - DAY, now)
    changes: dict[str, list[tuple[datetime, str, str]]] = defaultdict(list)
    rows = Transition.of_parts.filter(monitor=monitor, at__gte=start, at__lt=now).order_by("at", "id")
    for key, began, before, after in rows.values_list("track", "began", "before", "after"):
        changes[key].append((began, before, after))
    begin = monitor.created_at
    return {
        key: _strip(_pieces(state, begin, changes[key], start, now, down_ourselves), start)
        for key, state in shown.items()
    }


def _shown(monitor: Monitor) -> str:
    state = getattr(monitor, "state", None)
    return state.shown if state else "new"


def _pieces(
    shown: str,
    created_at: datetime,
    changes: list[tuple[datetime, str, str]],
    start: datetime,
    now: datetime,
    down_ourselves: Sequence[uptime.Gap],
) -> list[Piece]:
    opening = changes[0][1] if changes else shown
    spans = [Span(start, opening), *(Span(max(began, start), after) for began, _, after in changes)]
    found = uptime.pieces(spans, max(start, created_at), now, down_ourselves)
    return [piece for piece in found if piece.shown in KINDS]


def _strip(pieces: Sequence[Piece], start: datetime) -> dict[str, Any]:
    seconds: dict[str, float] = defaultdict(float)
    for piece in pieces:
        seconds[piece.shown] += piece.seconds
    share = uptime.availability(seconds)
    bad = [f"{state} {words.span(seconds[state])}" for state in list(KINDS)[1:] if seconds[state] >= 1]
    said = f"{words.percent(share)} up" if share is not None else "not judged"
    return {"share": share, "says": ", ".join([said, *bad]), "bars": [_bar(piece, start) for piece in pieces]}


def _bar(piece: Piece, start: datetime) -> dict[str, str]:
    """At least two wide: a short outage must not vanish."""
    hollow = piece.shown == "unknown"
    x = (piece.start - start) / DAY * WIDTH
    width = max((piece.end - piece.start) / DAY * WIDTH, 2.0)
    inset = 0.7 if hollow else 0.0
    return {
        "kind": KINDS[piece.shown],
        "x": f"{min(x, WIDTH - 2) + inset:.2f}",
        "y": f"{inset:.1f}",
        "w": f"{max(width - 2 * inset, 0.6):.2f}",
        "h": f"{12 - 2 * inset:.1f}",
    }
