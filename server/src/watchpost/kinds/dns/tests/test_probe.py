"""The probe alone: how a zone is found when resolvers help and when not, and what bounds a look."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import timedelta
from time import monotonic
from typing import Any

import dns.message
import dns.name
import dns.rcode
import pytest

from watchpost.core.types import Outcome
from watchpost.kinds.dns import KIND
from watchpost.kinds.dns.ask import Asking
from watchpost.kinds.dns.config import DnsConfig
from watchpost.kinds.dns.tests.test_zoo import moody, silent
from watchpost.kinds.dns.tests.world import (
    GUARD,
    NOW,
    ONE,
    OTHER,
    PARENT,
    RESOLVER,
    SHOP,
    TOP,
    TWO,
    Host,
    World,
    codes,
    look,
    shop,
    zone_of,
)
from watchpost.outbound import Outbound, Resolver
from watchpost.registry import Look


async def test_what_a_look_finds() -> None:
    seen, verdict = await look(shop())
    facts = seen.facts
    assert (seen.outcome, facts["zone"], facts["refresh"]) == (Outcome.OK, "shop.test", 3600)
    assert facts["parent"] == {"name": "test", "delegated": ["ns1.shop.test", "ns2.shop.test"], "ds": []}
    assert [(one["name"], one["at"], one["serial"]) for one in facts["servers"]] == [
        ("ns1.shop.test", ONE, 7),
        ("ns2.shop.test", TWO, 7),
    ]
    assert facts["records"]["CAA"] == [{"values": ["0 issue ca.test"], "from": [0, 1], "ttl": 3600}]
    assert facts["resolvers"][0]["records"] == {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}
    assert seen.phases.dns > 0
    assert seen.phases.wait > 0
    assert seen.address in (ONE, TWO)
    assert len(json.dumps(dict(facts))) < 1500
    assert set(verdict.baseline or {}) == {"of", "zone", "sets", "pending"}


async def test_a_name_below_the_zone() -> None:
    facts = (await look(shop(), "www.shop.test"))[0].facts
    assert facts["zone"] == "shop.test"
    assert facts["records"]["CNAME"][0]["values"] == ["shop.test"]
    assert facts["chain"] == {
        "names": ["www.shop.test", "shop.test"], "end": "exists", "domain": "shop.test", "foreign": False,
    }  # fmt: skip
    assert set(facts["records"]) == {"NS", "CNAME"}  # what a CNAME leads to is not a record of the name


async def test_nobody_but_who_serves_the_zone_is_asked_about_it() -> None:
    world = shop()
    await look(world)
    assert world.hosts[PARENT].asked == 2  # NS and DS
    assert world.hosts[OTHER].asked == 0
    assert world.hosts[ONE].asked == world.hosts[TWO].asked == 8  # SOA and all types but DS


async def test_who_is_silent_is_asked_once_and_costs_itself_alone() -> None:
    world = moody(silent, TWO)()
    began = monotonic()
    seen, _ = await look(world)
    assert monotonic() - began < 15
    assert world.hosts[TWO].asked == 3  # one question in three packets
    assert len(seen.facts["records"]) == 7


@pytest.mark.parametrize("how", ["broken", "hangs"])
async def test_dead_servers_are_named_also_when_resolvers_give_up_and_time_is_short(how: str) -> None:
    """A second look has few seconds, and a resolver may take them all about a zone that is dead."""
    world = moody(silent, ONE, TWO)()
    getattr(world, how).add("shop.test")
    began = monotonic()
    seen, verdict = await look(world, deadline_s=8.0)
    assert codes(verdict) == ["dns.no_answer"]
    assert [one["at"] for one in seen.facts["servers"]] == [ONE, TWO]  # the parent sent their addresses along
    assert monotonic() - began < 15
    assert seen.outcome is Outcome.TIMEOUT


class NoSoa(World):
    """Its resolver says what exists, and leaves out the record of the zone."""

    def resolve(self, query: dns.message.Message, tcp: bool) -> list[bytes]:
        reply = dns.message.make_response(query)
        if query.question[0].name == dns.name.from_text("localhost"):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return [reply.to_wire()]


@pytest.mark.parametrize(
    ("name", "said"), [("localhost", "does not exist (NXDOMAIN)"), ("co.test", "(NOERROR)")]
)
async def test_a_name_whose_zone_no_answer_tells_is_no_question_of_time(name: str, said: str) -> None:
    seen, verdict = await look(NoSoa(), name)
    [finding] = verdict.findings
    assert finding.code == "dns.unresolved"
    assert said in finding.sentence
    assert "no answer has the SOA record" in finding.sentence
    assert "no time" not in finding.sentence
    assert seen.total_ms < 5000


async def test_a_deadline_holds_whoever_is_silent() -> None:
    world = moody(silent, ONE, TWO, PARENT)()
    world.silent = True
    async with asyncio.timeout(15):
        seen, verdict = await look(world, deadline_s=1.0)
    assert codes(verdict) == ["dns.unresolved"]
    assert seen.total_ms < 10_000


async def test_cancelling_leaves_nothing_open() -> None:
    world = moody(silent, ONE, TWO)()
    async with world.open() as port:
        outbound = Outbound(GUARD, Resolver([f"{RESOLVER}:{port}"]))
        config = DnsConfig.model_validate({"domain": "shop.test", "port": port})
        assert KIND.probe is not None
        task = asyncio.ensure_future(KIND.probe(Look(7, 3, config, 20.0), outbound, NOW))
        while not world.hosts[TWO].asked:
            await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert outbound.open_sockets == 0
        await outbound.close()


async def test_a_private_zone_is_asked_where_it_is_said_to_be() -> None:
    world = shop()
    world.knows = []  # no resolver has heard of it
    async with world.open() as port:
        outbound = Outbound(GUARD, Resolver([f"{RESOLVER}:{port}"]))
        config = DnsConfig.model_validate(
            {"domain": "www.shop.test", "servers": [f"{ONE}:{port}", TWO], "port": port}
        )
        assert KIND.probe is not None
        seen = await KIND.probe(Look(7, 3, config, 20.0), outbound, NOW)
        await outbound.close()
    assert seen.facts["zone"] == "shop.test"
    assert [one["serial"] for one in seen.facts["servers"]] == [7, 7]
    assert "parent" not in seen.facts
    assert "resolvers" not in seen.facts
    assert seen.facts["chain"]["end"] == "exists"


async def test_a_huge_and_hostile_zone_stays_small() -> None:
    servers = [f"ns{number}.shop.test." for number in range(40)]
    text = SHOP + "".join(
        f"@ NS {one}\n{one} A {ONE}\n" for one in servers if one not in ("ns1.shop.test.", "ns2.shop.test.")
    )
    text += "".join(f"@ MX {number} {'m' * 60}.{'x' * 60}{number}.shop.test.\n" for number in range(300))
    text += "".join(f'@ TXT "{chr(92)}027[31m<script>{number}{"y" * 200}"\n' for number in range(60))
    world = World({PARENT: Host([zone_of(TOP)]), ONE: Host([zone_of(text)]), TWO: Host([zone_of(text)])})
    seen, verdict = await look(world)
    baseline = verdict.baseline or {}
    assert len(seen.facts["servers"]) == 1  # twelve of forty names, and one address is asked once
    assert seen.facts["more_servers"] == 28
    assert seen.facts["records"]["MX"][0]["values"][-1].startswith("and 278 more (sha256 ")
    assert len(json.dumps(dict(seen.facts))) < 20_000
    assert len(json.dumps(dict(baseline))) < 20_000
    assert "\x1b" not in "".join(seen.facts["records"]["TXT"][0]["values"])
    _, verdict = await look(world, baseline=baseline, now=NOW + timedelta(hours=3))
    assert [one for one in codes(verdict) if one != "dns.delegation_differs"] == []


async def test_a_look_asks_so_many_questions_and_no_more() -> None:
    async with shop().open() as port:
        outbound = Outbound(GUARD, Resolver([f"{RESOLVER}:{port}"]))
        asking = Asking(outbound, 0, monotonic() + 60.0, count=397)
        said = [await asking.server("shop.test", "A", (ONE, port)) for _ in range(5)]
        await outbound.close()
    assert [one.message is not None for one in said] == [True] * 3 + [False] * 2
    assert asking.unfinished
    assert said[-1].failure is not None
    assert said[-1].failure.kind == "unasked"


async def test_a_domain_that_its_parent_serves_as_well() -> None:
    """As for many public suffixes: the parent's servers answer for the child, without a referral."""
    world = shop()
    world.hosts[PARENT].zones = [zone_of(TOP), zone_of(SHOP)]
    seen, verdict = await look(world)
    assert codes(verdict) == []
    assert seen.facts["parent"]["delegated"] == ["ns1.shop.test", "ns2.shop.test"]


