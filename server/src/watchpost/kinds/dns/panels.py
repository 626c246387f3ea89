"""What the page of a dns monitor shows: the records, the name servers, and what changed when. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from watchpost.kinds.dns.config import DnsConfig
from watchpost.kinds.dns.history import PARENT, answering, current
from watchpost.kinds.dns.words import day, listed, server
from watchpost.registry import Panel

Facts = Mapping[str, Any]
_TITLES = {PARENT: "NS at the parent"}
_ENDS = {
    "expected": "expected",
    "undone": "undone",
    "replaced": "changed again",
    "": "waits to be expected or undone",
}


def panels(config: DnsConfig, facts: Facts, baseline: Facts) -> tuple[Panel, ...]:
    found = [
        Panel("Records now", tuple(_records(config, facts, baseline))),
        Panel("Name servers", tuple(_servers(facts))),
        Panel("Changes", tuple(_changes(baseline))),
    ]
    return tuple(one for one in found if one.rows)


def names(config: DnsConfig, facts: Facts) -> tuple[str, ...]:
    """The name, what its CNAMEs lead to within the same domain, and its mail servers."""
    chain = facts.get("chain", {})
    own = chain.get("names", ())[1:] if chain and not chain["foreign"] else ()
    mail = [
        value.partition(" ")[2]
        for one in facts.get("records", {}).get("MX", ())
        for value in one["values"]
        if value.partition(" ")[2] not in ("", ".")
    ]
    return tuple(dict.fromkeys((config.name, *own, *mail)))


def _records(config: DnsConfig, facts: Facts, baseline: Facts) -> Iterator[tuple[str, str]]:
    served = current(config, facts, baseline) if "servers" in facts else {}
    pools = set(baseline.get("pools", ()))
    for rdtype, values in served.items():
        said = listed(values, 12) if values else "none"
        yield _TITLES.get(rdtype, rdtype), f"{said} (a pool)" if rdtype in pools else said
    if "chain" in facts:
        yield "CNAME leads to", " → ".join(facts["chain"]["names"][1:])
    for one in facts.get("resolvers", ()):
        for rdtype, values in one["records"].items():
            yield f"{rdtype} at {one['name']}", listed(values, 12) if values else "none"


def _servers(facts: Facts) -> Iterator[tuple[str, str]]:
    known = set(answering(facts))
    for number, one in enumerate(facts.get("servers", ())):
        if number in known:
            yield server(one), f"version {one['serial']}, {one['ms']:g} ms"
        else:
            yield server(one), one["failure"]["sentence"] if "failure" in one else one["lame"]
    for name, why in facts.get("missing", {}).items():
        yield name, "does not exist" if why == "nxdomain" else "no address is known"


def _changes(baseline: Facts) -> Iterator[tuple[str, str]]:
    """The newest first."""
    for one in reversed(baseline.get("history", ())):
        went = [f"− {value}" for value in one["went"]]
        came = [f"+ {value}" for value in one["came"]]
        title = _TITLES.get(one["type"], one["type"])
        yield day(one["at"]), f"{title}: {', '.join([*went, *came])} ({_ENDS[one['end']]})"
