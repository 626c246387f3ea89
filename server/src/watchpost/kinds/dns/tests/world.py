"""A little DNS of its own on loopback: parents, zones that can be signed, secondaries with moods, resolvers.

Every server is a real one on a real socket, by UDP and TCP. Zones are read by dnspython from text.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.node
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

from watchpost.core.types import NO_PAST, Observation, Verdict
from watchpost.kinds.dns import KIND
from watchpost.kinds.dns.config import DnsConfig
from watchpost.outbound import Guard, Outbound, Resolver
from watchpost.outbound.tests.nameserver import Speak, speaking
from watchpost.registry import Look

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GUARD = Guard((ip_network("127.0.0.0/8"),))
RESOLVER, PARENT, ONE, TWO, OTHER = (f"127.0.0.{number}" for number in (53, 10, 2, 3, 4))
DEADLINE_S = 20.0  # generous: reached by nobody but those who never answer
Mood = Callable[[dns.message.Message, dns.message.Message, bool], list[bytes]]

TOP = f"""
$ORIGIN test.
@ 3600 SOA ns.test. root.test. 1 7200 900 1209600 300
@ NS ns.test.
ns A {PARENT}
shop NS ns1.shop.test.
shop NS ns2.shop.test.
ns1.shop A {ONE}
ns2.shop A {TWO}
"""
SHOP = f"""
$ORIGIN shop.test.
$TTL 3600
@ SOA ns1.shop.test. root.shop.test. 7 3600 900 1209600 300
@ NS ns1.shop.test.
@ NS ns2.shop.test.
@ A 192.0.2.1
@ AAAA 2001:db8::1
@ MX 10 mail.shop.test.
@ TXT "v=spf1 mx -all"
@ CAA 0 issue "ca.test"
ns1 A {ONE}
ns2 A {TWO}
mail A 192.0.2.25
www CNAME shop.test.
"""
CDN = f"""
$ORIGIN cdn.example.
$TTL 60
@ SOA ns.cdn.example. root.cdn.example. 1 3600 900 1209600 300
@ NS ns.cdn.example.
ns A {OTHER}
edge A 198.51.100.1
edge A 198.51.100.2
"""


def zone_of(text: str, serial: int | None = None) -> dns.zone.Zone:
    zone = dns.zone.from_text(text.strip(), relativize=False)
    if serial is not None:
        with zone.writer() as change:
            change.update_serial(serial, relative=False)
    return zone


def new_key() -> Any:
    return ec.generate_private_key(ec.SECP256R1())


def signed(text: str, key: Any, ends: datetime, days: float = 14.0) -> dns.zone.Zone:
    """The zone with one key, and signatures that end then after a life of so many days."""
    zone = zone_of(text)
    public = dns.dnssec.make_dnskey(key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
    begins = ends - timedelta(days=days)
    dns.dnssec.sign_zone(zone, keys=[(key, public)], inception=begins, expiration=ends)
    return zone


def ds_of(name: str, key: Any) -> str:
    public = dns.dnssec.make_dnskey(key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
    return str(dns.dnssec.make_ds(name, public, "SHA256"))


def with_ds(text: str, *ds: str) -> str:
    return text + "".join(f"shop DS {one}\n" for one in ds)


@dataclass
class Host:
    """One authoritative server. ``mood`` may spoil what it would have said."""

    zones: list[dns.zone.Zone]
    mood: Mood | None = None
    asked: int = 0

    def speak(self, query: dns.message.Message, tcp: bool) -> list[bytes]:
        self.asked += 1
        reply = answer(self.zones, query)
        if self.mood is not None:
            return self.mood(query, reply, tcp)
        return pack(reply, tcp)


def pack(reply: dns.message.Message, tcp: bool) -> list[bytes]:
    try:
        return [reply.to_wire(max_size=65_535 if tcp else 1232)]
    except dns.exception.TooBig:
        reply.answer, reply.authority, reply.additional = [], [], []
        reply.flags |= dns.flags.TC
        return [reply.to_wire()]


def answer(zones: list[dns.zone.Zone], query: dns.message.Message) -> dns.message.Message:
    """What an authoritative server says (RFC 1034, 4.3.2): answer, referral, no data, no name, or REFUSED."""
    reply = dns.message.make_response(query)
    asked = query.question[0]
    fitting = [zone for zone in zones if asked.name.is_subdomain(zone.origin)]
    if not fitting:
        reply.set_rcode(dns.rcode.REFUSED)
        return reply
    zone = max(fitting, key=lambda one: len(one.origin))
    cut = _cut(zone, asked.name)
    if cut is not None and not (cut == asked.name and asked.rdtype == dns.rdatatype.DS):
        _refer(zone, cut, reply)
        return reply
    reply.flags |= dns.flags.AA
    node = zone.get_node(asked.name)
    wants = bool(query.ednsflags & dns.flags.DO)
    found = [] if node is None else _records(node, asked.name, asked.rdtype, wants)
    if not found and node is not None and asked.rdtype != dns.rdatatype.CNAME:
        found = _records(node, asked.name, dns.rdatatype.CNAME, wants)
    reply.answer.extend(found)
    if not found:
        if node is None and not any(name.is_subdomain(asked.name) for name in zone.nodes):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        reply.authority.extend(_records(zone.nodes[zone.origin], zone.origin, dns.rdatatype.SOA, wants))
    return reply


def _cut(zone: dns.zone.Zone, name: dns.name.Name) -> dns.name.Name | None:
    while name != zone.origin:
        node = zone.get_node(name)
        if node is not None and node.get_rdataset(dns.rdataclass.IN, dns.rdatatype.NS):
            return name
        name = name.parent()
    return None


def _refer(zone: dns.zone.Zone, cut: dns.name.Name, reply: dns.message.Message) -> None:
    reply.authority.extend(_records(zone.nodes[cut], cut, dns.rdatatype.NS, False))
    for one in reply.authority[0]:
        node = zone.get_node(one.target) if one.target.is_subdomain(zone.origin) else None
        if node is not None:
            reply.additional.extend(_records(node, one.target, dns.rdatatype.A, False))


def _records(node: dns.node.Node, name: dns.name.Name, rdtype: Any, wants: bool) -> list[dns.rrset.RRset]:
    found = []
    for one in node.rdatasets:
        if one.rdtype == rdtype or (wants and one.rdtype == dns.rdatatype.RRSIG and one.covers == rdtype):
            rrset = dns.rrset.from_rdata_list(name, one.ttl, list(one))
            found.append(rrset)
    return sorted(found, key=lambda rrset: rrset.rdtype == dns.rdatatype.RRSIG)


@dataclass
class World:
    """Which server holds which zones. The resolver knows what ``knows`` says, or what the servers hold."""

    hosts: dict[str, Host] = field(default_factory=dict)
    knows: list[dns.zone.Zone] | None = None
    broken: set[str] = field(default_factory=set)  # zones the resolver answers SERVFAIL for
    bogus: set[str] = field(default_factory=set)  # those it answers only without validation
    hangs: set[str] = field(default_factory=set)  # those it never comes back from
    silent: bool = False

    def resolve(self, query: dns.message.Message, tcp: bool) -> list[bytes]:
        """A resolver: follows delegations by knowing every zone, and CNAMEs."""
        if self.silent or any(
            query.question[0].name.is_subdomain(dns.name.from_text(one)) for one in self.hangs
        ):
            return []
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        asked = query.question[0]
        checks = not query.flags & dns.flags.CD
        if any(asked.name.is_subdomain(dns.name.from_text(one)) for one in self.broken) or (
            checks and any(asked.name.is_subdomain(dns.name.from_text(one)) for one in self.bogus)
        ):
            reply.set_rcode(dns.rcode.SERVFAIL)
            return [reply.to_wire()]
        zones = self.knows
        if zones is None:
            every = {zone.origin: zone for host in self.hosts.values() for zone in reversed(host.zones)}
            zones = list(every.values())
        name = asked.name
        for _ in range(9):
            step = dns.message.make_query(name, asked.rdtype)
            part = answer(zones, step)
            reply.answer.extend(part.answer)
            reply.authority = part.authority if not part.answer else []
            reply.set_rcode(dns.rcode.NXDOMAIN if part.rcode() == dns.rcode.REFUSED else part.rcode())
            alias = next((one for one in part.answer if one.rdtype == dns.rdatatype.CNAME), None)
            if alias is None or asked.rdtype == dns.rdatatype.CNAME:
                return pack(reply, tcp)
            name = alias[0].target
        reply.answer = []
        reply.set_rcode(dns.rcode.SERVFAIL)
        return pack(reply, tcp)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        servers: dict[str, Speak] = {RESOLVER: self.resolve}
        servers |= {address: host.speak for address, host in self.hosts.items()}
        async with speaking(servers) as port:
            yield port


def shop(text: str = SHOP, top: str = TOP) -> World:
    """The zone at two servers and its parent at a third; beside them a content network."""
    return World(
        {
            PARENT: Host([zone_of(top)]),
            ONE: Host([zone_of(text)]),
            TWO: Host([zone_of(text)]),
            OTHER: Host([zone_of(CDN)]),
        }
    )


async def look(
    world: World,
    domain: str = "shop.test",
    baseline: Mapping[str, Any] | None = None,
    now: datetime = NOW,
    deadline_s: float = DEADLINE_S,
    guard: Guard = GUARD,
    **more: Any,
) -> tuple[Observation, Verdict]:
    """One look with everything real but the clock."""
    async with world.open() as port:
        outbound = Outbound(guard, Resolver([f"{RESOLVER}:{port}"]))
        config = DnsConfig.model_validate({"domain": domain, "port": port} | more)
        assert KIND.probe is not None
        seen = await KIND.probe(Look(7, 3, config, deadline_s), outbound, now)
        assert outbound.open_sockets == 0
        await outbound.close()
    return seen, KIND.judge(config, seen, baseline or {}, NO_PAST, now)


def codes(verdict: Verdict) -> list[str]:
    return sorted(one.code for one in verdict.findings)
