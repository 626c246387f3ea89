"""What a dns monitor remembers between looks: its baseline, and how a look changes it. Pure.

``of`` says whose it is, ``zone`` the zone it lies in; ``sets`` the accepted values by type (``parent`` are
the name servers that the parent names); ``pending`` what is served instead and waits for ``accept``;
``history`` what changed when; ``pools`` the types whose addresses rotate; ``provider`` the domain a CNAME
leads to; ``since`` when a disagreement began; ``apart`` the disagreements that are as they should be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any

from watchpost.kinds.dns.config import OF_THE_ZONE, DnsConfig

Facts = Mapping[str, Any]
Baseline = Mapping[str, Any]
PARENT = "parent"  # a type of its own: the NS records of the delegation
ADDRESSES = ("A", "AAAA")
_MOST_HISTORY, _MOST_SHOWN, _MOST_OF_POOL, _LONGEST = 20, 6, 64, 80
_HEAD, _AROUND, _TAIL = 16, 24, 24  # of a long value that is shortened
_SHORT_TTL_S = 60  # whoever wants every answer to be asked for anew means to change it
_NETWORK = {4: 16, 6: 32}  # what a provider of some size announces as one


def moment(text: str) -> datetime:
    """Aware UTC out of facts or baseline."""
    return datetime.fromisoformat(text)


def whose(config: DnsConfig) -> str:
    """A monitor that is pointed elsewhere begins anew."""
    return " ".join((config.name, *config.servers))


def answering(facts: Facts) -> list[int]:
    """The numbers of the servers that know the zone."""
    return [number for number, one in enumerate(facts.get("servers", ())) if "serial" in one]


def newest(serials: Sequence[int]) -> int:
    """The latest version by serial number arithmetic: 1 comes after 4294967295 (RFC 1982)."""
    best = serials[0]
    for one in serials[1:]:
        if one != best and (one - best) % 2**32 < 2**31:
            best = one
    return best


def is_gone(facts: Facts) -> bool:
    """Every server that answers says NXDOMAIN."""
    known = answering(facts)
    return bool(known) and set(known) <= set(facts.get("denied", ()))


def without_delegation(facts: Facts, baseline: Baseline) -> Facts:
    """As a name that is gone, when a zone above answers for it in place of its own and has no record of it:
    names of its servers may be left there (glue), so that it does not say NXDOMAIN."""
    known, now = baseline.get("zone", ""), str(facts.get("zone", ""))
    is_above = known.endswith(f".{now}") or (now == "." and known not in ("", now))
    if not is_above or any(one["values"] for groups in _of_the_name(facts) for one in groups):
        return facts
    return {**facts, "denied": answering(facts), "undelegated": known}


def _of_the_name(facts: Facts) -> Iterator[Sequence[Facts]]:
    """NS and DS are those of the zone above."""
    return (groups for rdtype, groups in facts.get("records", {}).items() if rdtype not in OF_THE_ZONE)


def is_pool(config: DnsConfig, facts: Facts, baseline: Baseline, rdtype: str) -> bool:
    """Whether other addresses at each look are usual here."""
    if rdtype not in ADDRESSES or config.pool == "never":
        return False
    groups = facts.get("records", {}).get(rdtype, ())
    short = any(one["values"] and one.get("ttl", _SHORT_TTL_S + 1) <= _SHORT_TTL_S for one in groups)
    return config.pool == "always" or rdtype in baseline.get("pools", ()) or short


def current(config: DnsConfig, facts: Facts, baseline: Baseline) -> dict[str, list[str]]:
    """What is served now, by type, of the newest version of the zone. A type that nobody answered for is
    missing: that says nothing about its records."""
    if is_gone(facts):  # whoever says so may be the zone above: its servers are not those of the name
        return {}
    found = _served(facts, baseline.get("sets", {}))
    chain = facts.get("chain")
    if chain is not None and not chain["foreign"]:
        found |= _through_resolvers(facts)
    parent = facts.get("parent", {})
    if "delegated" in parent:
        found[PARENT] = parent["delegated"]
    if "ds" in parent:
        found["DS"] = parent["ds"]
    watched = _watched(config)
    return {rdtype: values for rdtype, values in found.items() if rdtype in watched}


def _watched(config: DnsConfig) -> set[str]:
    return {*config.watched, *([PARENT] if "NS" in config.watched else [])}


def _served(facts: Facts, sets: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What most servers of the newest version say; of two opinions the one that is known: the other one is
    told as a disagreement."""
    known = answering(facts)
    if not known:
        return {}
    latest = newest([facts["servers"][number]["serial"] for number in known])
    best = {number for number in known if facts["servers"][number]["serial"] == latest}
    found = {}
    for rdtype, groups in facts["records"].items():
        if rdtype in ADDRESSES:  # each server may give another part of the pool
            mine = [one for one in groups if best & set(one["from"])] or groups
            found[rdtype] = sorted({value for one in mine for value in one["values"]})
        else:
            expected = sets.get(rdtype)
            found[rdtype] = max(
                groups,
                key=lambda one: (len(best & set(one["from"])), one["values"] == expected, one["values"]),
            )["values"]
    return found


