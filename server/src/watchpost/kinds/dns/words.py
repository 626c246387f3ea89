"""The sentences of the dns kind: who does not answer, who contradicts whom, what to do about it. Pure.

Fixes hold neither dates nor numbers that change from look to look: a changed fix is told anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from watchpost.core.types import Finding
from watchpost.kinds.dns.config import DnsConfig
from watchpost.kinds.dns.history import moment
from watchpost.registry.closed import to_open

Facts = Mapping[str, Any]
_DAY_S, _HOUR_S = 86_400.0, 3_600.0
_OF_RESOLVERS = (
    "Check the network of this Watchpost server and the DNS servers it asks (RESOLVERS); if other names "
    "resolve, look at the domain with `dig +trace {name}`."
)


def day(iso: str) -> str:
    return f"{moment(iso):%Y-%m-%d %H:%M} UTC"


def span(seconds: float) -> str:
    """``12 days``, ``30 hours``, ``40 minutes``: rounded down, nobody is to rely on the rest."""
    for size, name in ((_DAY_S, "day"), (_HOUR_S, "hour"), (60.0, "minute")):
        if seconds >= (2 * size if name == "day" else size):
            count = int(seconds // size)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "a moment"


def listed(values: Sequence[str], most: int = 4) -> str:
    """``a, b and 3 more``; ``nothing`` for none."""
    if len(values) <= most:
        return ", ".join(values) or "nothing"
    return f"{', '.join(values[:most])} and {len(values) - most} more"


def server(one: Facts) -> str:
    """``ns1.example.com (192.0.2.53)``; the port if it is unusual."""
    port = f", port {one['port']}" if "port" in one else ""
    return f"{one['name']} ({one['at']}{port})" if one["name"] != one["at"] else f"{one['at']}{port}"


def servers(facts: Facts, numbers: Sequence[int]) -> str:
    return listed([server(facts["servers"][number]) for number in numbers], 3)


def unresolved(config: DnsConfig, why: str) -> Finding:
    return Finding(
        "dns.unresolved",
        config.name,
        f"It cannot be found out who serves {config.name}: {why}.",
        _OF_RESOLVERS.format(name=config.name),
    )


def nobody_named(config: DnsConfig, zone: str, missing: Sequence[str]) -> Finding:
    who = (
        f"none of its name servers has an address ({listed(missing)})" if missing else "it has no name server"
    )
    return Finding(
        "dns.no_answer",
        zone,
        f"Nobody can be asked about {config.name}: {who}.",
        f"Enter name servers that exist at the registrar of {zone}; `dig NS {zone} +trace` shows the present "
        "ones.",
    )


def no_answer(zone: str, bad: Sequence[Facts]) -> Finding:
    said = "; ".join(f"{server(one)}: {_why(one)}" for one in bad[:3])
    count = len(bad)
    who = "Its only name server answers" if count == 1 else f"None of its {count} name servers answers"
    return Finding(
        "dns.no_answer",
        zone,
        f"{zone} cannot be resolved. {who}: {said}.",
        "Bring the name servers back (`systemctl status named`, firewall, port 53 by UDP and TCP), or tell "
        "the DNS "
        f"provider; `dig SOA {zone} @{bad[0]['at']}` asks one of them.",
    )


def _why(one: Facts) -> str:
    return str(one["failure"]["sentence"] if "failure" in one else one["lame"])


def silent(zone: str, one: Facts) -> Finding:
    return Finding(
        "dns.server_silent",
        server(one),
        f"The name server {server(one)} of {zone} does not answer: {_why(one)}. Others do.",
        "Bring it back (`systemctl status named`, firewall, port 53 by UDP and TCP), or take it out of the "
        "NS records "
        "of the zone and at the registrar: some visitors wait for it.",
    )


def lame(zone: str, one: Facts, why: str) -> Finding:
    return Finding(
        "dns.server_lame",
        server(one),
        f"The name server {server(one)} of {zone} answers, but not as one that serves it: {why}.",
        "Load the zone there (`rndc zonestatus`, and look whether its transfer is allowed), or take the "
        "server out of "
        "the NS records of the zone and at the registrar.",
    )


def refused_by_guard(config: DnsConfig, zone: str, refused: Sequence[Facts]) -> Finding:
    said = "; ".join(f"{one['name']}: {_why(one)}" for one in refused[:3])
    return Finding(
        "dns.refused_by_guard",
        zone,
        f"Name servers of {zone} were not asked, as such addresses are closed to monitors: {said}.",
        f"{to_open(_why(refused[0]))}; "
        f"otherwise correct {'servers in this monitor' if config.servers else 'their A and AAAA records'}.",
    )


def name_server_gone(zone: str, name: str, why: str) -> Finding:
    how = "does not exist (NXDOMAIN)" if why == "nxdomain" else "has no address"
    inside = name == zone or name.endswith(f".{zone}")
    stranger = why == "nxdomain" and not inside  # its domain may be free
    danger = (
        f"whoever registers its domain answers for {zone}" if stranger else "some visitors ask it in vain"
    )
    return Finding(
        "dns.name_server_gone",
        name,
        f"The name server {name} of {zone} {how}: {danger}.",
        f"Take {name} out of the NS records of {zone} and at the registrar, or give it an address again.",
    )


def nxdomain(config: DnsConfig, zone: str, count: int) -> Finding:
    who = "its name server says so" if count == 1 else f"all {count} name servers of {zone} say so"
    return Finding(
        "dns.nxdomain",
        config.name,
        f"The name {config.name} does not exist (NXDOMAIN): {who}.",
        "If it is a registered domain, check at the registrar that it has not expired; else add the record "
        f"for {config.name} "
        f"to the zone {zone} again.",
    )


def undelegated(config: DnsConfig, known: str, zone: str) -> Finding:
    above = "the root" if zone == "." else f"the zone {zone}"
    return Finding(
        "dns.nxdomain",
        config.name,
        f"The name {config.name} is not found any more: {above} does not name any name servers for {known}.",
        f"Check at the registrar of {known} that it has not expired and is not on hold, and enter its name "
        f"servers again; `dig NS {known} +trace` shows where the way ends.",
    )


def soa_drift(
    facts: Facts, known: Sequence[int], newest: Callable[[Sequence[int]], int], since: Any
) -> Finding:
    serials = {number: facts["servers"][number]["serial"] for number in known}
    latest = newest(list(serials.values()))
    behind = [number for number, serial in serials.items() if serial != latest]
    said = listed([f"{server(facts['servers'][n])} has {serials[n]}" for n in behind], 3)
    return Finding(
        "dns.soa_drift",
        facts["zone"],
        f"Not every name server of {facts['zone']} has had its newest version ({latest}) since "
        f"{since:%Y-%m-%d %H:%M} UTC: {said}.",
        "Look on the server that lags why the transfer fails (`rndc retransfer`, allow-transfer, TSIG key, "
        "TCP port 53). If two "
        "providers number the zone each on their own, press “This is expected”.",
    )


def disagree(config: DnsConfig, facts: Facts, rdtype: str, groups: Sequence[Facts], since: Any) -> Finding:
    said = "; ".join(f"{servers(facts, one['from'])} says {listed(one['values'])}" for one in groups[:3])
    name = facts["zone"] if rdtype == "NS" else config.name
    more = (
        " If each server is meant to give other addresses, press “This is expected”."
        if rdtype in ("A", "AAAA")
        else ""
    )
    return Finding(
        "dns.servers_disagree",
        f"{rdtype} of {name}",
        f"The name servers have not agreed on the {rdtype} records of {name} since {since:%Y-%m-%d %H:%M} "
        f"UTC: {said}.",
        f"Bring the right version to all of them: raise the serial and look whether the transfers run.{more}",
    )


def disagree_on_existence(config: DnsConfig, facts: Facts, denied: Sequence[int], since: Any) -> Finding:
    return Finding(
        "dns.servers_disagree",
        config.name,
        f"{servers(facts, denied)} says since {since:%Y-%m-%d %H:%M} UTC that {config.name} does not exist "
        "(NXDOMAIN); others know it.",
        "Bring the newest version of the zone to that server: raise the serial and look whether the "
        "transfers run.",
    )


def delegation_differs(facts: Facts, delegated: Sequence[str], own: Sequence[str]) -> Finding:
    parent = facts["parent"]["name"]
    above = "the root" if parent == "." else f"the zone {parent}"
    only_parent = sorted(set(delegated) - set(own))
    only_own = sorted(set(own) - set(delegated))
    said = " and ".join(
        part
        for part in (
            f"{listed(only_parent)} only there" if only_parent else "",
            f"{listed(only_own)} only in its own NS records" if only_own else "",
        )
        if part
    )
    return Finding(
        "dns.delegation_differs",
        facts["zone"],
        f"{above[0].upper()}{above[1:]} names other servers for {facts['zone']} than {facts['zone']} itself: "
        f"{said}.",
        "Make the NS records of the zone and the name servers at the registrar the same list. "
        "If it is meant so, press “This is expected”.",
    )


def _is(values: Sequence[str]) -> str:
    return "is" if len(values) == 1 else "are"


def not_as_expected(
    config: DnsConfig,
    facts: Facts,
    rdtype: str,
    lacking: Sequence[str],
    needless: Sequence[str],
    where: Sequence[int],
) -> Finding:
    said = " and ".join(
        part
        for part in (
            f"{listed(lacking)} {_is(lacking)} missing" if lacking else "",
            f"{listed(needless)} {_is(needless)} there and should not be" if needless else "",
        )
        if part
    )
    all_of_them = len(where) in (0, len([one for one in facts["servers"] if "serial" in one]))
    at = "" if all_of_them else f" at {servers(facts, where)}"
    name = facts["zone"] if rdtype in ("NS", "DS") else config.name
    return Finding(
        "dns.expectation_failed",
        f"{rdtype} of {name}",
        f"The {rdtype} records of {name} are not as expected{at}: {said}.",
        f"Correct the {rdtype} records at the DNS provider, or the expectation in this monitor.",
    )


def dangling(names: Sequence[str]) -> Finding:
    through = f" (by way of {listed(names[1:-1])})" if len(names) > 2 else ""
    return Finding(
        "dns.dangling_cname",
        names[0],
        f"{names[0]} points to {names[-1]}{through}, which does not exist (NXDOMAIN).",
        f"Take the CNAME out, or let it point to what exists: whoever creates {names[-1]} at that provider "
        "gets your visitors.",
    )


def loop(names: Sequence[str], how: str) -> Finding:
    said = "runs in a circle" if how == "loop" else "does not end after 12 names"
    return Finding(
        "dns.cname_loop",
        names[0],
        f"The CNAME of {names[0]} {said}: {' → '.join(names[:5])}{' → …' if len(names) > 5 else ''}.",
        f"Let one of these names have an address: {listed(list(dict.fromkeys(names)))}.",
    )


def dnssec_broken(facts: Facts, why: str, where: Sequence[int]) -> Finding:
    zone = facts["zone"]
    return Finding(
        "dns.dnssec_broken",
        zone,
        f"DNSSEC of {zone} does not add up at {servers(facts, where)}: {why}. Validating resolvers answer "
        "SERVFAIL.",
        f"Sign the zone anew with the key that the DS record names (`delv {zone} SOA` shows the chain), or "
        "take the DS record "
        "out at the registrar until it is mended.",
    )


def dnssec_refused(facts: Facts, resolvers: Sequence[str]) -> Finding:
    zone = facts["zone"]
    return Finding(
        "dns.dnssec_broken",
        zone,
        f"DNSSEC of {facts['name']} does not add up for {listed(resolvers)}: it answers SERVFAIL, and "
        "without validation it has "
        "an answer.",
        f"Look where the chain breaks (`delv {facts['name']}`), sign the zone anew, or take the DS record "
        "out at the registrar until "
        "it is mended.",
    )


def signature_expired(facts: Facts, of: str, ended: str, where: Sequence[int]) -> Finding:
    return Finding(
        "dns.signature_expired",
        f"{facts['zone']} {of}",
        f"The DNSSEC signature of the {of} record of {facts['zone']} ended on {day(ended)} at "
        f"{servers(facts, where)}: "
        "validating resolvers no longer answer for it.",
        "Sign the zone anew at once (`rndc sign`, or at the DNS provider), then find out why the signer "
        "stopped.",
    )


def signature_expires_soon(facts: Facts, of: str, ends: str, left_s: float, where: Sequence[int]) -> Finding:
    return Finding(
        "dns.signature_expires_soon",
        f"{facts['zone']} {of}",
        f"The DNSSEC signature of the {of} record of {facts['zone']} ends in {span(left_s)} ({day(ends)}) at "
        f"{servers(facts, where)}, "
        "and has not been renewed.",
        "Look whether the signer runs and a secondary gets what it signs (`rndc dnssec -status`, or ask the "
        "DNS provider), before "
        "validating resolvers stop answering.",
    )


def resolver_disagrees(config: DnsConfig, name: str, why: str) -> Finding:
    return Finding(
        "dns.resolver_disagrees",
        f"{config.name} at {name}",
        f"Asked for {config.name}, {name} {why}.",
        "Wait until what it remembers has run out (TTL), or empty its cache; if it goes on, look whether a "
        "filter or "
        "another view of the zone answers there. If that is meant so, press “This is expected”.",
    )
