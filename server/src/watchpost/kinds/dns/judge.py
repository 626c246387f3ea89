"""Compares what name servers say with each other, with the past and with what is expected. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from watchpost.core.types import Finding, Observation, Past, Severity, Verdict
from watchpost.kinds.dns import history, surprise, words
from watchpost.kinds.dns.config import DnsConfig, plain, shortened
from watchpost.kinds.dns.history import ADDRESSES, PARENT, moment

Facts = Mapping[str, Any]
_OURS = frozenset({"no_route", "unasked"})  # says nothing of the server
_HOUR_S, _DAY_S = 3600.0, 86_400.0
# Signers renew with a quarter left or more: what is signed for two days must not warn two days before.
_SHARE_OF_LIFE = 4
_MAY_DIFFER = ("dns.soa_drift", "dns.delegation_differs", "dns.resolver_disagrees")


def judge(
    config: DnsConfig, seen: Observation, baseline: Mapping[str, Any], past: Past, now: datetime
) -> Verdict:
    """The findings of one look. The baseline learns what is normal; what is new waits for ``accept``."""
    facts = seen.facts
    if "servers" not in facts:
        known = baseline if baseline.get("of") == history.whose(config) else {}
        found = [
            *_judge_missing(facts),
            *_judge_nowhere(config, facts),
            *_judge_changes(config, facts, known),
        ]
        return Verdict(tuple(_joined(config, facts, one) for one in found))
    facts = history.without_delegation(facts, baseline)
    after = history.remember(config, baseline, facts, now)
    found = [
        *_judge_servers(config, facts),
        *_judge_missing(facts),
        *_judge_existence(config, facts),
        *_judge_changes(config, facts, after),
        *_judge_agreement(config, facts, after, now),
        *_judge_expectations(config, facts),
        *_judge_chain(facts),
        *_judge_dnssec(config, facts, now),
        *_judge_resolvers(config, facts, after, now),
    ]
    findings = tuple(_joined(config, facts, one) for one in found)
    return Verdict(findings, baseline=after if after != baseline else None)


def accept(baseline: Mapping[str, Any], facts: Mapping[str, Any], finding: Finding) -> Mapping[str, Any]:
    """Somebody says that it is as it should be: what is served now is expected from now on."""
    if finding.code == "dns.name_servers_changed":
        return history.expect(baseline, ("NS", PARENT))
    if finding.code == "dns.ds_changed":
        return history.expect(baseline, ("DS",))
    if finding.code in ("dns.records_changed", "dns.records_gone"):
        return history.expect(baseline, (finding.subject.partition(" ")[0],))
    if finding.code in _MAY_DIFFER:
        return {**baseline, "apart": sorted({*baseline.get("apart", ()), finding.code})}
    rdtype = finding.subject.partition(" ")[0]
    if finding.code == "dns.servers_disagree" and rdtype in ADDRESSES:
        return {**baseline, "pools": sorted({*baseline.get("pools", ()), rdtype})}
    return baseline


def change(baseline: Mapping[str, Any], facts: Mapping[str, Any], finding: Finding) -> str:
    """Which change it is: of what, and to what. Name servers are one change, also where only the parent or
    only the zone was seen to name them."""
    pending = baseline.get("pending", {})
    if finding.code == "dns.name_servers_changed":
        types: tuple[str, ...] = ("NS", PARENT)
    else:
        types = ("DS",) if finding.code == "dns.ds_changed" else (finding.subject.partition(" ")[0],)
    values = sorted({value for rdtype in types for value in pending.get(rdtype, ())})
    return " ".join((finding.subject, *values))


def _judge_nowhere(config: DnsConfig, facts: Facts) -> Iterator[Finding]:
    missing = facts.get("missing", {})
    if "failure" in facts:
        yield words.unresolved(config, facts["failure"]["sentence"])
    elif any(why == "unanswered" for why in missing.values()):
        yield words.unresolved(
            config, f"our resolvers do not tell the address of {words.listed(sorted(missing))}"
        )
    else:
        yield words.nobody_named(config, facts["zone"], sorted(missing))


def _judge_missing(facts: Facts) -> Iterator[Finding]:
    """A name server without an address. That our resolvers are silent says nothing of it."""
    for name, why in sorted(facts.get("missing", {}).items()):
        if why in ("nxdomain", "no_data"):
            yield words.name_server_gone(facts["zone"], name, why)


def _judge_servers(config: DnsConfig, facts: Facts) -> Iterator[Finding]:
    """Nobody answers, or not everybody does."""
    every: Sequence[Facts] = facts["servers"]
    counted = [one for one in every if one.get("failure", {}).get("kind") not in _OURS]
    if not counted:
        yield words.unresolved(config, every[0]["failure"]["sentence"])
        return
    bad = [one for one in counted if "serial" not in one]
    refused = [one for one in bad if one.get("failure", {}).get("kind") == "refused_by_guard"]
    if len(bad) == len(counted):
        if len(refused) == len(bad):
            yield words.refused_by_guard(config, facts["zone"], refused)
        else:
            yield words.no_answer(facts["zone"], bad)
        return
    if refused:
        finding = words.refused_by_guard(config, facts["zone"], refused)
        yield replace(finding, severity=Severity.WARNING)
    for one in bad:
        if one not in refused:
            yield (
                words.silent(facts["zone"], one)
                if "failure" in one
                else words.lame(facts["zone"], one, one["lame"])
            )
    for one in counted:
        if one.get("troubles"):
            types, why = ", ".join(sorted(one["troubles"])), next(iter(one["troubles"].values()))
            yield words.lame(facts["zone"], one, f"asked for {types}, {why}")


def _judge_existence(config: DnsConfig, facts: Facts) -> Iterator[Finding]:
    if "undelegated" in facts:
        yield words.undelegated(config, facts["undelegated"], facts["zone"])
    elif history.is_gone(facts):
        yield words.nxdomain(config, facts["zone"], len(history.answering(facts)))


def _judge_changes(config: DnsConfig, facts: Facts, after: Facts) -> Iterator[Finding]:
    """What was found stays found until it is accepted or seen undone, also when nobody answers this time."""
    pending, sets = after.get("pending", {}), after.get("sets", {})
    if history.is_gone(facts):
        return
    zone = after.get("zone") or config.name
    where = [one for one in ("NS", PARENT) if one in pending]
    if where:
        yield surprise.name_servers_changed(zone, {one: (sets[one], pending[one]) for one in where})
    if "DS" in pending:
        yield surprise.ds_changed(zone, sets["DS"], pending["DS"])
    for rdtype in sorted(set(pending) - {"NS", PARENT, "DS"}):
        if not (rdtype in ADDRESSES and facts.get("chain", {}).get("foreign")):
            yield surprise.records_changed(config, rdtype, sets[rdtype], pending[rdtype])


def _judge_agreement(
    config: DnsConfig, facts: Facts, after: dict[str, Any], now: datetime
) -> Iterator[Finding]:
    """Servers among each other and with the parent. Zone transfers need time, so a grace is given."""
    known, grace_s = history.answering(facts), grace(config, facts)
    apart = after.get("apart", ())
    serials = {facts["servers"][number]["serial"] for number in known}
    drifts = (len(serials) > 1) if len(known) > 1 else None
    since = history.note_since(after, "serials", drifts, now)
    if since is not None and _lasted(since, now, grace_s) and "dns.soa_drift" not in apart:
        yield words.soa_drift(facts, known, history.newest, since)
    for rdtype in config.asked:
        groups = facts["records"].get(rdtype, ())
        differ = len(groups) > 1 and not (
            rdtype in ADDRESSES and history.is_pool(config, facts, after, rdtype)
        )
        lasts = differ if sum(len(one["from"]) for one in groups) > 1 else None
        since = history.note_since(after, f"differ {rdtype}", lasts, now)
        if since is not None and _lasted(since, now, grace_s):
            yield words.disagree(config, facts, rdtype, groups, since)
    denied = set(facts.get("denied", ()))
    partly = bool(denied) and not history.is_gone(facts)
    since = history.note_since(after, "differ exist", partly if len(known) > 1 else None, now)
    if since is not None and _lasted(since, now, grace_s):
        yield words.disagree_on_existence(config, facts, sorted(denied), since)
    yield from _judge_delegation(facts, after, grace_s, now)


def _judge_delegation(
    facts: Facts, after: dict[str, Any], grace_s: float, now: datetime
) -> Iterator[Finding]:
    delegated = facts.get("parent", {}).get("delegated")
    groups = facts["records"].get("NS", ())
    if not delegated or not groups:
        return
    own = groups[0]["values"]
    since = history.note_since(after, "delegation", set(own) != set(delegated), now)
    if (
        since is not None
        and _lasted(since, now, grace_s)
        and "dns.delegation_differs" not in after.get("apart", ())
    ):
        yield words.delegation_differs(facts, delegated, own)


def grace(config: DnsConfig, facts: Facts) -> float:
    """Seconds that servers may differ: twice the time after which a secondary asks, within reason."""
    if config.grace:
        return config.grace
    return min(max(2.0 * float(facts.get("refresh", 0)), _HOUR_S), _DAY_S)


def _lasted(since: datetime, now: datetime, grace_s: float) -> bool:
    return (now - since).total_seconds() >= grace_s


def _judge_expectations(config: DnsConfig, facts: Facts) -> Iterator[Finding]:
    """Every server must say it; one that answers nothing says nothing. A name that is gone is told so."""
    if history.is_gone(facts):
        return
    for rdtype, wanted, exact in (
        *((rdtype, wanted, True) for rdtype, wanted in config.expect.items()),
        *((rdtype, wanted, False) for rdtype, wanted in config.must_include.items()),
    ):
        for values, where in _answers(facts, rdtype):
            lacking, needless = _compare(rdtype, wanted, values, exact)
            if lacking or needless:
                yield words.not_as_expected(config, facts, rdtype, lacking, needless, where)
                break


def _answers(facts: Facts, rdtype: str) -> list[tuple[Sequence[str], Sequence[int]]]:
    """Each answer with the numbers of the servers that give it; none for what resolvers say."""
    if rdtype == "DS":
        ds = facts.get("parent", {}).get("ds")
        return [] if ds is None else [(ds, ())]
    groups = [(one["values"], one["from"]) for one in facts["records"].get(rdtype, ())]
    if groups or "chain" not in facts:
        return groups
    through = [one["records"][rdtype] for one in facts.get("resolvers", ()) if rdtype in one["records"]]
    # A name that is a CNAME has no other records of its own.
    return [(values, ()) for values in through] if rdtype in ADDRESSES else [((), ())]


def _compare(
    rdtype: str, wanted: Sequence[str], values: Sequence[str], exact: bool
) -> tuple[list[str], list[str]]:
    """What is expected and not there, and what is there and not expected."""
    patterns = [plain(rdtype, one) for one in wanted]
    lacking = [one for one in patterns if not any(_fits(value, one) for value in values)]
    needless = [value for value in values if not any(_fits(value, one) for one in patterns)]
    return lacking, needless if exact else []


def _fits(value: str, pattern: str) -> bool:
    """``*`` stands for anything, in time linear in the value."""
    first, *others = pattern.split("*")
    if not others:
        return value == shortened(pattern)
    if not value.startswith(first) or not value.endswith(others[-1]):
        return False
    place, end = len(first), len(value) - len(others[-1])
    for part in others[:-1]:
        place = value.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return place <= end


def _judge_chain(facts: Facts) -> Iterator[Finding]:
    chain = facts.get("chain")
    if chain is None:
        return
    if chain["end"] == "nxdomain":
        yield words.dangling(chain["names"])
    elif chain["end"] in ("loop", "long"):
        yield words.loop(chain["names"], chain["end"])


def _judge_dnssec(config: DnsConfig, facts: Facts, now: datetime) -> Iterator[Finding]:
    dnssec = facts.get("dnssec", {})
    for one in dnssec.get("broken", ()):
        yield words.dnssec_broken(facts, one["why"], one["from"])
        break
    ended = [one for one in dnssec.get("ends", ()) if moment(one["at"]) <= now]
    for one in (ended or dnssec.get("ends", ()))[:1]:  # the first to end comes first
        ends, begins = moment(one["at"]), moment(one["from_day"])
        left_s = (ends - now).total_seconds()
        limit_s = min(config.signature_warn, (ends - begins).total_seconds() / _SHARE_OF_LIFE)
        if left_s <= 0:
            yield words.signature_expired(facts, one["of"], one["at"], one["from"])
        elif left_s < limit_s:
            yield words.signature_expires_soon(facts, one["of"], one["at"], left_s, one["from"])
    if not dnssec.get("broken") and not ended:
        bogus = [one["name"] for one in facts.get("resolvers", ()) if one.get("bogus")]
        if bogus and history.answering(facts):
            yield words.dnssec_refused(facts, bogus)


def _judge_resolvers(
    config: DnsConfig, facts: Facts, after: dict[str, Any], now: datetime
) -> Iterator[Finding]:
    """What visitors are told, against what the servers say. Resolvers remember, so a grace is given."""
    if not history.answering(facts) or "dns.resolver_disagrees" in after.get("apart", ()):
        return
    for number, one in enumerate(facts.get("resolvers", ())):
        why = _contradiction(config, facts, after, one) if not one.get("bogus") else ""
        known = "rcode" in one or None
        since = history.note_since(after, f"resolver {number}", bool(why) if known else None, now)
        if since is not None and _lasted(since, now, max(_HOUR_S, grace(config, facts))):
            yield words.resolver_disagrees(config, one["name"], why)


def _contradiction(config: DnsConfig, facts: Facts, after: Facts, one: Facts) -> str:
    """The end of a sentence; "" if it says the same."""
    gone = history.is_gone(facts)
    if one.get("rcode") == "NXDOMAIN" and not gone and "chain" not in facts:
        return "says that it does not exist (NXDOMAIN)"
    if gone and one.get("rcode") == "NOERROR" and any(one["records"].values()):
        return "still gives addresses for it"
    if one.get("rcode") not in ("NOERROR", "NXDOMAIN") and "rcode" in one and not _fails_for_good(facts):
        return f"answers {one['rcode']}"
    for rdtype, values in one["records"].items():
        every = {value for group in facts["records"].get(rdtype, ()) for value in group["values"]}
        if rdtype not in facts["records"] or history.is_pool(config, facts, after, rdtype):
            continue
        if not set(values) <= every or (every and not values):
            said = words.listed(values) if values else "none"
            return (
                f"gives other {rdtype} records ({said}) than its name servers ({words.listed(sorted(every))})"
            )
    return ""


def _fails_for_good(facts: Facts) -> bool:
    """Whether SERVFAIL is what a resolver has to say: about a CNAME that leads nowhere."""
    return bool(facts.get("chain", {}).get("end") in ("loop", "long", "unknown"))


def _joined(config: DnsConfig, facts: Facts, finding: Finding) -> Finding:
    """What an incident may share with others: the name, and the zone that other names lie in."""
    zone = facts.get("zone") or config.name
    return replace(finding, joins=tuple(dict.fromkeys((f"host:{config.name}", f"zone:{zone}"))))
