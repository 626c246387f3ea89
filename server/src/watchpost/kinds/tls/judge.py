"""Compares what the addresses serve with what visitors accept, with each other and with the past. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from watchpost.core.types import Finding, Observation, Past, Severity, Verdict
from watchpost.kinds.tls import history, told, words
from watchpost.kinds.tls.config import TlsConfig, limit_s
from watchpost.kinds.tls.history import chains_of, moment, newest

Facts = Mapping[str, Any]
_OLD = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})  # RFC 8996


def judge(
    config: TlsConfig, seen: Observation, baseline: Mapping[str, Any], past: Past, now: datetime
) -> Verdict:
    """The findings of one look. The baseline learns what is normal; what is new waits for ``accept``."""
    facts = seen.facts
    after = told.remember(history.remember(baseline, facts, config.shown, now), facts)
    found = [
        *_judge_reach(config, facts),
        *(
            finding
            for place, _ in enumerate(chains_of(facts))
            for finding in _judge_chain(config, facts, place, now)
        ),
        *_judge_difference(config, facts, after, now),
        *told.judge_told(config, facts, after, now),
        *_judge_past(config, facts, after, now),
    ]
    findings = tuple(_joined(config, facts, finding) for finding in _distinct(found))
    return Verdict(findings, baseline=after if after != baseline else None)


def accept(baseline: Mapping[str, Any], facts: Facts, finding: Finding) -> Mapping[str, Any]:
    """Somebody says that it is as it should be: a new issuer or key is expected from now on."""
    return history.expect(baseline, facts, finding.code)


def change(_: Mapping[str, Any], facts: Facts, finding: Finding) -> str:
    """Which change it is: to which authority, or to which key, whatever the name: who changes the authority
    changes it for many names."""
    leaf = history.newest(facts)
    if leaf is None:
        return finding.subject
    return str(leaf["spki"] if finding.code == "tls.changed_key" else leaf["issued_by"])


def _judge_reach(config: TlsConfig, facts: Facts) -> Iterator[Finding]:
    """Nobody answered, or not everybody did. A family that we ourselves have no route to says nothing."""
    if "failure" in facts:
        yield words.unreachable(config, facts["failure"])
        return
    every: Mapping[str, Facts] = facts["addresses"]
    failed = {address: one["failure"] for address, one in every.items() if "failure" in one}
    ours = {address for address, failure in failed.items() if failure["kind"] == "no_route"}
    if len(failed) == len(every):
        first = next((address for address in failed if address not in ours), next(iter(failed)))
        yield words.unreachable(config, failed[first], shown="chain" in every[first])
        return
    for address, failure in failed.items():
        if address not in ours:
            yield words.address_down(config, address, failure)
    old = sorted({one["protocol"] for one in every.values() if one.get("protocol") in _OLD})
    if old:
        where = [address for address, one in every.items() if one.get("protocol") in _OLD]
        yield words.old_protocol(config, old, _unless_all(where, facts))


def _judge_chain(config: TlsConfig, facts: Facts, place: int, now: datetime) -> Iterator[Finding]:
    chain = chains_of(facts)[place]
    where = _unless_all(serving(facts, chain["fingerprint"]), facts)
    here = _unless_all([a for a, one in facts["addresses"].items() if one.get("chain") == place], facts)
    newer = newest(facts)
    renewed = newer is not None and newer["fingerprint"] != chain["fingerprint"]
    for code, why, _ in chain["reasons"]:
        # The leaf is the same wherever it is served; what comes with it may differ from address to address.
        at = here if code.startswith("chain.") else where
        yield words.not_accepted(config, chain, code, why, at, renewed)
    if "not_after" not in chain:
        return
    yield from _judge_leaf_time(config, chain, where, renewed, now)
    yield from _judge_others_time(config, chain, here, now)
    for what, is_now, whose in chain.get("weak", ()):
        yield words.weak(config, chain, what, is_now, whose)


def _judge_leaf_time(
    config: TlsConfig, chain: Facts, where: list[str], renewed: bool, now: datetime
) -> Iterator[Finding]:
    left_s, lifetime_s = _left_s(chain, now)
    if any(code == "expired" for code, *_ in chain["reasons"]):
        return
    if left_s <= 0:  # between the look and now
        why = f"it expired on {words.day(chain['not_after'])}"
        yield words.not_accepted(config, chain, "expired", why, where, renewed)
        return
    critical = left_s < limit_s(config.critical, lifetime_s)
    if critical or left_s < limit_s(config.warn, lifetime_s):
        finding = words.expires_soon(config, chain, left_s, where if renewed else [])
        yield replace(finding, severity=Severity.CRITICAL if critical else None)


def _judge_others_time(config: TlsConfig, chain: Facts, here: list[str], now: datetime) -> Iterator[Finding]:
    """The authorities of the verified path, and what is served for nothing."""
    if "path_ends" in chain and not any(code == "chain.expired" for code, *_ in chain["reasons"]):
        name, begins, ends = chain["path_ends"]
        left_s = (moment(ends) - now).total_seconds()
        if left_s < limit_s(config.warn, (moment(ends) - moment(begins)).total_seconds()):
            yield words.path_expires_soon(config, chain, name, ends, left_s)
    for name, begins, ends in chain.get("spares", ()):
        left_s = (moment(ends) - now).total_seconds()
        if left_s < limit_s(config.warn, (moment(ends) - moment(begins)).total_seconds()):
            yield words.spare_expires(config, name, ends, left_s, here)


def _judge_difference(config: TlsConfig, facts: Facts, after: Facts, now: datetime) -> Iterator[Finding]:
    """One that is refused or ends soon is told with the places that show it: that it is another one is no
    news beside that."""
    since = after.get("differs_since")
    leaves = {one["fingerprint"]: one for one in chains_of(facts) if not _is_told(config, one, now)}
    if since is None or len(leaves) < 2 or not config.same_everywhere:
        return
    if (now - moment(since)).total_seconds() >= config.grace:
        served = [(one, serving(facts, fingerprint)) for fingerprint, one in leaves.items()]
        yield words.differs(config, served, since)


def _is_told(config: TlsConfig, chain: Facts, now: datetime) -> bool:
    if chain["reasons"] or "not_after" not in chain:
        return bool(chain["reasons"])
    left_s, lifetime_s = _left_s(chain, now)
    return left_s < limit_s(config.warn, lifetime_s)


def _judge_past(config: TlsConfig, facts: Facts, after: Facts, now: datetime) -> Iterator[Finding]:
    leaf = newest(facts)
    if leaf is None:
        return
    if history.strange_issuer(after, leaf):
        yield words.changed_issuer(config, leaf, after["issuers"])
    if history.strange_key(after, leaf):
        yield words.changed_key(config, leaf, after["keys"])
    left_s, lifetime_s = _left_s(leaf, now)
    if left_s >= limit_s(config.warn, lifetime_s) and history.is_overdue(after, left_s, lifetime_s):
        usual_s = (history.usual_share_left(after) or 0.0) * lifetime_s
        yield words.renewal_overdue(config, leaf, left_s, usual_s)


def _left_s(chain: Facts, now: datetime) -> tuple[float, float]:
    """Seconds left and seconds of the whole lifetime of a leaf."""
    ends = moment(chain["not_after"])
    return (ends - now).total_seconds(), (ends - moment(chain["not_before"])).total_seconds()


def serving(facts: Facts, fingerprint: str) -> list[str]:
    """The addresses that serve this leaf."""
    places = {n for n, one in enumerate(chains_of(facts)) if one["fingerprint"] == fingerprint}
    return [address for address, one in facts["addresses"].items() if one.get("chain") in places]


def _unless_all(addresses: list[str], facts: Facts) -> list[str]:
    """Which addresses, if it is not all that showed a certificate: then it goes without saying."""
    showing = sum("chain" in one for one in facts["addresses"].values())
    return addresses if len(addresses) < showing else []


def _distinct(findings: list[Finding]) -> Iterator[Finding]:
    """One leaf with two chains says the same of itself twice."""
    said: set[tuple[str, str]] = set()
    for finding in findings:
        if (finding.code, finding.subject) not in said:
            said.add((finding.code, finding.subject))
            yield finding


def _joined(config: TlsConfig, facts: Facts, finding: Finding) -> Finding:
    """What an incident may share with others: the host, the addresses, the certificate.

    One certificate is one alert across monitors: the finding of a certificate joins by its fingerprint alone
    when it is slow trouble (subject), and by all three when it is an outage.
    """
    every = facts.get("addresses", {})
    chains = [one["fingerprint"] for one in chains_of(facts)]
    certs = [f for f in chains if finding.subject == words.certificate(f)] or chains[:1]
    joins = (
        f"host:{config.where}",
        *(f"addr:{address}" for address in every),
        *(f"cert:{fingerprint}" for fingerprint in certs),
    )
    return replace(finding, joins=joins)
