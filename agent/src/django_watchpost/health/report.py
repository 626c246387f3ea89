"""What the readings come to, and how that is written: JSON, ``application/health+json``, plain text.

``"status": "ok"`` stands in the JSON once, when all is well and not otherwise, so that a content check can
look for just that; the status of each check is therefore called ``state``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django_watchpost.health.contract import Status, degraded
from django_watchpost.health.runner import Reading

JSON, HEALTH_JSON, TEXT = "application/json", "application/health+json", "text/plain"
FORMAT = "watchpost-health/1"
_PASS = {Status.OK: "pass", Status.DEGRADED: "warn", Status.ERROR: "fail", Status.UNKNOWN: "warn"}


@dataclass(frozen=True, slots=True)
class Report:
    """A group summed up. ``more``: what is told of the process to whoever may know."""

    status: Status
    readings: Sequence[Reading]
    more: Mapping[str, Any]


def sum_up(readings: Iterable[Reading]) -> Status:
    """Error when a critical check is broken, degraded when anything else is amiss. What has not answered yet
    decides nothing: a process that has just begun is no trouble."""
    worst = Status.OK
    for one in readings:
        status = one.result.status
        if status is Status.ERROR and one.check.critical:
            return Status.ERROR
        if status in (Status.ERROR, Status.DEGRADED):
            worst = Status.DEGRADED
    return worst


def fresh(readings: Iterable[Reading], now: float) -> list[Reading]:
    """The readings at ``now`` (monotonic); what is too old to be believed says so."""
    return [
        one if one.at is None or now <= one.good_until else replace(one, result=_stale(now - one.finished))
        for one in readings
    ]


def _stale(age_s: float) -> Any:
    return degraded(
        f"There has been no result for {age_s:.0f} s: the thread that runs the checks gets no time.",
        code="health.stale",
        fix="Look for what holds the process; uWSGI needs --enable-threads.",
    )


def write(report: Report, kind: str, is_told_all: bool, now: float) -> bytes:
    """The body. ``now``: monotonic, for the ages."""
    if kind == TEXT:
        return _text(report, is_told_all).encode()
    if kind == HEALTH_JSON:
        return json.dumps(_health_json(report, is_told_all), ensure_ascii=False).encode()
    checks = {one.check.id: _entry(one, is_told_all, now) for one in report.readings}
    body: dict[str, Any] = {"status": report.status.value, "checks": checks}
    if is_told_all:
        body = {"status": report.status.value, "format": FORMAT, **report.more, "checks": checks}
    return json.dumps(body, ensure_ascii=False).encode()


def _entry(one: Reading, is_told_all: bool, now: float) -> dict[str, Any]:
    result, check = one.result, one.check
    entry: dict[str, Any] = {"state": result.status.value}
    if not is_told_all:
        return entry
    entry |= {"critical": check.critical, "tags": list(check.tags), "interval_s": check.interval}
    said = {
        "message": result.message,
        "code": result.code,
        "fix": result.fix,
        "unit": result.unit,
        "details": result.details,
    }
    entry |= {key: value for key, value in said.items() if value}
    if result.observed is not None:
        entry["observed"] = result.observed
    if one.at is not None:
        entry |= {
            "at": _moment(one.at),
            "since": _moment(one.since or one.at),
            "age_s": round(max(0.0, now - one.finished), 1),
            "took_ms": one.took_ms,
        }
    return entry


def _health_json(report: Report, is_told_all: bool) -> dict[str, Any]:
    """draft-inadarei-api-health-check-06."""
    checks = {}
    for one in report.readings:
        result = one.result
        entry: dict[str, Any] = {"componentId": one.check.id, "status": _PASS[result.status]}
        if is_told_all:
            if result.observed is not None:
                entry |= {"observedValue": result.observed, "observedUnit": result.unit}
            if one.at is not None:
                entry["time"] = _moment(one.at)
            if result.message and result.status is not Status.OK:
                entry["output"] = result.message
        checks[one.check.id] = [entry]
    return {"status": _PASS[report.status], "checks": checks}


def _text(report: Report, is_told_all: bool) -> str:
    lines = [report.status.value]
    for one in report.readings:
        said = f" {one.result.message}" if is_told_all and one.result.message else ""
        lines.append(f"{one.check.id}: {one.result.status.value}{said}")
    return "\n".join(lines) + "\n"


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
