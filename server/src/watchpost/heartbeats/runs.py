"""The runs of a heartbeat, made of the pings that are kept: a start and its end are one run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models.functions import Length

from watchpost.core.heartbeat import Sign
from watchpost.heartbeats.models import Flip, Ping
from watchpost.heartbeats.rows import EPOCH, time_of

MOST_FLIPS = 200
Bar = tuple[str, float | None]  # sign, and how long it took


@dataclass(frozen=True, slots=True)
class Run:
    """``n`` is the ping that tells of it: its end, or its start when there is none. ``began`` is known of a
    run that said so. ``size``: bytes that are kept of what it printed."""

    n: int
    began: datetime | None
    ended: datetime | None
    sign: str
    took_s: float | None
    exit_code: int | None
    method: str
    scheme: str
    agent: str
    address: str
    run: str
    size: int


@dataclass(frozen=True, slots=True)
class Miss:
    """Silence that was judged. ``until`` is when a sign came again; ``is_overrun``: a run had begun, and
    did not end."""

    at: datetime
    until: datetime | None
    is_overrun: bool = False


def runs_of(monitor_id: int) -> list[Run]:
    """Of all pings that are kept, at most two hundred; the newest first."""
    rows = Ping.objects.filter(monitor_id=monitor_id).defer("body").annotate(size=Length("body"))
    found: list[Run] = []
    open_at: dict[str, int] = {}  # run id -> place of its start in ``found``
    gone: set[int] = set()
    for ping in rows.order_by("n"):
        if ping.sign in (Sign.SUCCESS, Sign.FAIL) and ping.took_s is not None and ping.run in open_at:
            gone.add(open_at.pop(ping.run))
        if ping.sign == Sign.START:
            if ping.run and ping.run in open_at:  # announced, or tried again
                gone.add(open_at[ping.run])
            open_at[ping.run] = len(found)
        found.append(_run(ping))
    return [run for place, run in enumerate(found) if place not in gone][::-1]


def run_of(ping: Ping) -> Run:
    """Of one ping with its body."""
    ping.size = len(ping.body or b"")  # type: ignore[attr-defined]
    return _run(ping)


def _run(ping: Ping) -> Run:
    at = time_of(ping.at) or EPOCH
    began = at if ping.sign == Sign.START else None
    if ping.took_s is not None:
        began = at - timedelta(seconds=ping.took_s)
    return Run(
        ping.n,
        began,
        None if ping.sign == Sign.START else at,
        ping.sign,
        ping.took_s,
        ping.exit_code,
        ping.method,
        ping.scheme,
        ping.agent,
        ping.address,
        ping.run,
        ping.size or 0,  # type: ignore[attr-defined]
    )


def last_bars(monitor_ids: Sequence[int], count: int) -> dict[int, list[Bar]]:
    """The ends among the newest pings of many, oldest first, with one query. ``count`` pings each: a job that
    says when it begins has half as many runs in them."""
    found: dict[int, list[Bar]] = defaultdict(list)
    if not monitor_ids:
        return found
    marks = ", ".join(["%s"] * len(monitor_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.monitor_id, p.sign, p.took_s FROM heartbeats_heartbeat h "  # noqa: S608  # marks only
            "JOIN heartbeats_ping p ON p.monitor_id = h.monitor_id AND p.n > h.pings - %s "
            f"WHERE h.monitor_id IN ({marks}) ORDER BY p.monitor_id, p.n",
            [count, *monitor_ids],
        )
        for monitor_id, sign, took_s in cursor.fetchall():
            if sign in (Sign.SUCCESS, Sign.FAIL):
                found[monitor_id].append((sign, took_s))
    return found


def misses_of(monitor_id: int, most: int) -> list[Miss]:
    """The newest first, among the last changes of state."""
    found: list[Miss] = []
    until: datetime | None = None
    rows = Flip.objects.filter(monitor_id=monitor_id).order_by("-at", "-id")
    for at, after, why, facts in rows.values_list("at", "after", "why", "facts")[:MOST_FLIPS]:
        if after == "down" and why == "timeout":
            found.append(Miss(time_of(at) or EPOCH, until, bool(facts.get("last_start"))))
        until = time_of(at)
    return found[:most]
