"""One look without an engine: what ``watchpost add`` shows when nothing runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from watchpost.core.types import NO_PAST, Observation, Verdict
from watchpost.engine.load import load_one
from watchpost.engine.memory import Watched
from watchpost.engine.run import build_outbound
from watchpost.monitors.models import Monitor
from watchpost.registry import Look


@dataclass(frozen=True, slots=True)
class Once:
    """What was seen and what it means. Nothing is stored."""

    observation: Observation
    verdict: Verdict


def look_once(monitor: Monitor, now: datetime) -> Once:
    """Look with the same probe and judge as the engine would."""
    watched = load_one(monitor)
    if watched.config is None or watched.kind.probe is None:
        raise ValueError(watched.problem or f"kind {monitor.kind} is not looked at")
    seen = asyncio.run(_look(watched, now))
    return Once(seen, watched.kind.judge(watched.config, seen, watched.baseline, NO_PAST, now))


async def _look(watched: Watched, now: datetime) -> Observation:

    outbound = build_outbound()
    try:
        look = Look(watched.id, watched.revision, watched.config, watched.timeout_s)
        assert watched.kind.probe is not None  # noqa: S101
        return await watched.kind.probe(look, outbound, now)
    finally:
        await outbound.close()
