"""What the page of a health monitor shows: each check with its state, and the endpoint itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from watchpost.core.types import Severity
from watchpost.kinds.health.config import HealthConfig
from watchpost.kinds.health.judge import grade
from watchpost.kinds.health.report import ORDER, Inner
from watchpost.registry import Panel, PartRow

Facts = Mapping[str, Any]
_SHOWN = {"ok": "up", "degraded": "degraded", "error": "down", "unknown": "unknown"}
_FORMATS = {
    "watchpost": "django-watchpost",
    "status": "the status, or one word",
    "health+json": "application/health+json",
    "spring": "Spring Boot Actuator",
}


def panels(config: HealthConfig, facts: Facts, _baseline: Facts) -> tuple[Panel, ...]:
    report = facts.get("report")
    if report is None:
        return ()
    checks = [Inner.from_facts(name, one) for name, one in facts.get("checks", {}).items()]
    checks.sort(key=lambda one: (ORDER[one.state], one.id))
    endpoint = Panel("Endpoint", tuple(_endpoint(report)))
    if not checks:
        return (endpoint,)
    rows = tuple(_row(config, facts, one) for one in checks)
    return (Panel("Health", note=_note(config, report), parts=rows), endpoint)


def _row(config: HealthConfig, facts: Facts, one: Inner) -> PartRow:
    """Its state is the one that its history is made of: what fails and is not critical makes it degraded."""
    state = _SHOWN[one.state]
    if state == "down" and grade(config, facts, one) is Severity.WARNING:
        state = "degraded"
    said = one.message or ("It has no result yet." if one.state == "unknown" else "")
    return PartRow(one.id, state, said, tuple(_more(config, one)), one.value, one.unit)


def _more(config: HealthConfig, one: Inner) -> Iterator[str]:
    if config.is_ignored(one.id):
        yield "silenced"
    if one.critical is not None:
        yield "critical" if one.critical else "not critical"
    if one.code:
        yield one.code
    if one.age_s is not None:
        yield f"result was {one.age_s:.0f} s old"


def _note(config: HealthConfig, report: Facts) -> str:
    said = []
    if not report.get("told", True) and not config.token:
        said.append("It tells strangers names and states alone: give the monitor the token for the rest.")
    if report.get("left_out"):
        said.append(f"{report['left_out']} more are not shown.")
    return " ".join(said)


def _endpoint(report: Facts) -> Iterator[tuple[str, str]]:
    yield "Says", str(report["says"])
    yield "Format", _FORMATS.get(report["format"], str(report["format"]))
    if report.get("agent"):
        yield "Agent", str(report["agent"])
    if report.get("process"):
        yield "Answered by", str(report["process"])
    for problem in report.get("problems", ()):
        yield "Problem of its settings", str(problem)
