"""The mass-failure valve: many targets that begin to fail at once are held while we test ourselves.

Pure; aware UTC datetimes, durations in seconds. A target is a (host, port). Only targets that
*began* to fail inside the sliding window count, so hosts that are down for hours never open it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

Target = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Valve:
    """Opens when ``least`` targets on ``hosts`` hosts, and ``share`` of all, fail within ``window_s``.

    It then holds verdicts for ``hold_s`` seconds.
    """

    share: float = 0.1
    least: int = 5
    hosts: int = 3
    window_s: float = 60.0
    hold_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Failures:
    """Which targets fail now, and since when."""

    valve: Valve = Valve()
    since: Mapping[Target, datetime] = field(default_factory=dict)


def observe(state: Failures, target: Target, failed: bool, now: datetime) -> Failures:
    """Note how a look ended. Returns the same object when nothing changes, which is nearly always."""
    if failed == (target in state.since):
        return state
    since = dict(state.since)
    if failed:
        since[target] = now
    else:
        del since[target]
    return replace(state, since=since)


def opened_at(state: Failures, total_targets: int, now: datetime) -> datetime | None:
    """When the failures of the window became a mass failure, or None."""
    valve = state.valve
    if len(state.since) < valve.least:
        return None
    start = now - timedelta(seconds=valve.window_s)
    recent = sorted((at, target) for target, at in state.since.items() if at > start)
    need = max(valve.least, valve.share * total_targets)
    hosts: set[str] = set()
    for count, (at, (host, _)) in enumerate(recent, start=1):
        hosts.add(host)
        if count >= need and len(hosts) >= valve.hosts:
            return at
    return None


def held_until(state: Failures, total_targets: int, now: datetime) -> datetime | None:
    """Until when verdicts are held, also if that is past; None without a mass failure."""
    opened = opened_at(state, total_targets, now)
    return None if opened is None else opened + timedelta(seconds=state.valve.hold_s)


def is_open(state: Failures, total_targets: int, now: datetime) -> bool:
    """Are failing verdicts held now? True for ``hold_s`` seconds from the opening."""
    until = held_until(state, total_targets, now)
    return until is not None and now < until
