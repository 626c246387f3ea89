"""Every address behind a name, each judged apart: facts and findings. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from watchpost.codes import severity_of
from watchpost.core.types import Finding, Severity
from watchpost.kinds.http.config import HttpConfig
from watchpost.registry.shown import shown

Facts = Mapping[str, Any]
MOST_ADDRESSES = 20
_MOST_NAMED = 4
# Kept once, not per address. ``failure`` stands there only if no address answered at all.
_SHARED = ("hops", "certificate", "resolver")
_SHOWN = ("status", "bytes", "http", "hops", "final", "failure")
_NOT_OF_AN_ADDRESS = frozenset({"site.dns_disagrees"})
_OF_THE_WAY = ("site.unreachable.connect", "site.unreachable.timeout")
# Our kernel's word (ENETUNREACH): this server has no IPv6 at all. No fault of the site.
NO_NETWORK = "no route leads to this network"


def gather(asked: Sequence[tuple[str, Facts, float]], shown: Facts, more: int) -> dict[str, Any]:
    """The facts of a look: a row per address (its facts, its time in ms), beside what the page shows of
    ``shown``, the walk that stands for all. ``more`` addresses were not asked."""
    rows = {
        address: {"ms": round(ms, 1), **{name: facts[name] for name in facts if name not in _SHARED}}
        for address, facts, ms in asked
    }
    found = {name: shown[name] for name in _SHOWN if name in shown}
    found |= {"addresses": rows, "more_addresses": more}  # 0 is said, too: what is kept would stay for ever
    read = [facts["certificate"] for _, facts, _ in asked if "certificate" in facts]
    silent = [facts["resolver"] for _, facts, _ in asked if "resolver" in facts]
    if silent:
        found["resolver"] = silent[0]
    if read:  # the one that ends first
        found["certificate"] = min(read, key=lambda one: str(one["not_after"]))
    return found


def judge(
    config: HttpConfig, facts: Facts, judge_one: Callable[[Facts, str], Sequence[Finding]]
) -> tuple[Finding, ...]:
    """Some addresses down: a warning for each. All: what they say, as for a page with one address."""
    asked = {a: one for a, one in facts["addresses"].items() if not _is_ours(config, facts, one)}
    found = {address: tuple(judge_one(one, address)) for address, one in asked.items()}
    down = [address for address, findings in found.items() if _worst(findings) >= Severity.ERROR]
    if len(down) == len(found):
        return tuple(_together(found))
    up = {address: findings for address, findings in found.items() if address not in down}
    no_ipv6 = _is_ipv6_alone(down, list(up))
    return (*(_down(config, one, found[one], len(found), no_ipv6) for one in down), *_together(up))


def _is_ours(config: HttpConfig, facts: Facts, one: Facts) -> bool:
    """A server without IPv6 cannot say anything of the IPv6 addresses that ``any`` takes in."""
    if config.ip != "any" or NO_NETWORK not in one.get("failure", {}).get("sentence", ""):
        return False
    return any("failure" not in other for other in facts["addresses"].values())


def _worst(findings: Sequence[Finding]) -> Severity:
    return max((severity_of(finding) for finding in findings), default=Severity.INFO)


def _is_ipv6_alone(down: Sequence[str], up: Sequence[str]) -> bool:
    """Whether all of IPv6 fails and nothing else does: then it is seldom a machine."""
    return bool(down) and all(":" in one for one in down) and not any(":" in one for one in up)


def _down(
    config: HttpConfig, address: str, findings: Sequence[Finding], of: int, is_ipv6_alone: bool
) -> Finding:
    reason = next(one for one in findings if severity_of(one) >= Severity.ERROR)
    if is_ipv6_alone and reason.code in _OF_THE_WAY:
        return Finding(
            "site.address_down",
            address,
            f"{address}, one of {of} addresses of {config.place.host}, fails while IPv4 answers: "
            f"{reason.sentence}",
            f"Let the web server listen by IPv6, too (nginx: `listen [::]:{config.place.port} ...`), and the "
            f"firewall let it in; `curl -6 {shown(config.place.url)}` tries it. Until then take the AAAA "
            "record out: visitors with IPv6 wait for it.",
            joins=reason.joins,
        )
    return Finding(
        "site.address_down",
        address,
        f"{address}, one of {of} addresses of {config.place.host}, fails: {reason.sentence}",
        f"Look at the machine at {address}. {reason.fix} "
        "Until it is back, take the address out of DNS or the load balancer: some visitors meet it.",
        joins=reason.joins,
    )


def _together(found: Mapping[str, Sequence[Finding]]) -> Iterator[Finding]:
    """What several addresses give is said once, with the addresses it was seen at unless all give it."""
    said: dict[tuple[str, str], list[tuple[str, Finding]]] = {}
    for address, findings in found.items():
        for one in findings:
            said.setdefault((one.code, one.subject), []).append((address, one))
    for seen in said.values():
        first = seen[0][1]
        joins = tuple(dict.fromkeys(join for _, one in seen for join in one.joins))
        where = f" Seen at {_some([address for address, _ in seen])}."
        is_common = len(seen) == len(found) or first.code in _NOT_OF_AN_ADDRESS
        yield replace(first, sentence=first.sentence + ("" if is_common else where), joins=joins)


def _some(addresses: Sequence[str]) -> str:
    more = len(addresses) - _MOST_NAMED
    return ", ".join(addresses[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