def _through_resolvers(facts: Facts) -> dict[str, list[str]]:
    """Addresses behind a CNAME within one's own domain."""
    for one in facts.get("resolvers", ()):
        if one["records"]:
            return {rdtype: values for rdtype, values in one["records"].items() if rdtype in ADDRESSES}
    return {}


def remember(config: DnsConfig, baseline: Baseline, facts: Facts, now: datetime) -> dict[str, Any]:
    """The baseline after this look. What is new is not taken in; only ``accept`` does that, and a pool."""
    before = dict(baseline) if baseline.get("of", whose(config)) == whose(config) else {}
    after = {**before, "of": whose(config)}
    if answering(facts) and not is_gone(facts):
        after["zone"] = facts["zone"]
    after["pending"] = {
        one: values for one, values in after.get("pending", {}).items() if one in _watched(config)
    }
    _remember_pools(config, after, facts)
    for rdtype, values in current(config, facts, after).items():
        _remember_set(config, after, facts, rdtype, values, now)
    chain = facts.get("chain")
    if chain is not None and chain["names"][1] in after.get("sets", {}).get("CNAME", ()):
        after["provider"] = chain["domain"]
    return after


def _remember_pools(config: DnsConfig, after: dict[str, Any], facts: Facts) -> None:
    """Servers of one and the same version that give different addresses from the first look on mean to
    (GeoDNS, round robin). Those that begin to later may be lying."""
    serials = {facts["servers"][number]["serial"] for number in answering(facts)}
    for rdtype in ADDRESSES:
        groups = [one for one in facts.get("records", {}).get(rdtype, ()) if one["values"]]
        new = rdtype not in after.get("sets", {})
        if new and config.pool == "auto" and len(serials) == 1 and len(groups) > 1:
            after["pools"] = sorted({*after.get("pools", ()), rdtype})


def _remember_set(
    config: DnsConfig, after: dict[str, Any], facts: Facts, rdtype: str, values: Sequence[str], now: datetime
) -> None:
    sets, pending = dict(after.get("sets", {})), dict(after["pending"])
    known = sets.get(rdtype)
    excused = known is not None and _is_excused(config, after, facts, rdtype, known, values)
    if known is None or excused:
        sets[rdtype] = list(values) if known is None else _grown(rdtype, known, values)
        pending.pop(rdtype, None)
    elif set(values) == set(known):
        if rdtype in pending:
            after["history"] = _ended(after.get("history", ()), [rdtype], "undone")
        pending.pop(rdtype, None)
    elif pending.get(rdtype) != list(values):
        ended = _ended(after.get("history", ()), [rdtype], "replaced")
        after["history"] = [*ended, _entry(rdtype, known, values, now)][-_MOST_HISTORY:]
        pending[rdtype] = list(values)
    after |= {"sets": sets, "pending": pending}


def _is_excused(
    config: DnsConfig, after: Baseline, facts: Facts, rdtype: str, known: Sequence[str], values: Sequence[str]
) -> bool:
    """Whether it is the same pool: one of the addresses, or its network, has been seen before."""
    if set(values) == set(known) or not values or not known:
        return False
    if rdtype == "CNAME":
        chain = facts.get("chain", {})
        return config.pool == "always" and chain.get("domain", "") == after.get("provider")
    if not is_pool(config, facts, after, rdtype):
        return False
    networks = {_network(one) for one in known}
    return any(_network(one) in networks for one in values)


