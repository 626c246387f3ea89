"""The name servers of a domain are changed under our eyes: real DNS servers (dnslib's) whose zones are edited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

import pytest
from django.test import Client
from dnslib import QTYPE, RCODE, RR, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

from tests.stories.telling import Story
from watchpost.accounts.models import User
from watchpost.kinds.dns import KIND
from watchpost.monitors import edit
from watchpost.monitors.accept import acceptable
from watchpost.monitors.models import Monitor, MonitorState
from watchpost.outbound import Guard, Outbound, Resolver
from watchpost.registry import Look

RESOLVER, REGISTRY, ONE, TWO, EVIL = (f"127.0.0.{number}" for number in (53, 10, 2, 3, 66))
GUARD = Guard((ip_network("127.0.0.0/8"),))
TEST = f"""
test. 3600 IN SOA ns.test. root.test. 1 7200 900 1209600 300
test. 3600 IN NS ns.test.
ns.test. 3600 IN A {REGISTRY}
shop.test. 3600 IN NS ns1.shop.test.
shop.test. 3600 IN NS ns2.shop.test.
ns1.shop.test. 3600 IN A {ONE}
ns2.shop.test. 3600 IN A {TWO}
"""
SHOP = f"""
shop.test. 3600 IN SOA ns1.shop.test. root.shop.test. 7 3600 900 1209600 300
shop.test. 3600 IN NS ns1.shop.test.
shop.test. 3600 IN NS ns2.shop.test.
shop.test. 3600 IN A 192.0.2.1
shop.test. 3600 IN MX 10 mail.shop.test.
ns1.shop.test. 3600 IN A {ONE}
ns2.shop.test. 3600 IN A {TWO}
mail.shop.test. 3600 IN A 192.0.2.25
"""
STOLEN = SHOP.replace("ns2.shop.test.", "ns.thief.test.").replace(" 7 3600", " 8 3600")
STOLEN_AT_THE_REGISTRY = TEST.replace("ns2.shop.test.", "ns.thief.test.")


class Authority(BaseResolver):
    """Answers for its zones, and with a referral below a delegation. Editing ``zones`` changes it at once."""

    def __init__(self, **zones: str) -> None:
        self.zones = {f"{name.replace('_', '.')}.": text for name, text in zones.items()}
        self.recurses = False

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:
        reply, name = request.reply(), str(request.q.qname).lower()
        fitting = [zone for zone in self.zones if name == zone or name.endswith(f".{zone}")]
        if not fitting:
            reply.header.rcode = RCODE.NXDOMAIN if self.recurses else RCODE.REFUSED
            return reply
        zone = max(fitting, key=len)
        records = RR.fromZone(self.zones[zone])
        cut = [
            rr
            for rr in records
            if rr.rtype == QTYPE.NS and str(rr.rname) != zone and name.endswith(str(rr.rname))
        ]
        if cut and request.q.qtype != QTYPE.DS and not self.recurses:
            reply.header.aa = 0
            reply.add_auth(*cut)
            reply.add_ar(
                *(
                    rr
                    for rr in records
                    if rr.rtype == QTYPE.A and rr.rname in [one.rdata.label for one in cut]
                )
            )
            return reply
        here = [rr for rr in records if str(rr.rname).lower() == name]
        reply.add_answer(*(rr for rr in here if rr.rtype in (request.q.qtype, QTYPE.CNAME)))
        if not reply.rr:
            reply.header.rcode = RCODE.NOERROR if here else RCODE.NXDOMAIN
            reply.add_auth(*(rr for rr in records if rr.rtype == QTYPE.SOA))
        return reply


class Internet:
    """A registry, two name servers of the shop and a thief's; a resolver that knows them all."""

    def __init__(self) -> None:
        self.registry = Authority(test=TEST)
        self.one, self.two = Authority(shop_test=SHOP), Authority(shop_test=SHOP)
        self.thief = Authority(shop_test=STOLEN, thief_test=f"ns.thief.test. 3600 IN A {EVIL}\n")
        self.resolver = Authority(test=TEST, shop_test=SHOP, thief_test=f"ns.thief.test. 3600 IN A {EVIL}\n")
        self.resolver.recurses = True
        self.servers: list[DNSServer] = []
        self.port = 0
        for _ in range(20):
            if self._open():
                return
        raise OSError("no port is free at every address")

    def _open(self) -> bool:
        at = {
            RESOLVER: self.resolver,
            REGISTRY: self.registry,
            ONE: self.one,
            TWO: self.two,
            EVIL: self.thief,
        }
        self.port = 0
        try:
            for address, authority in at.items():
                for tcp in (False, True):
                    server = DNSServer(
                        authority, address, self.port, tcp=tcp, logger=DNSLogger("-request,-reply")
                    )
                    self.servers.append(server)
                    self.port = server.server.server_address[1]
        except OSError:  # somebody else holds this port at another of our addresses
            self._forget()
            return False
        for server in self.servers:
            server.start_thread()
        return True

    def _forget(self) -> None:
        for server in self.servers:
            server.server.server_close()
        self.servers = []

    def close(self) -> None:
        for server in self.servers:
            server.stop()
        self._forget()

    def steal(self) -> None:
        """Somebody is in the account at the registrar, and the zone is edited as well."""
        self.registry.zones["test."] = STOLEN_AT_THE_REGISTRY
        for server in (self.one, self.two, self.resolver):
            server.zones["shop.test."] = STOLEN

    def give_back(self) -> None:
        self.registry.zones["test."] = TEST
        for server in (self.one, self.two, self.resolver):
            server.zones["shop.test."] = SHOP.replace(" 7 3600", " 9 3600")


