"""A domain is lost, or its zone is, and everything on it goes with it: one incident, one word to people.

Every part is real: registry (RDAP), name servers, the web site with its certificate, the kinds `domain`, `dns`,
`http` and `tls`, the prober and the engine. Only the clock is the story's.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import trustme
from dnslib import RCODE, DNSRecord
from dnslib.server import DNSHandler

from tests.serving import Handler, Serving
from tests.stories.telling import Story
from tests.stories.test_dns import GUARD, RESOLVER, SHOP, TEST, Internet
from tests.stories.test_parents import mail, members, queued
from watchpost.incidents.models import Incident
from watchpost.kinds.domain.tests.registry import LOCK, Registry, domain, registry
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor
from watchpost.outbound import Outbound, Resolver

# TTL 0: the resolver's cache runs by the real clock, and hours of the story pass within a second.
WITH_SITE = SHOP.replace(" 3600 IN ", " 0 IN ") + "www.shop.test. 0 IN A 127.0.0.1\n"
NOTHING_HERE = "\n".join(line for line in TEST.splitlines() if "shop.test" not in line)
EMPTIED = "\n".join(one for one in WITH_SITE.splitlines() if " A 192.0.2.1" not in one and "www" not in one)
CA = trustme.CA()


class Page(Handler):
    def do_GET(self) -> None:
        self.answer(200, b"Add to basket")


class Town:
    """The shop, all that it stands on, and four monitors of it. Time goes on by the schedule of the prober."""

    def __init__(self, story: Story, internet: Internet, server: Registry) -> None:
        self.story, self.internet, self.server = story, internet, server
        self.site, self.safe = Serving(Page), Serving(Page)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        CA.issue_cert("www.shop.test").configure_cert(context)
        self.safe.server.socket = context.wrap_socket(
            self.safe.server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.registers(200)
        self.zone(WITH_SITE)
        self.monitors: dict[str, Monitor] = {}
        prober = story.engine.prober
        prober.outbound, prober.report = story.run(self._outbound()), story.engine.report
        pem = CA.cert_pem.bytes().decode()
        for name, spec in {
            "Domain": {"kind": "domain", "domain": "shop.test", "rdap": server.url, "interval": "30m"},
            "DNS": {"kind": "dns", "domain": "shop.test", "port": internet.port, "timeout": "20s"},
            "Shop": {"kind": "http", "url": f"http://www.shop.test:{self.site.server.server_port}/"},
            "Certificate": {"kind": "tls", "host": "www.shop.test", "ca_pem": pem}
            | {"port": self.safe.server.server_port},
        }.items():
            row = edit.create_monitor(story.project, {"name": name} | spec, story.time)
            self.monitors[name] = row
            story.changed(("monitor", str(row.pk)))

    async def _outbound(self) -> Outbound:
        return Outbound(GUARD, Resolver([f"{RESOLVER}:{self.internet.port}"]))

    def registers(self, days: float, *statuses: str) -> None:
        ends = (self.story.time + timedelta(days=days)).isoformat()
        self.server.say(domain(ends, statuses or (LOCK,), ldhName="shop.test"), path="/domain/shop.test")

    def zone(self, text: str) -> None:
        for server in (self.internet.one, self.internet.two, self.internet.resolver):
            server.zones["shop.test."] = text

    def is_lost(self) -> None:
        """The registry takes the delegation out: nobody finds the name servers any more."""
        self.registers(-40, "redemption period", "client hold")
        self.internet.registry.zones["test."] = NOTHING_HERE
        self.internet.resolver.zones["test."] = NOTHING_HERE
        del self.internet.resolver.zones["shop.test."]

    def is_restored(self) -> None:
        self.registers(325)
        self.internet.registry.zones["test."] = self.internet.resolver.zones["test."] = TEST
        self.zone(WITH_SITE)

    def is_dropped(self) -> None:
        """Nobody paid the DNS provider: its servers refuse, and resolvers find nobody to ask."""
        for server in (self.internet.one, self.internet.two):
            server.zones = {}
        answer = self.internet.resolver.resolve

        def resolve(request: DNSRecord, handler: DNSHandler) -> DNSRecord:
            reply = answer(request, handler)
            if str(request.q.qname).endswith("shop.test."):
                reply = request.reply()
                reply.header.rcode = RCODE.SERVFAIL
            return reply

        self.internet.resolver.resolve = resolve  # type: ignore[method-assign]

    def is_hosted_again(self) -> None:
        self.internet.resolver.__dict__.pop("resolve", None)
        self.zone(WITH_SITE)

    def live(self, minutes: float) -> None:
        """Whatever is due meanwhile is looked at, by its real probe."""
        ends = self.story.time + timedelta(minutes=minutes)
        for _ in range(300):
            due_s = min(self.story.due_s(one) for one in self.monitors.values())
            if self.story.time + timedelta(seconds=due_s) > ends:
                self.story.time = ends
                self.story.tick()
                self.story.deliver()
                return
            self.story.pass_time(max(0.02, due_s))
            self.story.run(self._look_at_what_is_due())
            self.story.tick()
        raise AssertionError(f"time does not go on: {self.shown} at {self.story.time}")

    async def _look_at_what_is_due(self) -> None:
        engine = self.story.engine
        engine.prober._start_due()
        while engine.prober.tasks:
            await asyncio.gather(*engine.prober.tasks)
            await asyncio.sleep(0)  # what is done says so in the next turn of the loop
        for wait in (engine.selfcheck.running, engine.holding):
            if wait is not None:
                await wait
        await engine.flush()

    @property
    def shown(self) -> dict[str, str]:
        return {name: self.story.shown(one) for name, one in self.monitors.items()}

    def close(self) -> None:
        self.story.run(self.story.engine.prober.outbound.close())
        self.site.close()
        self.safe.close()


@pytest.fixture
def town(story: Story) -> Iterator[Town]:
    with registry() as server:
        internet = Internet()
        made = Town(story, internet, server)
        yield made
        made.close()
        internet.close()


def what_is_told(incident: Incident) -> dict[str, Any]:
    return {row.monitor.name: row.code for row in incident.members.all()}


def test_a_domain_in_redemption_takes_dns_site_and_certificate_with_it_and_is_told_once(
    story: Story, town: Town
) -> None:
    people = mail(story)
    town.live(20)
    assert (set(town.shown.values()), story.incidents()) == ({"up"}, [])

    town.is_lost()
    town.live(30)
    assert set(town.shown.values()) == {"down"}
    [incident] = story.incidents()
    assert sorted(set(members(incident))) == ["Certificate", "DNS", "Domain", "Shop"]
    assert incident.title.startswith("Domain: shop.test is in redemption")
    assert incident.causes[0]["code"] == "domain.redemption"
    told = queued(people)
    assert [event for event, _ in told] == ["opened"], told
    assert "and are not told apart while it is down: Certificate, DNS and Shop." in told[0][1]

    town.is_restored()
    town.live(40)
    assert set(town.shown.values()) == {"up"}
    assert [one.state for one in story.incidents()] == ["resolved"]
    assert [event for event, _ in queued(people)] == ["opened", "resolved"]


def test_a_zone_that_is_emptied_is_the_cause_and_the_domain_is_well(story: Story, town: Town) -> None:
    people = mail(story)
    town.live(20)
    assert set(town.shown.values()) == {"up"}

    town.zone(EMPTIED)
    town.live(30)
    assert town.shown == {"Domain": "up", "DNS": "down", "Shop": "down", "Certificate": "down"}
    [incident] = story.incidents()
    assert incident.title.startswith("DNS: The A records of shop.test have changed: all are gone")
    assert [cause["code"] for cause in incident.causes] == ["dns.records_gone"]
    told = queued(people)
    assert [event for event, _ in told] == ["opened"], told
    assert (
        "2 monitors depend on it and are not told apart while it is down: Certificate and Shop." in told[0][1]
    )

    town.is_hosted_again()
    town.live(40)
    assert set(town.shown.values()) == {"up"}
    assert [one.state for one in story.incidents()] == ["resolved"]
    assert [event for event, _ in queued(people)] == ["opened", "resolved"]


def test_name_servers_that_refuse_are_the_cause(story: Story, town: Town) -> None:
    people = mail(story)
    town.live(20)
    town.is_dropped()
    town.live(30)
    assert town.shown == {"Domain": "up", "DNS": "down", "Shop": "down", "Certificate": "down"}
    [incident] = story.incidents()
    assert [cause["code"] for cause in incident.causes] == ["dns.no_answer"]
    assert sorted(members(incident)) == ["Certificate", "DNS", "Shop"]

    town.is_hosted_again()
    town.live(40)
    assert set(town.shown.values()) == {"up"}
    assert [one.state for one in story.incidents()] == ["resolved"]
    assert [event for event, _ in queued(people)] == ["opened", "resolved"]


def test_a_domain_that_ends_next_week_explains_no_outage_of_today(story: Story, town: Town) -> None:
    people = mail(story)
    town.registers(5)
    town.live(40)
    assert (town.shown["Domain"], town.shown["Shop"]) == ("down", "up")
    [(_, reason)] = queued(people)
    assert "depend on it" not in reason

    town.site.close()
    town.live(5)
    assert town.shown["Shop"] == "down"
    slow, acute = story.incidents()
    assert [cause["code"] for cause in slow.causes] == ["domain.expires_soon"]
    assert members(acute) == ["Shop"]
    assert "Held back" not in queued(people)[-1][1]
    assert [event for event, _ in queued(people)] == ["opened", "opened"]
