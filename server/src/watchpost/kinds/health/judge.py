"""From what the endpoint said to findings, one for each check that is not well, and a part for every check.

Pure. What says nothing of now decides nothing: a process that has just begun and knows no results yet does
not heal what was broken before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from watchpost.core.types import Finding, Observation, Past, Severity, Verdict
from watchpost.kinds.health import words
from watchpost.kinds.health.codes import BEHIND
from watchpost.kinds.health.config import HealthConfig
from watchpost.kinds.health.report import DEGRADED, ERROR, OK, ORDER, UNKNOWN, Inner

Facts = Mapping[str, Any]
_STALE = "health.stale"
_BEHIND = {entry.code: entry.severity for entry in BEHIND}
_MOST_LATE = 10  # intervals without a result: even an agent that does not say so itself is not believed
_LEAST_LATE_S = 120.0
_YOUNG_S = 300.0


def judge(config: HealthConfig, seen: Observation, _baseline: Facts, _past: Past, _now: datetime) -> Verdict:
    """Conclusive unless checks that count have no result yet and nothing else says that it is down."""
    facts = seen.facts
    joins = _joins(config, seen)
    if "report" not in facts:
        return Verdict(tuple(replace(one, joins=joins) for one in _silent(config, facts)))
    checks = [_believed(Inner.from_facts(name, one)) for name, one in facts["checks"].items()]
    found = [*_told(config, facts, checks), *_endpoint(config, seen)]
    undecided = frozenset(one.id for one in checks if one.state == UNKNOWN)
    waiting = [one for one in checks if _is_awaited(config, facts["report"], one)]
    is_down = any((one.severity or Severity.INFO) >= Severity.ERROR for one in found)
    note = ""
    if waiting and not is_down:
        names = ", ".join(one.id for one in waiting[:4])
        note = f"{len(waiting)} of {len(checks)} checks have no result yet ({names}): the process just began."
    return Verdict(
        tuple(replace(one, joins=joins) for one in found),
        conclusive=not note,
        parts={one.id: grade(config, facts, one) for one in checks if one.id not in undecided},
        undecided=undecided,
        values={one.id: one.value for one in checks if one.value is not None},
        note=note,
    )


def _joins(config: HealthConfig, seen: Observation) -> tuple[str, ...]:
    hosts = dict.fromkeys((config.place.host, seen.facts.get("failure", {}).get("host", config.place.host)))
    names = tuple(f"host:{host}" for host in hosts)
    return (*names, f"addr:{seen.address}") if seen.address else names


def _silent(config: HealthConfig, facts: Facts) -> Iterator[Finding]:
    """Nothing that could be read came."""
    if "failure" in facts:
        yield words.unreachable(config, facts)
    elif "token" in facts:
        yield words.token_refused(config, facts)
    else:
        yield words.unreadable(config, facts)


def _endpoint(config: HealthConfig, seen: Observation) -> Iterator[Finding]:
    """What there is to say of the endpoint beside what it says."""
    if "token" in seen.facts:
        yield words.token_refused(config, seen.facts)
    if config.max_ms is not None and seen.total_ms > config.max_ms:
        yield replace(words.slow(config, seen.total_ms), severity=Severity.WARNING)


def _told(config: HealthConfig, facts: Facts, checks: list[Inner]) -> Iterator[Finding]:
    bad = [one for one in checks if one.state in (ERROR, DEGRADED)]
    bad.sort(key=lambda one: ORDER[one.state])  # of two warnings, what fails says more than what limps
    heard = [one for one in bad if not config.is_ignored(one.id)]
    old = [one for one in heard if one.code == _STALE]
    if len(old) > 1:
        worst = max(_weight(config, facts, one) for one in old)
        yield words.stale(old, len(checks), worst)
        heard = [one for one in heard if one.code != _STALE]
    for one in heard:
        yield words.trouble(one, _weight(config, facts, one), facts)
    says = _says(facts)
    if says != OK and not bad:  # where each of the bad ones is ignored, they are why
        severity = Severity.ERROR if says == ERROR else Severity.WARNING
        yield replace(words.whole(facts, says), severity=severity)


def _says(facts: Facts) -> str:
    """Of the whole; a status that contradicts a good report counts more than the words."""
    says = str(facts["report"]["says"])
    if facts["status"] >= 500 and says in (OK, UNKNOWN):
        return ERROR
    return OK if says == UNKNOWN else says


def _weight(config: HealthConfig, facts: Facts, one: Inner) -> Severity:
    """Trouble of what does not count is a remark."""
    return grade(config, facts, one) or Severity.INFO if _counts(config, one) else Severity.INFO


def grade(config: HealthConfig, facts: Facts, one: Inner) -> Severity | None:
    """None: it is well. An error of what is critical is an error; where the format does not say what is, the
    whole decides. No page waits for Celery and Beat, so they are no reason to take a machine out of service
    and never critical there; somebody must hear of them all the same."""
    if one.state not in (ERROR, DEGRADED):
        return None
    given = config.severity_for(one.id)
    if given is not None:
        return given
    if one.state == DEGRADED:
        return Severity.WARNING
    if one.critical is False and one.code in _BEHIND:
        return _BEHIND[one.code]
    critical = one.critical if one.critical is not None else _says(facts) == ERROR
    return Severity.ERROR if critical else Severity.WARNING


def _counts(config: HealthConfig, one: Inner) -> bool:
    return not (config.is_ignored(one.id) or (config.critical_only and one.critical is False))


def _is_awaited(config: HealthConfig, report: Facts, one: Inner) -> bool:
    """Whether the look must not heal before this one has answered: it may be what is broken. Of a process
    that is no longer young nothing is awaited."""
    if one.state != UNKNOWN or one.critical is False or not _counts(config, one):
        return False
    return bool(report["waits"]) and report.get("process_age_s", 0.0) < _YOUNG_S


def _believed(one: Inner) -> Inner:
    """A result much older than its interval is not believed, even where the other side shows it as good."""
    if one.age_s is None or one.interval_s is None or one.state == UNKNOWN or one.code == _STALE:
        return one
    if one.age_s <= max(_LEAST_LATE_S, _MOST_LATE * one.interval_s):
        return one
    message = f"There has been no result for {one.age_s:.0f} s; it should come every {one.interval_s:g} s"
    return replace(one, state=DEGRADED, code=_STALE, message=message, fix="")