@pytest.fixture
def internet() -> Iterator[Internet]:
    made = Internet()
    yield made
    made.close()


class Watching:
    """A dns monitor of the story, looked at by the real probe."""

    def __init__(self, story: Story, internet: Internet, **more: Any) -> None:
        self.story, self.internet = story, internet
        spec = {"name": "DNS", "kind": "dns", "domain": "shop.test", "interval": "5m", "timeout": "20s"}
        spec |= {"port": internet.port} | more
        self.monitor: Monitor = edit.create_monitor(story.project, spec, story.time)
        story.changed(("monitor", str(self.monitor.pk)))

    def look(self, times: int = 1, apart: float = 3.0) -> None:
        for _ in range(times):
            self.story.pass_time(apart)
            watched = self.story.engine.watched[self.monitor.pk]
            self.story.run(self.story._report(watched, self.story.run(self._probe(watched))))

    async def _probe(self, watched: Any) -> Any:
        assert KIND.probe is not None
        outbound = Outbound(GUARD, Resolver([f"{RESOLVER}:{self.internet.port}"]))
        seen = await KIND.probe(
            Look(watched.id, watched.revision, watched.config, 20.0), outbound, self.story.time
        )
        await outbound.close()
        await asyncio.sleep(0)
        return seen

    @property
    def state(self) -> str:
        return MonitorState.objects.get(monitor=self.monitor).shown

    @property
    def baseline(self) -> Mapping[str, Any]:
        return MonitorState.objects.get(monitor=self.monitor).baseline


def test_name_servers_changed_and_given_back(story: Story, internet: Internet) -> None:
    story.webhook()
    dns = Watching(story, internet)
    dns.look(2, apart=300)
    assert (dns.state, story.incidents()) == ("up", [])

    internet.steal()
    dns.look(2)
    story.deliver()
    [incident] = story.incidents()
    [member] = incident.members.all()
    assert (dns.state, member.code, member.severity) == ("down", "dns.name_servers_changed", 3)
    assert "ns2.shop.test went, ns.thief.test came, at the parent and in the zone" in member.sentence
    assert "sign in at the registrar now" in member.fix

    dns.look(4, apart=300)  # it stays, and is not told again and again
    story.deliver()
    assert story.events == ["opened"]

    internet.give_back()
    dns.look(2)
    story.deliver()
    assert (dns.state, story.events) == ("up", ["opened", "resolved"])
    assert {one["end"] for one in dns.baseline["history"]} == {"undone"}


