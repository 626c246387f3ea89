"""Reads ``application/health+json`` (draft-inadarei-api-health-check-06), Spring Boot's Actuator and what
people write by hand: ``{"status": "ok"}``. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from watchpost.kinds.health import report as clean
from watchpost.kinds.health.guess import guess
from watchpost.kinds.health.report import DEGRADED, ERROR, OK, UNKNOWN, Inner, Report

PASS = {"pass": OK, "ok": OK, "up": OK, "warn": DEGRADED, "fail": ERROR, "error": ERROR, "down": ERROR}
SPRING = {"UP": OK, "DOWN": ERROR, "OUT_OF_SERVICE": ERROR, "UNKNOWN": UNKNOWN}
_GOOD = ("ok", "up", "pass", "passing", "healthy", "working", "alive", "pong", "success", "good")
_BAD = ("error", "down", "fail", "failed", "failing", "unhealthy", "critical", "dead")
WORDS = {
    **dict.fromkeys(_GOOD, OK),
    **dict.fromkeys(("degraded", "warn", "warning"), DEGRADED),
    **dict.fromkeys(_BAD, ERROR),
}
_MOST_DEEP = 4


# ---- application/health+json --------------------------------------------------------------------


def is_health_json(body: Any, content_type: str) -> bool:
    if not isinstance(body, dict) or str(body.get("status", "")).lower() not in PASS:
        return False
    return content_type == "application/health+json" or body["status"] in ("pass", "warn", "fail")


def read_health_json(body: Mapping[str, Any]) -> Report:
    """Each entry of each list is a check: ``cassandra:responseTime``, with the componentId where a name has
    several entries."""
    listed = body.get("checks", body.get("details"))
    checks = tuple(_entries(listed)) if isinstance(listed, dict) else ()
    return Report(
        "health+json",
        PASS[str(body["status"]).lower()],
        checks,
        message=clean.words(body.get("output")) or clean.words(body.get("description")),
    )


def _entries(listed: Mapping[Any, Any]) -> Iterator[Inner]:
    for key, group in listed.items():
        entries = [one for one in (group if isinstance(group, list) else [group]) if isinstance(one, dict)]
        for one in entries:
            which = clean.words(one.get("componentId"), 60) or clean.words(one.get("node"), 60)
            known = which if which and len(entries) > 1 else ""
            yield _entry(clean.name(f"{key}.{known}" if known else key), one)


def _entry(name: str, one: Mapping[str, Any]) -> Inner:
    said = one.get("status")
    state = UNKNOWN if said is None else PASS.get(str(said).lower(), UNKNOWN)
    message = clean.words(one.get("output"))
    return Inner(
        name,
        state,
        message=message,
        code=guess(name, message, state == ERROR) if state in (ERROR, DEGRADED) else "",
        value=clean.number(one.get("observedValue")),
        unit=clean.words(one.get("observedUnit"), 20),
    )


# ---- Spring Boot --------------------------------------------------------------------------------


def is_spring(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("status"), str) and body["status"] in SPRING


def read_spring(body: Mapping[str, Any]) -> Report:
    """Components within components are told by their path: ``db.readonly``. Boot 2.1 called them details."""
    inner = body.get("components", body.get("details"))
    checks = tuple(_components(inner, "", 0)) if isinstance(inner, dict) else ()
    return Report("spring", SPRING[body["status"]], checks)


def _components(inner: Mapping[Any, Any], before: str, depth: int) -> Iterator[Inner]:
    for key, one in inner.items():
        if not isinstance(one, dict) or not isinstance(one.get("status"), str):
            continue
        path = f"{before}{key}"
        below = one.get("components")
        if isinstance(below, dict) and below and depth < _MOST_DEEP:
            yield from _components(below, f"{path}.", depth + 1)
        else:
            yield _component(clean.name(path), one)


def _component(name: str, one: Mapping[str, Any]) -> Inner:
    state = SPRING.get(one["status"], DEGRADED)
    details = one.get("details")
    message = clean.words(details.get("error")) if isinstance(details, dict) else ""
    if not message and state == DEGRADED:
        message = clean.words(f"It says {one['status']}.")
    return Inner(
        name,
        state,
        message=message,
        code=guess(name, message, state == ERROR) if state in (ERROR, DEGRADED) else "",
    )


# ---- by hand ------------------------------------------------------------------------------------


def read_by_hand(body: Any) -> Report | None:
    """A word or a boolean that somebody chose; None: it says nothing that can be understood."""
    if not isinstance(body, dict):
        return None
    for key in ("status", "state", "health"):
        said = body.get(key)
        if isinstance(said, str) and said.strip().lower() in WORDS:
            return Report("status", WORDS[said.strip().lower()], message=clean.words(body.get("message")))
    for key in ("ok", "healthy", "success", "alive", "status"):
        if isinstance(body.get(key), bool):
            return Report("status", OK if body[key] else ERROR, message=clean.words(body.get("message")))
    return None
