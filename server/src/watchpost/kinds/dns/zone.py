"""Which zone a name belongs to, who is to serve it according to the parent, and where those servers are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from watchpost.kinds.dns.ask import Asking, is_answer
from watchpost.kinds.dns.config import DnsConfig, read_server
from watchpost.kinds.dns.records import (
    is_authoritative,
    name_of,
    names_of,
    owner_of_soa,
    rcode_of,
    rrset_of,
    text_of,
    values_of,
)

_MOST_NAMES, _MOST_ADDRESSES = 12, 16
_PARENTS_ASKED = 3
_MOST_SILENCES = (
    2  # a resolver may wait long for a dead zone; one that is silent about its parent is dead itself
)


@dataclass(frozen=True)
class Server:
    """One address of a name server."""

    name: str
    at: tuple[str, int]


@dataclass
class Zone:
    """``delegated`` and ``ds`` are what the parent says; None: it was not asked, or did not tell."""

    name: str = ""
    parent: str = ""
    delegated: list[str] | None = None
    ds: list[str] | None = None
    servers: list[Server] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # name of a server -> why it has no address
    more_servers: int = 0
    failure: dict[str, str] | None = None
    explicit: bool = False
    unheard: bool = False  # no resolver can tell of it
    inside: bool = False  # the name is no zone of its own: it lies in that of the servers that were asked


async def find_zone(config: DnsConfig, asking: Asking) -> Zone:
    """Never raises but for cancellation; without servers ``failure`` or ``missing`` says why."""
    if config.servers:
        return await _given(config, asking)
    cut, broken, sentence = await _cut_above(name_of(config.name), asking)
    if cut is None:
        return Zone(failure={"kind": "unanswered", "sentence": sentence})
    glue: dict[str, list[str]] = {}
    if broken is not None:  # whatever it is delegated to is silent or broken, and only the parent knows it
        zone = Zone(text_of(broken), text_of(cut), unheard=True)
        glue = await _ask_parent(zone, asking, config.port, look_for_cut=True)
        if zone.delegated is None and not zone.inside:
            zone.failure = {"kind": "unanswered", "sentence": sentence}
            return zone
    if broken is None or zone.inside:
        parent = None if cut == dns.name.root else (await _cut_above(cut.parent(), asking))[0]
        zone = Zone(text_of(cut), text_of(parent) if parent is not None else "")
        if zone.parent:
            glue = await _ask_parent(zone, asking, config.port, look_for_cut=False)
    own = [] if zone.unheard else await _own_names(zone.name, asking)
    await _locate(zone, sorted({*(zone.delegated or ()), *own}), glue, asking, config.port)
    return zone


async def _given(config: DnsConfig, asking: Asking) -> Zone:
    """The servers that somebody wrote down. One of them says which zone it is."""
    zone = Zone(explicit=True)
    for text in config.servers:
        host, port = read_server(text)
        await _place(zone, host, port or config.port, {}, asking)
    zone.name = config.name
    name = name_of(config.name)
    while (
        name != dns.name.root and zone.servers
    ):  # a CNAME hides the zone it stands in: ask for the name above
        said = await asyncio.gather(*(asking.server(name.to_text(), "SOA", one.at) for one in zone.servers))
        messages = [one.message for one in said if one.message is not None]
        owners = [owner for one in messages if (owner := owner_of_soa(one, name)) is not None]
        if owners:
            zone.name = text_of(max(owners, key=len))
        if owners or not messages:
            break
        name = name.parent()
    return zone


async def _cut_above(
    name: dns.name.Name, asking: Asking
) -> tuple[dns.name.Name | None, dns.name.Name | None, str]:
    """The zone that ``name`` lies in, the lowest name below it that no resolver can tell of, and why."""
    broken: dns.name.Name | None = None
    sentence, silences, first = "", 0, ""
    while True:
        said = await asking.resolvers(name.to_text(), "SOA")
        if said.message is not None and is_answer(said.message):
            owner = owner_of_soa(said.message, name)
            if owner is not None:
                return owner, broken, sentence
            first = first or rcode_of(said.message)
        else:
            broken = broken or name
            rcode = (
                f"it answers {dns.rcode.to_text(said.message.rcode())}" if said.message is not None else ""
            )
            sentence = said.failure.sentence if said.failure is not None else rcode
            silences += said.failure is not None
        if name == dns.name.root or asking.unfinished or silences >= _MOST_SILENCES:
            return None, broken, sentence or _no_zone(first)
        name = name.parent()


def _no_zone(rcode: str) -> str:
    """A name that only a resolver knows (``localhost``, RFC 6761), or a resolver that leaves the SOA out."""
    said = "say that it does not exist (NXDOMAIN)" if rcode == "NXDOMAIN" else f"answer ({rcode})"
    return f"our resolvers {said}, but not which zone it belongs to: no answer has the SOA record of one"


async def _ask_parent(zone: Zone, asking: Asking, port: int, look_for_cut: bool) -> dict[str, list[str]]:
    """Fills in what the parent says, and gives the addresses that came along (glue)."""
    parents = await _own_names(zone.parent, asking)
    asked = 0
    for name in parents:
        for address in (await asking.addresses(name))[0]:
            if asked >= _PARENTS_ASKED:
                return {}
            at, asked = (address, port), asked + 1
            said = await asking.server(zone.name, "NS", at)
            if said.message is None or not is_answer(said.message):
                continue
            found = _referral(said.message, name_of(zone.name), name_of(zone.parent))
            if found is None:
                zone.inside = is_authoritative(said.message)
                if zone.inside:
                    return {}
                continue
            if look_for_cut:
                zone.name = text_of(found[0])
            zone.delegated = found[1]
            answer = await asking.server(zone.name, "DS", at)
            if answer.message is not None and is_answer(answer.message):
                zone.ds = values_of(rrset_of(answer.message, name_of(zone.name), "DS"))
            return _glue(said.message)
    return {}


def _referral(
    message: dns.message.Message, name: dns.name.Name, parent: dns.name.Name
) -> tuple[dns.name.Name, list[str]] | None:
    """Owner and names of the NS records that a parent answers with: in the authority section, or as an
    answer when it serves the child as well."""
    for one in [*message.answer, *message.authority]:
        if one.rdtype == dns.rdatatype.NS and name.is_subdomain(one.name) and one.name != parent:
            return one.name, names_of(one)
    return None


def _glue(message: dns.message.Message) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in message.additional:
        if one.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
            found.setdefault(text_of(one.name), []).extend(rdata.address for rdata in one)
    return found


async def _own_names(zone: str, asking: Asking) -> list[str]:
    said = await asking.resolvers(zone, "NS")
    return names_of(rrset_of(said.message, name_of(zone), "NS")) if said.message is not None else []


async def _locate(
    zone: Zone, names: Sequence[str], glue: dict[str, list[str]], asking: Asking, port: int
) -> None:
    await asyncio.gather(*(_place(zone, name, port, glue, asking) for name in names[:_MOST_NAMES]))
    zone.servers.sort(key=lambda one: (one.name, ":" in one.at[0], one.at))
    distinct = list({one.at: one for one in reversed(zone.servers)}.values())[::-1]
    zone.more_servers = len(distinct[_MOST_ADDRESSES:]) + len(names[_MOST_NAMES:])
    zone.servers = distinct[:_MOST_ADDRESSES]


async def _place(zone: Zone, name: str, port: int, glue: dict[str, list[str]], asking: Asking) -> None:
    """The addresses of one name server. Those that came with the delegation count where resolvers are of
    no help, and for a server inside its own zone, which is only found by them."""
    found, why = ([], "") if zone.unheard and name in glue else await asking.addresses(name)
    if not found and (why != "nxdomain" or name_of(name).is_subdomain(name_of(zone.name))):
        found = glue.get(name, [])
    if not found:
        zone.missing[name] = why
    zone.servers.extend(Server(name, (address, port)) for address in found)