async def test_a_top_level_domain() -> None:
    root = zone_of("$ORIGIN .\n@ 3600 SOA a.root. root.root. 1 1800 900 604800 86400\n@ NS a.root.\n"
                   f"a.root. A {OTHER}\ntest. NS ns.test.\nns.test. A {PARENT}\n")  # fmt: skip
    world = shop()
    world.hosts[OTHER].zones = [root]
    seen, verdict = await look(world, "test", records=["NS"])
    assert (seen.facts["zone"], seen.facts["parent"]["name"]) == ("test", ".")
    assert codes(verdict) == []
    assert (await look(world, "nothing"))[1].findings[0].code == "dns.nxdomain"


async def test_several_resolvers_are_asked_and_the_first_may_be_dead() -> None:
    world = shop()
    async with world.open() as port:
        outbound = Outbound(GUARD, Resolver([f"127.0.0.99:{port}", f"{RESOLVER}:{port}"]))
        config = DnsConfig.model_validate({"domain": "shop.test", "port": port})
        assert KIND.probe is not None
        seen = await KIND.probe(Look(7, 3, config, 20.0), outbound, NOW)
        await outbound.close()
    assert seen.facts["zone"] == "shop.test"
    assert [one["name"].split(":")[0] for one in seen.facts["resolvers"]] == ["127.0.0.99", RESOLVER]
    assert "rcode" not in seen.facts["resolvers"][0]


def test_a_question_that_dns_cannot_carry_is_no_crash() -> None:
    async def run() -> Any:
        return await look(shop(), f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 40}.shop.test")

    seen, verdict = asyncio.run(run())
    assert codes(verdict) == ["dns.nxdomain"]
    assert isinstance(seen.facts["zone"], str)
