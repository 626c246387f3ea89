"""A beat as facts of an observation, and back. Times are ISO 8601 in UTC. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from watchpost.core.heartbeat import Beat, Status

_TIMES = ("last_ping", "last_start")


def facts_of(beat: Beat, sign: str = "", exit_code: int | None = None, said: str = "") -> dict[str, Any]:
    """``sign``, ``exit_code`` and ``said`` (the end of its body) belong to the last ping that counted."""
    facts: dict[str, Any] = {
        "status": beat.status.value,
        "pings": beat.pings,
        "last_ping": beat.last_ping.isoformat() if beat.last_ping else None,
        "last_start": beat.last_start.isoformat() if beat.last_start else None,
        "last_run": beat.last_run,
        "last_s": beat.last_s,
        "trouble": beat.trouble,
        "sign": sign,
        "said": said,
    }
    return facts if exit_code is None else facts | {"exit_code": exit_code}


def beat_of(facts: Mapping[str, Any]) -> Beat:
    """Facts of an older version, or none, are a heartbeat that nobody has seen."""
    times = {name: datetime.fromisoformat(facts[name]) for name in _TIMES if facts.get(name)}
    return Beat(
        Status(facts.get("status", "new")),
        facts.get("pings", 0),
        last_run=facts.get("last_run", ""),
        last_s=facts.get("last_s"),
        trouble=facts.get("trouble", ""),
        **times,
    )
