"""Reads what django-watchpost answers, with details and without (``watchpost-health/1``). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchpost.kinds.health import report as clean
from watchpost.kinds.health.report import DEGRADED, ERROR, OK, UNKNOWN, Inner, Report

FORMAT = "watchpost-health/"
_STATES = frozenset({OK, DEGRADED, ERROR, UNKNOWN})
STATES_SAID = f"{OK}, {DEGRADED}, {ERROR} or {UNKNOWN}"


def fits(body: Any) -> bool:
    """Whether it is ours: the mark of the format, or the shape that strangers get."""
    if not isinstance(body, dict) or not is_state(body.get("status")):
        return False
    if is_marked(body):
        return True
    checks = body.get("checks")
    return isinstance(checks, dict) and all(
        isinstance(one, dict) and is_state(one.get("state")) for one in checks.values()
    )


def read(body: Mapping[str, Any]) -> Report:
    """Entries that are no checks are left out; ``claims`` has told of them."""
    entries = body.get("checks")
    entries = entries if isinstance(entries, dict) else {}
    checks = tuple(
        _check(clean.name(key), one)
        for key, one in entries.items()
        if isinstance(one, dict) and is_state(one.get("state"))
    )
    problems = body.get("problems")
    problems = problems if isinstance(problems, list) else []
    return Report(
        "watchpost",
        str(body["status"]),
        checks,
        told=is_marked(body),
        agent=clean.words(body.get("agent"), 40),
        process=_process(body.get("process")),
        process_age_s=_age_s(body.get("process")),
        problems=tuple(filter(None, (clean.words(one, 300) for one in problems[:5]))),
    )


def is_marked(body: Mapping[str, Any]) -> bool:
    return str(body.get("format", "")).startswith(FORMAT)


def is_state(value: Any) -> bool:
    return isinstance(value, str) and value in _STATES


def _check(name: str, one: Mapping[str, Any]) -> Inner:
    critical = one.get("critical")
    return Inner(
        name,
        str(one["state"]),
        critical if isinstance(critical, bool) else None,
        clean.words(one.get("message")),
        clean.code(one.get("code")),
        clean.words(one.get("fix")),
        clean.number(one.get("observed")),
        clean.words(one.get("unit"), 20),
        clean.moment(one.get("since")),
        clean.seconds(one.get("age_s")),
        clean.seconds(one.get("interval_s")),
    )


def _process(value: Any) -> str:
    """``web-1, process 4711``: which of several answered."""
    if not isinstance(value, dict):
        return ""
    host, pid = clean.words(value.get("host"), 80), value.get("pid")
    return ", ".join(filter(None, (host, f"process {pid}" if isinstance(pid, int) else "")))[:120]


def _age_s(value: Any) -> float | None:
    return clean.seconds(value.get("age_s")) if isinstance(value, dict) else None