def _network(address: str) -> str:
    try:
        length = _NETWORK[ip_address(address).version]
        return str(ip_network(f"{address}/{length}", strict=False))
    except ValueError:  # "and 20 more"
        return address


def _grown(rdtype: str, known: Sequence[str], values: Sequence[str]) -> list[str]:
    if rdtype == "CNAME":
        return list(values)
    return [*known, *(one for one in values if one not in known)][-_MOST_OF_POOL:]


def _entry(rdtype: str, known: Sequence[str], values: Sequence[str], now: datetime) -> dict[str, Any]:
    went, came = contrast(*difference(known, values))
    return {"at": now.isoformat(), "type": rdtype, "went": _brief(went), "came": _brief(came), "end": ""}


def difference(known: Iterable[str], values: Iterable[str]) -> tuple[list[str], list[str]]:
    """What went and what came."""
    return sorted({*known} - {*values}), sorted({*values} - {*known})


def contrast(went: Sequence[str], came: Sequence[str]) -> tuple[list[str], list[str]]:
    """Long values as far as they say what changed: of one that took the place of one, such as SPF or a key,
    the beginning and what differs with a few letters around."""
    if len(went) != 1 or len(came) != 1 or max(len(went[0]), len(came[0])) <= _LONGEST:
        return list(went), list(came)
    old, new = went[0], came[0]
    least = min(len(old), len(new))
    same = next((place for place in range(least) if old[place] != new[place]), least)
    after = next((n for n in range(least - same) if old[-1 - n] != new[-1 - n]), least - same)
    return [_around(old, same, after)], [_around(new, same, after)]


def _around(value: str, same: int, after: int) -> str:
    """``same`` letters at the beginning and ``after`` at the end are those of the other value. Cut between
    words where there are some."""
    first, last = max(0, same - _AROUND), len(value) - max(0, after - _AROUND)
    if first:
        first = value.find(" ", first, same) + 1 or first
    if last < len(value):
        end = value.rfind(" ", len(value) - after, last)
        last = end if end > 0 else last
    head = value[:first] if first <= _HEAD else f"{value[: value.rfind(' ', 0, _HEAD) + 1 or _HEAD]}…"
    middle = value[first:last]
    if len(middle) > _LONGEST:
        middle = f"{middle[: _LONGEST - 1]}…"
    elif last < len(value):
        middle += "…"
    return head + middle


def _brief(values: Sequence[str]) -> list[str]:
    shown = [_short(one) for one in values[:_MOST_SHOWN]]
    return [*shown, f"and {len(values) - _MOST_SHOWN} more"] if len(values) > _MOST_SHOWN else shown


def _short(value: str) -> str:
    """The end tells long keys apart: there is their hash (see ``config.shortened``)."""
    most = _HEAD + 2 * _LONGEST
    return value if len(value) <= most else f"{value[: most - _TAIL - 1]}…{value[-_TAIL:]}"


def _ended(history: Sequence[Facts], types: Sequence[str], how: str) -> list[dict[str, Any]]:
    """Entries of these types that are still open get their end: undone, replaced or expected."""
    return [{**one, "end": how} if one["type"] in types and not one["end"] else dict(one) for one in history]


def note_since(after: dict[str, Any], key: str, lasts: bool | None, now: datetime) -> datetime | None:
    """Since when something lasts; None: it does not. ``lasts`` None: this look cannot tell."""
    since = dict(after.get("since", {}))
    if lasts:
        since.setdefault(key, now.isoformat())
    elif lasts is not None:
        since.pop(key, None)
    if since or "since" in after:
        after["since"] = since
    return moment(since[key]) if lasts and key in since else None


def expect(baseline: Baseline, types: Sequence[str]) -> dict[str, Any]:
    """The baseline after somebody said that what is served of these types is as it should be."""
    pending, after = baseline.get("pending", {}), dict(baseline)
    taken = {rdtype: pending[rdtype] for rdtype in types if rdtype in pending}
    if not taken:
        return after
    after["sets"] = {**baseline.get("sets", {}), **taken}
    after["pending"] = {rdtype: values for rdtype, values in pending.items() if rdtype not in taken}
    after["history"] = _ended(baseline.get("history", ()), list(taken), "expected")
    return after