def test_name_servers_changed_on_purpose(story: Story, internet: Internet, client: Client) -> None:
    """Through the pages: what is known is shown, the button is pressed, what came is known from then on."""
    client.force_login(
        User.objects.create_user("admin@example.com", "a-long-password", is_superuser=True, is_staff=True)
    )
    dns = Watching(story, internet)
    dns.look()
    page = f"/monitors/{dns.monitor.pk}/"
    assert "version 7" in client.get(page).content.decode()  # what the look found is kept when all is well
    internet.steal()
    dns.look(2)
    assert acceptable(dns.monitor) == {("dns.name_servers_changed", "shop.test"): ()}
    accepted = client.post(f"{page}accept/", {"code": "dns.name_servers_changed", "subject": "shop.test"})
    assert accepted.status_code == 302
    story.take_changes()
    dns.look(2)
    assert (dns.state, [one.state for one in story.incidents()]) == ("up", ["resolved"])
    assert dns.baseline["sets"]["parent"] == ["ns.thief.test", "ns1.shop.test"]
    shown = client.get(page).content.decode()
    assert "NS at the parent, expected:\n− ns2.shop.test\n+ ns.thief.test" in shown

    internet.give_back()  # and now the old ones are the news
    dns.look(2)
    assert "ns.thief.test went, ns2.shop.test came" in story.incidents()[-1].members.get().sentence


def test_one_click_for_every_monitor_that_sees_the_change(
    story: Story, internet: Internet, client: Client
) -> None:
    """A domain is watched twice, and a name in it: the name servers are the same, told once, accepted once."""
    admin = User.objects.create_user("admin@example.com", "a-long-password", is_superuser=True, is_staff=True)
    client.force_login(admin)
    mail = {"name": "Mail servers", "slug": "mail", "records": ["NS", "MX"]}
    name = {"name": "Name", "slug": "name", "domain": "mail.shop.test"}
    every = [Watching(story, internet, **more) for more in ({}, mail, name)]
    for dns in every:
        dns.look(2)
    internet.steal()
    for dns in every:
        dns.look(2)
    [incident] = story.incidents()
    [sentence] = {member.sentence for member in incident.members.all()}
    assert (incident.members.count(), incident.title) == (2, sentence)  # the name stands on the domain

    shown = client.get(f"/monitors/{every[0].monitor.pk}/").content.decode()
    assert "This is expected at 3 monitors" in shown
    assert f'<a href="/monitors/{every[2].monitor.pk}/">Name</a>' in shown
    of = {"code": "dns.name_servers_changed", "subject": "shop.test"}
    done = client.post(f"/monitors/{every[0].monitor.pk}/accept/", of, follow=True).content.decode()
    assert "Noted as expected at 3 monitors" in done
    story.take_changes()
    for dns in every:
        dns.look(2)
    assert [dns.state for dns in every] == ["up", "up", "up"]
    assert [(one.state, one.title) for one in story.incidents()] == [("resolved", sentence)]
    there = client.get(f"/monitors/{every[2].monitor.pk}/").content.decode()
    assert "admin@example.com said at DNS that this is expected: The name servers of shop.test have" in there


def test_a_mail_server_is_changed_while_one_name_server_is_dead(story: Story, internet: Internet) -> None:
    dns = Watching(story, internet, records=["NS", "MX"])
    dns.look()
    internet.one.zones["shop.test."] = SHOP.replace("10 mail", "20 mail").replace(" 7 3600", " 8 3600")
    internet.two.zones = {}  # it refuses
    dns.look(2)
    said = {row.code: row.sentence for incident in story.incidents() for row in incident.members.all()}
    assert set(said) == {"dns.records_changed", "dns.server_lame"}
    assert "10 mail.shop.test went, 20 mail.shop.test came" in said["dns.records_changed"]
    assert dns.state == "degraded"
    for server in (internet.one, internet.two):
        server.zones["shop.test."] = SHOP.replace(" 7 3600", " 9 3600")
    dns.look(2)
    assert (dns.state, {one.state for one in story.incidents()}) == ("up", {"resolved"})
