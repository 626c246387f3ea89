"""The JSON of Healthchecks' API v1, v2 and v3 (its ``hc/api/models.py``). Pure; aware UTC datetimes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from watchpost.core.heartbeat import (
    LONGEST_TIMED,
    Beat,
    Rules,
    Sign,
    Span,
    Status,
    absence_s,
    due_at,
    is_running,
    shown,
)
from watchpost.kinds.heartbeat.config import HeartbeatConfig


@dataclass(frozen=True, slots=True)
class Check:
    """A monitor of the kind heartbeat as Healthchecks sees one. ``name`` and ``slug`` may be empty."""

    code: UUID
    badge_key: UUID
    name: str
    slug: str
    tags: tuple[str, ...]
    config: HeartbeatConfig
    beat: Beat
    away_s: float = 0.0  # so much of its grace this server was away

    @property
    def unique_key(self) -> str:
        """What a read-only key sees in the place of the code: it cannot be pinged with that."""
        return key_of(self.code)

    @property
    def label(self) -> str:
        return self.name or str(self.code)

    def status(self, now: datetime) -> str:
        """new, up, grace, down or paused."""
        found = shown(self.config.rules, self.beat, now, self.away_s)
        return "down" if _has_overrun(self, now) else found

    def with_absence(self, gaps: Sequence[Span]) -> Check:
        """``gaps``: when this server was away; what would have been a miss then is none yet."""
        return replace(self, away_s=absence_s(self.config.rules, self.beat, gaps))


def key_of(code: UUID) -> str:
    return hashlib.sha1(code.hex[:16].encode(), usedforsecurity=False).hexdigest()


def _has_overrun(check: Check, now: datetime) -> bool:
    """Whatever else is known: a run that should have ended is down."""
    start, rules = check.beat.last_start, check.config.rules
    longest_s = rules.grace_s if rules.longest_s is None else rules.longest_s
    return start is not None and now >= start + timedelta(seconds=longest_s + check.away_s)


def check_object(
    check: Check, now: datetime, version: int, site: str, channels: str, read_only: bool = False
) -> dict[str, Any]:
    """One check. ``site`` is the address of this server without a slash, ``channels`` ids between commas."""
    config, beat = check.config, check.beat
    status = check.status(now)
    if version == 1 and is_running(beat) and not _has_overrun(check, now):
        status = "started"
    told: dict[str, Any] = {
        "name": check.name,
        "slug": check.slug,
        "tags": " ".join(check.tags),
        "desc": config.description,
        "grace": int(config.grace),
        "n_pings": beat.pings,
        "status": status,
        "started": is_running(beat),
        "last_ping": moment(beat.last_ping),
        "next_ping": moment(_expected(config.rules, beat)),
        "manual_resume": config.manual_resume,
        "methods": config.methods,
        "subject": config.success_words if config.read_subject else "",
        "subject_fail": config.failure_words if config.read_subject else "",
        "start_kw": config.start_words,
        "success_kw": config.success_words,
        "failure_kw": config.failure_words,
        "filter_subject": config.read_subject,
        "filter_body": config.read_mail,
        "filter_http_body": config.read_body,
        "filter_default_fail": config.fail_unmatched,
        "badge_url": f"{site}/b/2/{check.badge_key}.svg",
    }
    if beat.last_s:
        told["last_duration"] = int(beat.last_s)
    told |= {"unique_key": check.unique_key} if read_only else _addresses(check, version, site, channels)
    if config.schedule:
        return told | {"schedule": config.schedule, "tz": config.timezone}
    return told | {"timeout": int(config.period)}


def _addresses(check: Check, version: int, site: str, channels: str) -> dict[str, str]:
    update = f"{site}/api/v{version}/checks/{check.code}"
    return {
        "uuid": str(check.code),
        "ping_url": f"{site}/ping/{check.code}",
        "update_url": update,
        "pause_url": f"{update}/pause",
        "resume_url": f"{update}/resume",
        "channels": channels,
    }


def _expected(rules: Rules, beat: Beat) -> datetime | None:
    """While a run goes on it is the run's beginning."""
    start = None if beat.status is Status.DOWN else beat.last_start
    return min((at for at in (due_at(rules, beat), start) if at is not None), default=None)


def moment(at: datetime | None) -> str | None:
    """ISO 8601 without fractions of a second."""
    return None if at is None else at.replace(microsecond=0).isoformat()


@dataclass(frozen=True, slots=True)
class Logged:
    """A ping as it stands in the log."""

    n: int
    at: datetime
    sign: str
    scheme: str
    address: str
    method: str
    agent: str
    run: str
    has_body: bool


def durations(pings: Sequence[Logged]) -> Mapping[int, float]:
    """How long a run took, in seconds by the number of the ping that ended it. ``pings`` newest first.

    Runs overlap: each run id has a beginning of its own, and so have the pings without one together.
    """
    began: dict[str, datetime | None] = {}
    took: dict[int, float] = {}
    for ping in reversed(pings):
        if ping.sign == Sign.START:
            began[ping.run] = ping.at
        elif ping.sign in (Sign.SUCCESS, Sign.FAIL):
            start = began.get(ping.run)
            if start is not None and ping.at - start < LONGEST_TIMED:
                took[ping.n] = round((ping.at - start).total_seconds(), 2)
            began[ping.run] = None
    return took


def ping_object(ping: Logged, took_s: float | None, code: UUID, version: int, site: str) -> dict[str, Any]:
    body = f"{site}/api/v{version}/checks/{code}/pings/{ping.n}/body" if ping.has_body else None
    told = {
        "type": ping.sign,
        "date": ping.at.isoformat(),
        "n": ping.n,
        "scheme": ping.scheme,
        "remote_addr": ping.address or None,
        "method": ping.method,
        "ua": ping.agent,
        "rid": ping.run or None,
        "body_url": body,
    }
    return told if took_s is None else told | {"duration": took_s}


def flip_object(at: datetime, after: str) -> dict[str, Any]:
    return {"timestamp": moment(at), "up": 1 if after == "up" else 0}
