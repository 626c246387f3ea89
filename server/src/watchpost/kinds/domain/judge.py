"""What a registration's dates and statuses mean. Only a known date can expire. Pure.

The baseline keeps the last registration that was known, with the time of that look, and what is normal: the
registrar and whether it was locked. A look without an answer judges what is remembered: days pass also when
the registry is silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from watchpost.core.types import Finding, Observation, Past, Severity, Verdict
from watchpost.kinds.domain import words
from watchpost.kinds.domain.config import DomainConfig
from watchpost.kinds.domain.rdap import moment

Facts = Mapping[str, Any]
_LOST = frozenset({"pending delete", "redemption period"})
_LOCKS = frozenset({"client transfer prohibited", "server transfer prohibited"})


def judge(config: DomainConfig, seen: Observation, baseline: Facts, past: Past, now: datetime) -> Verdict:
    """The findings of one look. Without an answer it is inconclusive, unless what is held is trouble."""
    facts = seen.facts
    answer = str(facts.get("answer", "failed"))
    held = baseline if baseline.get("name") == config.name else {}
    if answer == "known":
        after = _remember(held, facts["registration"], config.name, now)
        return _verdict(config, _judge_known(config, after, now), after if after != held else None)
    if answer == "not_found":
        return _verdict(config, [words.not_registered(config.name, str(facts.get("server", "the registry")))])
    remembered = list(_judge_known(config, held, now, silent=True))
    if answer == "no_service":
        return _verdict(
            config,
            [*remembered, *([] if config.manual else [words.no_service(config.name, now, config.by_whois)])],
        )
    if answer == "no_list" and not config.manual:
        told = words.no_list(config.name, str(facts.get("list")), str(facts.get("why")), now)
        return _verdict(config, [*remembered, told])
    note = f"The registry did not answer: {facts.get('why', 'nobody knows why')}."
    if "waited_s" in facts:
        waited = round(facts["waited_s"])
        note += f" {waited} s of the look went by until it was our turn: other monitors were asking it, too."
    if "at" in held:
        note += f" What counts is of {str(held['at'])[:10]}."
    if any(finding.severity is not Severity.INFO for finding in remembered):
        return replace(_verdict(config, remembered), note=note)
    return Verdict(conclusive=False, note=note)


def accept(baseline: Facts, facts: Facts, finding: Finding) -> Facts:
    """Somebody says that it is as it should be: the new registrar, or no lock, is normal from now on."""
    registration = baseline.get("registration", {})
    if finding.code == "domain.registrar_changed":
        return {**baseline, "registrar": _registrar(registration)}
    if finding.code == "domain.transfer_lock_gone":
        return {**baseline, "locked": False}
    return baseline


def change(baseline: Facts, _: Facts, finding: Finding) -> str:
    """Which change it is: of which name, and to which registrar."""
    registrar = _registrar(baseline.get("registration", {}))
    if finding.code == "domain.registrar_changed" and registrar:
        return f"{finding.subject} {registrar['id']}"
    return finding.subject


def ends_at(config: DomainConfig, registration: Facts) -> tuple[datetime, str] | None:
    """The end that counts and who says so: the earlier of the registry's and the registrar's, else the manual
    one."""
    found = [
        (at, source)
        for key, source in (("expires", "says the registry"), ("registrar_expires", "says the registrar"))
        if (at := moment(registration.get(key))) is not None
    ]
    if found:
        return min(found)
    return (config.manual, "as written in this monitor") if config.manual else None


def _remember(held: Facts, registration: Facts, name: str, now: datetime) -> dict[str, Any]:
    after: dict[str, Any] = {**held, "name": name, "registration": dict(registration)}
    # Writing a baseline with each look for its time alone would be for nothing: a day is told, not an hour.
    after["at"] = now.isoformat()[:10]
    after.setdefault("registrar", _registrar(registration))
    locked = _is_locked(registration)
    if locked or "locked" not in after:
        after["locked"] = locked
    return after


def _judge_known(
    config: DomainConfig, after: Facts, now: datetime, silent: bool = False
) -> Iterator[Finding]:
    registration: Facts = after.get("registration", {})
    name, registrar = config.name, str(registration.get("registrar", ""))
    statuses = set(registration.get("statuses", ()))
    if "pending delete" in statuses:
        yield words.pending_delete(name)
    elif "redemption period" in statuses:
        yield words.redemption(name, registrar)
    for hold in sorted(statuses & {"client hold", "server hold"}):
        yield words.on_hold(name, registrar, hold)
        break
    if statuses & _LOST:  # that it has ended, and has lost its lock, is no trouble of its own any more
        return
    yield from _judge_end(config, registration, now, silent)
    if "auto renew period" in statuses and not _is_paid(registration):
        yield words.auto_renew_period(name, registrar)
    if registration:
        before, is_now = after["registrar"], _registrar(registration)
        if before and is_now and before["id"] != is_now["id"]:
            yield words.registrar_changed(name, before["name"], is_now["name"])
        if after["locked"] and not _is_locked(registration):
            yield words.transfer_lock_gone(name, registrar)


def _judge_end(config: DomainConfig, registration: Facts, now: datetime, silent: bool) -> Iterator[Finding]:
    found = ends_at(config, registration)
    if found is None:
        if not silent:
            yield words.not_published(config.name, now)
        return
    at, source = found
    left_s = (at - now).total_seconds()
    registrar = str(registration.get("registrar", ""))
    if left_s <= 0:
        yield words.expired(config.name, registrar, at, source)
    elif left_s < config.warn:
        yield words.expires_soon(config.name, registrar, at, left_s, source, left_s < config.critical)
    published = moment(registration.get("expires"))
    if config.manual and published and (config.manual - published).days > 1:
        yield words.date_differs(config.name, config.manual, published)


def _registrar(registration: Facts) -> dict[str, str] | None:
    """By IANA's number, which stays when a company changes its name."""
    name = str(registration.get("registrar", ""))
    number = str(registration.get("registrar_id", "")) or name
    return {"id": number, "name": name or f"registrar {number}"} if number else None


def _is_paid(registration: Facts) -> bool:
    """The registrar shows the new end too: it renews after it was paid, the registry before."""
    own, end = moment(registration.get("registrar_expires")), moment(registration.get("expires"))
    return own is not None and end is not None and (end - own).days < 2


def _is_locked(registration: Facts) -> bool:
    return bool(_LOCKS & set(registration.get("statuses", ())))


def _verdict(config: DomainConfig, findings: Any, baseline: Facts | None = None) -> Verdict:
    joins = (f"domain:{config.name}", f"host:{config.name}")
    return Verdict(tuple(replace(one, joins=joins) for one in findings), baseline=baseline)
