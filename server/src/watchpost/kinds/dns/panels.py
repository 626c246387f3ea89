"""What the page of a dns monitor shows: the records, the name servers, and what changed when. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from watchpost.kinds.dns.config import ALL, DnsConfig
from watchpost.kinds.dns.history import PARENT, answering, current
from watchpost.kinds.dns.words import day, server
from watchpost.registry import Lead, Panel

Facts = Mapping[str, Any]
_TITLES = {PARENT: "NS at the parent"}
_ORDER = ["NS", PARENT, *(one for one in ALL if one != "NS")]
_MOST = 24
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
    return tuple(dict.fromkeys((config.name, *own, *_mail_servers(facts))))


def leads(_: DnsConfig, facts: Facts) -> tuple[Lead, ...]:
    """The mail servers, as what they are: an MX record promises port 25 (RFC 5321) and no page. Nothing says
    of the other names what is served there."""
    return tuple(Lead(f"tcp:{name}:25", "takes the mail of") for name in _mail_servers(facts))


def _mail_servers(facts: Facts) -> tuple[str, ...]:
    """Without the dot that says that there are none (RFC 7505)."""
    records = facts.get("records", {}).get("MX", ())
    found = (value.partition(" ")[2].rstrip(".") for one in records for value in one["values"])
    return tuple(dict.fromkeys(name for name in found if name))


def _records(config: DnsConfig, facts: Facts, baseline: Facts) -> Iterator[tuple[str, str]]:
    served = current(config, facts, baseline) if "servers" in facts else {}
    pools = set(baseline.get("pools", ()))
    for rdtype in sorted(served, key=_ORDER.index):
        values = served[rdtype]
        if rdtype == "CNAME" and not values and "CNAME" not in baseline.get("pending", {}):
            continue  # a name with records of its own has none
        yield f"{_TITLES.get(rdtype, rdtype)}{' (a pool)' if rdtype in pools else ''}", _lines(values)
    if "chain" in facts:
        yield "CNAME leads to", "\n→ ".join(facts["chain"]["names"][1:])
    yield from _resolvers(facts, served)


def _resolvers(facts: Facts, served: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """What visitors are told, in full only where it is something else."""
    agree = []
    for one in facts.get("resolvers", ()):
        records = one["records"]
        if records and all(set(values) == set(served.get(rdtype, ())) for rdtype, values in records.items()):
            agree.append(str(one["name"]))
            continue
        for rdtype, values in records.items():
            yield f"{rdtype} by resolver {one['name']}", _lines(values)
    if agree:
        yield "By our resolvers", f"the same ({', '.join(agree)})"


def _lines(values: Sequence[str]) -> str:
    """One a line, as people count: addresses by their numbers, mail servers by their preference."""
    ordered = sorted(values, key=_rank)
    more = [f"and {len(values) - _MOST} more"] if len(values) > _MOST else []
    return "\n".join([*ordered[:_MOST], *more]) or "none"


def _rank(value: str) -> tuple[int, int, str]:
    try:
        address = ip_address(value)
    except ValueError:
        first = value.partition(" ")[0]
        return (0, int(first), value) if first.isascii() and first.isdigit() else (1, 0, value)
    return (address.version, int(address), "")


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
        yield day(one["at"]), "\n".join([f"{title}, {_ENDS[one['end']]}:", *went, *came])
