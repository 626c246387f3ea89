"""Whose fault it is that a name has no address, with real DNS servers."""

from __future__ import annotations

from time import monotonic

import pytest

from watchpost.outbound import Found, Resolved, ResolveFailure, Resolver
from watchpost.outbound import resolver as resolving
from watchpost.outbound.names import look_up
from watchpost.outbound.tests.dnsserver import DnsServer, run_dns
from watchpost.registry import ANEW


async def find(servers: list[DnsServer], first: int = 0, left_s: float = 3.0, own_s: float = 0.2) -> Found:
    resolver = Resolver([server.at for server in servers], own_s)
    try:
        return await look_up(resolver, "shop.test", "any", first, monotonic() + left_s)
    finally:
        await resolver.close()


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("mood", ["silent", "servfail", "refused"])
async def test_a_silent_resolver_is_named_and_another_one_answers(mood: str, first: int) -> None:
    async with run_dns(mood, "fine") as servers:
        found = await find(servers, first)
        assert isinstance(found.answer, Resolved)
        assert found.silent == (servers[0].at,)
        assert found.denied == ""
        assert servers[1].asked


@pytest.mark.parametrize("first", [0, 1])
async def test_who_says_that_the_name_is_gone_is_believed(first: int) -> None:
    async with run_dns("silent", "nxdomain") as servers:
        found = await find(servers, first)
    assert isinstance(found.answer, ResolveFailure)
    assert (found.answer.kind, found.silent, found.denied) == ("nxdomain", (servers[0].at,), "")
    assert "does not exist" in found.answer.sentence


async def test_a_usual_look_asks_one_resolver_and_a_confirmation_two() -> None:
    async with run_dns("fine", "fine") as servers:
        await find(servers)
        assert [server.asked for server in servers] == [1, 0]
        await find(servers, first=1)
        assert [server.asked for server in servers] == [2, 1]


@pytest.mark.parametrize("count", [1, 2])
async def test_a_confirmation_passes_the_cache(count: int) -> None:
    async with run_dns(*["fine"] * count) as servers:
        resolver = Resolver([server.at for server in servers], 0.2)
        for first in range(count):
            await look_up(resolver, "shop.test", "any", first, monotonic() + 3)
        for server in servers:
            server.mood = "nxdomain"
        found = await look_up(resolver, "shop.test", "any", 1, monotonic() + 3)
        assert isinstance(found.answer, ResolveFailure)
        await resolver.close()


@pytest.mark.parametrize("first", [0, 1])
async def test_a_third_one_is_asked_when_two_are_silent(first: int) -> None:
    async with run_dns("silent", "refused", "fine") as servers:
        found = await find(servers, first)
        assert isinstance(found.answer, Resolved)
        assert set(found.silent) == {servers[0].at, servers[1].at}


@pytest.mark.parametrize(
    ("moods", "kind", "says"),
    [
        (("silent", "silent"), "unanswered", "did not answer"),
        (("silent", "refused"), "unanswered", "refuses to answer"),
        (("silent", "servfail"), "servfail", "SERVFAIL"),
        (("silent",), "unanswered", "did not answer"),
        (("refused",), "unanswered", "refuses to answer"),
        (("servfail",), "servfail", "SERVFAIL"),
    ],
)
async def test_when_nobody_answers_the_resolvers_are_named_not_the_name(
    moods: tuple[str, ...], kind: str, says: str
) -> None:
    async with run_dns(*moods) as servers:
        for first in (0, 1):
            found = await find(servers, first)
            assert isinstance(found.answer, ResolveFailure)
            assert (found.answer.kind, found.silent) == (kind, ())
            assert not found.answer.names_fault
            assert says in found.answer.sentence
            assert all(f"our resolver {server.at}" in found.answer.sentence for server in servers)
            assert "does not exist" not in found.answer.sentence


@pytest.mark.parametrize("mood", ["silent", "servfail"])
async def test_the_only_one_is_asked_once_more(mood: str) -> None:
    async with run_dns(mood) as servers:
        server, heard = servers[0], servers[0].datagram_received

        def hear(data: bytes, peer: tuple[str, int]) -> None:
            heard(data, peer)
            server.mood = "fine"

        server.datagram_received = hear  # type: ignore[method-assign]
        found = await find(servers)
        assert isinstance(found.answer, Resolved)
        assert (server.asked, found.silent) == (2, ())


async def test_a_short_look_leaves_time_for_the_second_resolver_and_for_itself() -> None:
    async with run_dns("silent", "fine") as servers:
        began = monotonic()
        found = await find(servers, left_s=0.9, own_s=2.5)
        assert isinstance(found.answer, Resolved)
        assert monotonic() - began < 0.6
        assert found.answer.elapsed_ms < 200, "waiting for our resolver is not the site's time"
        began = monotonic()
        servers[1].mood = "silent"
        await find(servers, left_s=0.3, own_s=2.5)
        assert monotonic() - began < 0.6


async def test_the_memory_of_names_that_are_gone_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "_MOST_NAMES", 3)
    async with run_dns("nxdomain") as servers:
        resolver = Resolver([servers[0].at], 0.5)
        for number in range(5):
            await resolver.resolve(f"{number}.shop.test")
        assert len(resolver._apart) <= 3
        await resolver.close()


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_a_look_in_trouble_asks_the_first_resolver_alone_and_passes_the_cache(count: int) -> None:
    async with run_dns(*["fine"] * count) as servers:
        resolver = Resolver([server.at for server in servers], 0.2)
        for _ in range(2):
            await look_up(resolver, "shop.test", "any", 0, monotonic() + 3)
        for asked in (2, 3):
            found = await look_up(resolver, "shop.test", "any", ANEW, monotonic() + 3)
            assert isinstance(found.answer, Resolved)
            assert [server.asked for server in servers] == [asked, *[0] * (count - 1)]
        await resolver.close()
