"""Every specimen, on real DNS servers, gives exactly the expected finding codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from watchpost.kinds.dns import KIND
from watchpost.kinds.dns.tests.world import (
    CDN,
    NOW,
    ONE,
    OTHER,
    PARENT,
    SHOP,
    TOP,
    TWO,
    World,
    codes,
    ds_of,
    look,
    new_key,
    pack,
    shop,
    signed,
    with_ds,
    zone_of,
)
from watchpost.outbound import Guard

DAY = timedelta(days=1)
KEY = new_key()


@dataclass(frozen=True)
class Specimen:
    """``before`` is what was there when the baseline was learned; ``wait_s`` lies between two more looks."""

    name: str
    world: Callable[[], World]
    codes: list[str] = field(default_factory=list)
    domain: str = "shop.test"
    before: Callable[[], World] | None = None
    wait_s: float = 0.0
    more: dict[str, Any] = field(default_factory=dict)


def moody(mood: Any, *hosts: str, text: str = SHOP) -> Callable[[], World]:
    def build() -> World:
        world = shop(text)
        for host in hosts:
            world.hosts[host].mood = mood
        return world

    return build


def silent(query: Any, reply: Any, tcp: bool) -> list[bytes]:
    return []


def rcode(code: dns.rcode.Rcode, *types: str) -> Any:
    def mood(query: dns.message.Message, reply: dns.message.Message, tcp: bool) -> list[bytes]:
        if not types or query.question[0].rdtype.name in types:
            reply.answer = []
            reply.set_rcode(code)
        return pack(reply, tcp)

    return mood


def without_authority(query: Any, reply: dns.message.Message, tcp: bool) -> list[bytes]:
    reply.flags &= ~dns.flags.AA
    return pack(reply, tcp)


def other_names(query: dns.message.Message, reply: Any, tcp: bool) -> list[bytes]:
    wrong = dns.message.make_query("evil.test", query.question[0].rdtype, id=query.id)
    return pack(dns.message.make_response(wrong), tcp)


def garbage(query: dns.message.Message, reply: Any, tcp: bool) -> list[bytes]:
    return [query.id.to_bytes(2, "big") + b"\x84\x00\x00\x01\x00\x07\x00\x00\x00\x00\xff\xff\xff"]


def truncates(with_tcp: bool) -> Any:
    def mood(query: Any, reply: dns.message.Message, tcp: bool) -> list[bytes]:
        if tcp:
            return pack(reply, True) if with_tcp else []
        reply.answer = []
        reply.flags |= dns.flags.TC
        return pack(reply, False)

    return mood


def lags() -> Any:
    """Every first packet is lost."""
    seen: set[int] = set()

    def mood(query: dns.message.Message, reply: dns.message.Message, tcp: bool) -> list[bytes]:
        known = query.id in seen
        seen.add(query.id)
        return pack(reply, tcp) if known else []

    return mood


def lies(rdtype: str, text: str) -> Any:
    def mood(query: dns.message.Message, reply: dns.message.Message, tcp: bool) -> list[bytes]:
        asked = query.question[0]
        if asked.rdtype.name == rdtype:
            reply.answer = [dns.rrset.from_text(asked.name, 3600, "IN", rdtype, text)]
        return pack(reply, tcp)

    return mood


def turning() -> Any:
    """The same addresses in another order each time, TTL 0."""
    turn = [0]

    def mood(query: dns.message.Message, reply: dns.message.Message, tcp: bool) -> list[bytes]:
        for rrset in reply.answer:
            turn[0] += 1
            every = list(rrset)
            reply.answer = [
                dns.rrset.from_rdata_list(
                    rrset.name, 0, every[turn[0] % len(every) :] + every[: turn[0] % len(every)]
                )
            ]
        return pack(reply, tcp)

    return mood


def edited(*changes: tuple[str, str], serial: int = 8, top: str = TOP) -> Callable[[], World]:
    """The zone after somebody changed it at both servers."""
    text = SHOP.replace(" 7 3600", f" {serial} 3600")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return lambda: shop(text, top)


def second(text: str) -> Callable[[], World]:
    """The second server has another version of the zone."""

    def build() -> World:
        world = shop()
        world.hosts[TWO].zones = [zone_of(text)]
        return world

    return build


def secure(
    left: timedelta = 10 * DAY, days: float = 14.0, ds: str = "", text: str = SHOP
) -> Callable[[], World]:
    def build() -> World:
        world = shop(top=with_ds(TOP, ds or ds_of("shop.test.", KEY)))
        zone = signed(text, KEY, NOW + left, days)
        world.hosts[ONE].zones = world.hosts[TWO].zones = [zone]
        return world

    return build


def forged() -> World:
    """Signed, and then the SOA record was edited by hand."""
    world = secure()()
    zone = world.hosts[ONE].zones[0]
    soa = zone.find_rdataset(zone.origin, "SOA")
    edited = soa[0].replace(serial=99)
    soa.clear()
    soa.add(edited)
    return world


def undelegated() -> World:
    """The registration has run out; the old name servers know nothing of it."""
    world = shop(top=TOP.split("shop NS")[0])
    world.knows = world.hosts[PARENT].zones
    return world


def with_glue_left(more: str = "") -> Callable[[], World]:
    def build() -> World:
        top = "\n".join(line for line in TOP.splitlines() if not line.startswith("shop NS"))
        world = shop(top=f"{top}\n{more}")
        world.knows = world.hosts[PARENT].zones
        return world

    return build


def stale_resolver() -> World:
    world = edited(("192.0.2.1", "192.0.2.7"))()
    world.knows = [zone_of(TOP), zone_of(SHOP)]
    return world


def broken_for_resolvers(bogus: bool = False, mood: Any = None) -> Callable[[], World]:
    def build() -> World:
        world = moody(mood, ONE, TWO)() if mood else shop()
        (world.bogus if bogus else world.broken).add("shop.test")
        return world

    return build


def dead_resolver() -> World:
    world = shop()
    world.silent = True
    return world


def content_network(text: str = CDN) -> Callable[[], World]:
    def build() -> World:
        world = shop(SHOP.replace("www CNAME shop.test.", "www CNAME edge.cdn.example."))
        world.hosts[OTHER].zones = [zone_of(text)]
        return world

    return build


GONE_NS = ("@ NS ns2.shop.test.", "@ NS ns2.shop.test.\n@ NS ns.gone.example.")
OTHER_NS = (("@ NS ns2.shop.test.", "@ NS ns3.shop.test."), ("ns2 A 127.0.0.3", "ns3 A 127.0.0.3"))
LOOP = ("www CNAME shop.test.", "www CNAME a.shop.test.\na CNAME b.shop.test.\nb CNAME www.shop.test.")
NO_AAAA = ("@ AAAA 2001:db8::1\n", "")
SHORT = ("@ A 192.0.2.1", "@ 30 A 192.0.2.1")
DRIFT = SHOP.replace(" 7 3600", " 6 3600")
OLD_MX = DRIFT.replace("10 mail", "20 mail")
LATER = 7300.0  # twice the refresh of the zone, and a little

ZOO = [
    Specimen("all is well", shop),
    Specimen("a name in the zone", shop, domain="mail.shop.test"),
    Specimen("a CNAME in the zone", shop, domain="www.shop.test"),
    Specimen("a name without any record of its kind", shop, domain="mail.shop.test", more={"records": ["MX"]}),
    Specimen("no such name", shop, ["dns.nxdomain"], domain="missing.shop.test"),
    Specimen("the delegation is gone", undelegated, ["dns.nxdomain"], before=shop),
    Specimen("the delegation is gone, and glue is left", with_glue_left(), ["dns.nxdomain"], before=shop),
    Specimen("a name whose zone is not delegated any more", with_glue_left(), ["dns.nxdomain"],
             domain="mail.shop.test", before=shop),
    Specimen("a zone that became part of the one above", with_glue_left("shop A 192.0.2.1\n"),
             ["dns.name_servers_changed"], before=shop, more={"records": ["NS", "A"]}),
    Specimen("one is silent", moody(silent, TWO), ["dns.server_silent"], before=shop),
    Specimen("all are silent", moody(silent, ONE, TWO), ["dns.no_answer"], before=shop),
    Specimen("all silent, so resolvers give up", broken_for_resolvers(mood=silent), ["dns.no_answer"], before=shop),
    Specimen("all refuse", moody(rcode(dns.rcode.REFUSED), ONE, TWO), ["dns.no_answer"], before=shop),
    Specimen("one refuses", moody(rcode(dns.rcode.REFUSED), TWO), ["dns.server_lame"]),
    Specimen("one says SERVFAIL", moody(rcode(dns.rcode.SERVFAIL), TWO), ["dns.server_lame"]),
    Specimen("one says SERVFAIL for mail alone", moody(rcode(dns.rcode.SERVFAIL, "MX"), TWO), ["dns.server_lame"]),
    Specimen("one answers without authority", moody(without_authority, ONE), ["dns.server_lame"]),
    Specimen("one answers for other names", moody(other_names, ONE), ["dns.server_lame"]),
    Specimen("one sends garbage", moody(garbage, ONE), ["dns.server_lame"]),
    Specimen("one cuts off and has TCP", moody(truncates(True), ONE)),
    Specimen("one cuts off and has no TCP", moody(truncates(False), ONE), ["dns.server_silent"]),
    Specimen("one loses every first packet", moody(lags(), ONE)),
    Specimen("one lies about addresses", moody(lies("A", "203.0.113.66"), TWO),
             ["dns.records_changed", "dns.servers_disagree"], before=shop, wait_s=LATER),
    Specimen("one lies about mail", moody(lies("MX", "5 evil.test."), TWO), ["dns.servers_disagree"], before=shop, wait_s=LATER),
    Specimen("one denies the name", moody(rcode(dns.rcode.NXDOMAIN, "A", "AAAA", "MX"), TWO),
             ["dns.servers_disagree"], before=shop, wait_s=LATER),
    Specimen("other addresses by each from the start", second(SHOP.replace("@ A 192.0.2.1", "@ A 198.51.100.9")), wait_s=LATER),
    Specimen("a version behind, for a moment", second(OLD_MX), before=shop),
    Specimen("a version behind, for long", second(DRIFT), ["dns.soa_drift"], before=shop, wait_s=LATER),
    Specimen("a version with other mail servers, for long", second(OLD_MX), ["dns.servers_disagree", "dns.soa_drift"], wait_s=LATER),
    Specimen("a grace by word", second(DRIFT), ["dns.soa_drift"], more={"grace": "1s"}, wait_s=5.0),
    Specimen("a name server without a name", edited(GONE_NS, top=TOP + "shop NS ns.gone.example.\n"), ["dns.name_server_gone"]),
    Specimen("the parent names fewer", lambda: shop(top=TOP.replace("shop NS ns2.shop.test.\n", "")),
             ["dns.delegation_differs"], wait_s=LATER),
    Specimen("other name servers in the zone", edited(*OTHER_NS), ["dns.name_servers_changed"], before=shop),
    Specimen("other name servers at the parent", lambda: shop(top=TOP.replace("ns2.shop", "ns3.shop") + f"ns3.shop A {TWO}\n"),
             ["dns.name_servers_changed"], before=shop),
    Specimen("name servers nobody watches", edited(*OTHER_NS), before=shop, more={"records": ["A"]}),
    Specimen("another address", edited(("192.0.2.1\n", "192.0.2.7\n")), ["dns.records_changed"], before=shop),
    Specimen("one address more", edited(("@ A 192.0.2.1", "@ A 192.0.2.1\n@ A 192.0.2.7")), ["dns.records_changed"], before=shop),
    Specimen("no address any more", edited(("@ A 192.0.2.1\n", "")), ["dns.records_gone"], before=shop),
    Specimen("mail and text", edited(("10 mail", "20 mail"), ("-all", "~all")), ["dns.records_changed"] * 2, before=shop),
    Specimen("another letter case", edited(("10 mail.shop.test.", "10 MAIL.Shop.Test."))),
    Specimen("a short TTL, the same network", edited(("@ A 192.0.2.1", "@ 30 A 192.0.77.7")), before=edited(SHORT, serial=7)),
    Specimen("a short TTL, another network", edited(("@ A 192.0.2.1", "@ 30 A 203.0.113.7")), ["dns.records_changed"],
             before=edited(SHORT, serial=7)),
    Specimen("a pool by word", edited(("@ A 192.0.2.1", "@ A 192.0.3.9")), before=shop, more={"pool": "always"}),
    Specimen("no pool by word", edited(("@ A 192.0.2.1", "@ 30 A 192.0.3.9")), ["dns.records_changed"], before=shop, more={"pool": "never"}),
    Specimen("turning answers", moody(turning(), ONE, TWO, text=SHOP.replace("@ A 192.0.2.1", "@ A 192.0.2.1\n@ A 192.0.2.2\n@ A 192.0.2.3")),
             before=edited(("@ A 192.0.2.1", "@ A 192.0.2.3\n@ A 192.0.2.2\n@ A 192.0.2.1"), serial=7), wait_s=LATER),
    Specimen("a content network moves on", content_network(CDN.replace("198.51.100", "203.0.113")), domain="www.shop.test",
             before=content_network(), wait_s=LATER),
    Specimen("from a content network to another", edited(("www CNAME shop.test.", "www CNAME edge.evil.example.")),
             ["dns.dangling_cname", "dns.records_changed"], domain="www.shop.test", before=content_network()),
    Specimen("a CNAME to nothing", edited(("www CNAME shop.test.", "www CNAME gone.cdn.example.")), ["dns.dangling_cname"], domain="www.shop.test"),
    Specimen("a CNAME to nothing in the zone", edited(("www CNAME shop.test.", "www CNAME gone.shop.test.")), ["dns.dangling_cname"],
             domain="www.shop.test"),
    Specimen("a CNAME into the zone above", lambda: shop(SHOP.replace("www CNAME shop.test.", "www CNAME parked.test."), TOP + "parked A 192.0.2.9\n"),
             domain="www.shop.test"),
    Specimen("a CNAME to nothing in the zone above", edited(("www CNAME shop.test.", "www CNAME gone.test.")), ["dns.dangling_cname"],
             domain="www.shop.test"),
    Specimen("a CNAME in a circle", edited(LOOP), ["dns.cname_loop"], domain="www.shop.test", wait_s=LATER),
    Specimen("a CNAME to itself", edited(("www CNAME shop.test.", "www CNAME www.shop.test.")), ["dns.cname_loop"], domain="www.shop.test"),
    Specimen("expected, and so", shop, more={"expect": {"A": "192.0.2.1", "MX": ["10 mail.shop.test."], "CAA": ['0 issue "ca.test"']},
                                            "must_include": {"TXT": "v=spf1 *"}}),
    Specimen("expected, and not so", shop, ["dns.expectation_failed"] * 2, more={"expect": {"A": ["192.0.2.9"]}, "must_include": {"TXT": ["v=DKIM1*"]}}),
    Specimen("expected to be empty", shop, ["dns.expectation_failed"], more={"expect": {"AAAA": []}}),
    Specimen("expected through a CNAME", shop, domain="www.shop.test", more={"expect": {"A": ["192.0.2.1"], "CNAME": "shop.test"}}),
    Specimen("signed", secure()),
    Specimen("signed, and young all its life", secure(timedelta(hours=25), days=50 / 24)),
    Specimen("signatures end soon", secure(DAY), ["dns.signature_expires_soon"]),
    Specimen("signatures have ended", secure(-DAY), ["dns.signature_expired"]),
    Specimen("a DS for another key", secure(ds=ds_of("shop.test.", new_key())), ["dns.dnssec_broken"]),
    Specimen("a DS and no signatures", lambda: shop(top=with_ds(TOP, ds_of("shop.test.", KEY))), ["dns.dnssec_broken"]),
    Specimen("signed, then edited by hand", forged, ["dns.dnssec_broken"]),
    Specimen("a DS of a kind nobody knows", secure(ds="1 250 250 00ff")),
    Specimen("a DS with the number of the key and another digest", secure(ds=ds_of("shop.test.", KEY)[:-4] + "0000"), ["dns.dnssec_broken"]),
    Specimen("signatures that ended where no DS vouches", lambda: _unanchored(), []),
    Specimen("a resolver that validates refuses it", broken_for_resolvers(bogus=True), ["dns.dnssec_broken"]),
    Specimen("a new DS", secure(), ["dns.ds_changed"], before=shop),
    Specimen("the DS is gone", shop, ["dns.ds_changed"], before=secure()),
    Specimen("a resolver remembers the old", stale_resolver, ["dns.records_changed"], before=shop),
    Specimen("a resolver remembers the old for ever", stale_resolver, ["dns.resolver_disagrees"], wait_s=LATER),
    Specimen("our resolver is silent", dead_resolver, ["dns.unresolved"], before=shop),
    Specimen("our resolver alone is broken", broken_for_resolvers(), ["dns.resolver_disagrees"], before=shop, wait_s=LATER),
]  # fmt: skip


def _unanchored() -> World:
    world = secure(-DAY)()
    world.hosts[PARENT].zones = [zone_of(TOP)]
    return world


@pytest.mark.parametrize("animal", ZOO, ids=lambda one: one.name)
async def test_it_is_called_by_its_name(animal: Specimen) -> None:
    baseline: dict[str, Any] = {}
    if animal.before is not None:
        _, verdict = await look(animal.before(), animal.domain, now=NOW - DAY, **animal.more)
        assert codes(verdict) == []
        baseline = dict(verdict.baseline or {})
    world, now = animal.world(), NOW
    seen, verdict = await look(world, animal.domain, baseline, now, **animal.more)
    if animal.wait_s:
        now += timedelta(seconds=animal.wait_s)
        seen, verdict = await look(world, animal.domain, verdict.baseline or baseline, now, **animal.more)
    assert codes(verdict) == animal.codes
    for finding in verdict.findings:
        assert finding.code in KIND.codes
        assert finding.sentence.endswith(".")
        assert finding.fix.endswith((".", ")"))
        assert f"host:{animal.domain}" in finding.joins
    assert len(json.dumps(dict(seen.facts))) < 4000
    assert len(json.dumps(dict(verdict.baseline or {}))) < 4000


async def test_closed_addresses() -> None:
    seen, verdict = await look(shop(), guard=Guard(()))
    assert codes(verdict) == ["dns.refused_by_guard"]
    assert "127.0.0.2 is a loopback address" in verdict.findings[0].sentence
    assert seen.outcome == "refused"


def test_no_animal_is_there_twice() -> None:
    assert len({animal.name for animal in ZOO}) == len(ZOO)
