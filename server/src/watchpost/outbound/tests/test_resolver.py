import time
from collections.abc import Iterator

import pytest
from dnslib import AAAA, QTYPE, RCODE, RR, SOA, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from watchpost.outbound import resolver as resolving
from watchpost.outbound.resolver import Resolved, ResolveFailure, Resolver, disagree

TTLS = {"zero": 0, "day": 86_400}  # by the first label; the others have a minute


class Zone(BaseResolver):  # type: ignore[misc]
    def __init__(self) -> None:
        self.asked = 0
        self.address = "127.0.0.1"
        self.gone: set[str] = set()

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:
        self.asked += 1
        name, reply = str(request.q.qname), request.reply()
        if name in self.gone or name.startswith("nx"):
            reply.header.rcode = RCODE.NXDOMAIN
            reply.add_auth(RR("test", QTYPE.SOA, ttl=300, rdata=SOA("a.", "b.", (1, 2, 3, 4, 300))))
        elif name.startswith("servfail"):
            reply.header.rcode = RCODE.SERVFAIL
        elif name.startswith("refused"):
            reply.header.rcode = RCODE.REFUSED
        elif name.startswith("slow"):
            time.sleep(0.6)
        elif request.q.qtype == QTYPE.AAAA and name.startswith("six"):
            reply.add_answer(RR(name, QTYPE.AAAA, rdata=AAAA("::1"), ttl=60))
        elif request.q.qtype == QTYPE.A and not name.startswith("six"):
            reply.add_answer(
                RR(name, QTYPE.A, rdata=A(self.address), ttl=TTLS.get(name.partition(".")[0], 60))
            )
        return reply


@pytest.fixture(scope="module")
def servers() -> Iterator[list[tuple[Zone, str]]]:
    started, found = [], []
    for _ in range(2):
        zone = Zone()
        server = DNSServer(
            zone, port=0, address="127.0.0.1", logger=DNSLogger("-request,-reply,-error,-truncated")
        )
        server.start_thread()
        started.append(server)
        found.append((zone, f"127.0.0.1:{server.server.server_address[1]}"))
    yield found
    for server in started:
        server.server.shutdown()
        server.server.server_close()


@pytest.fixture
def zones(servers: list[tuple[Zone, str]]) -> list[tuple[Zone, str]]:
    for zone, _ in servers:
        zone.gone.clear()
        zone.asked, zone.address = 0, "127.0.0.1"
    return servers


async def test_names_resolve_and_the_cache_lasts_as_long_as_the_ttl(zones: list[tuple[Zone, str]]) -> None:
    zone, at = zones[0]
    resolver = Resolver([at], 0.3)
    for _ in range(2):
        assert (await resolver.resolve("shop.test")).addresses == ("127.0.0.1",)  # type: ignore[union-attr]
    assert zone.asked == 1
    zone.gone.add("shop.test.")
    failure = await resolver.resolve("shop.test", fresh=True)
    assert isinstance(failure, ResolveFailure)
    assert failure.kind == "nxdomain"
    zone.gone.clear()
    assert isinstance(await resolver.resolve("shop.test"), Resolved), "no memory of what was gone"
    asked = zone.asked
    await resolver.resolve("zero.test")
    await resolver.resolve("zero.test", fresh=True)
    assert zone.asked == asked + 2
    await resolver.close()


@pytest.mark.parametrize("kind", ["nxdomain", "servfail", "refused", "timeout", "no_data"])
async def test_failures_have_kinds_and_end_in_time(zones: list[tuple[Zone, str]], kind: str) -> None:
    resolver = Resolver([zones[0][1]], 0.3)
    name, family = {
        "nxdomain": ("nx.test", "any"),
        "timeout": ("slow.test", "any"),
        "no_data": ("shop.test", "6"),
    }.get(kind, (f"{kind}.test", "any"))
    began = time.monotonic()
    failure = await resolver.resolve(name, family)
    assert time.monotonic() - began < 0.6
    assert isinstance(failure, ResolveFailure)
    assert failure.kind == kind
    assert failure.sentence
    assert failure.names_fault == (kind in ("nxdomain", "no_data"))
    await resolver.close()


async def test_no_answer_is_remembered_longer_than_a_minute_whatever_its_ttl(
    zones: list[tuple[Zone, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    zone, at = zones[0]
    resolver, later = Resolver([at], 0.3), [0.0]
    monkeypatch.setattr(resolving, "monotonic", lambda: time.monotonic() + later[0])
    await resolver.resolve("day.test")
    later[0] = 59.0
    assert resolver.cached("day.test") is not None, "ten monitors of one name must not be ten questions"
    zone.address = "127.0.0.2"
    for later[0] in (61.0, 122.0):
        found = await resolver.resolve("day.test")
        assert isinstance(found, Resolved)
        assert found.addresses == ("127.0.0.2",), "nor may c-ares hold it"
    zone.gone.add("day.test.")
    later[0] = 183.0
    assert isinstance(await resolver.resolve("day.test"), ResolveFailure)
    await resolver.close()


async def test_families_literals_and_hosts(zones: list[tuple[Zone, str]]) -> None:
    resolver = Resolver([zones[0][1]], 0.3)
    assert (await resolver.resolve("six.test")).addresses == ("::1",)  # type: ignore[union-attr]
    assert (await resolver.resolve("2001:db8::1")).addresses == ("2001:db8::1",)  # type: ignore[union-attr]
    assert (await resolver.resolve("localhost")).addresses == ("127.0.0.1",)  # type: ignore[union-attr]
    await resolver.close()


async def test_two_resolvers_may_disagree(zones: list[tuple[Zone, str]]) -> None:
    resolver = Resolver([at for _, at in zones], 0.3)
    zones[1][0].gone.add("shop.test.")
    one, other = await resolver.resolve("shop.test"), await resolver.resolve("shop.test", resolver_index=1)
    assert disagree(one, other)
    assert not disagree(one, one)
    assert not disagree(one, await resolver.resolve("servfail.test", resolver_index=1)), (
        "silence says nothing"
    )
    await resolver.close()


async def test_a_name_that_is_back_stays_back_whatever_c_ares_still_holds(
    zones: list[tuple[Zone, str]],
) -> None:
    zone, at = zones[0]
    resolver = Resolver([at])
    zone.gone.add("zero.test.")
    assert isinstance(await resolver.resolve("zero.test", "4"), ResolveFailure)
    zone.gone.clear()
    for _ in range(4):  # its TTL is 0: each of these is asked anew
        assert isinstance(await resolver.resolve("zero.test", "4"), Resolved)
    await resolver.close()
