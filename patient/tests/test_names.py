"""The little internet of the full stand: what its name servers say, and that faults leave nothing behind."""

from __future__ import annotations

import sys
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import pytest

from patient.names import DOMAIN, FIRST, HOST, NS1, NS2, REGISTRY, SECOND, SIXTH, Change, Names
from patient.nameserver import Silent, resolve, serve

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="all of 127.0.0.0/8 is needed")


@pytest.fixture
def names(tmp_path: Path) -> Names:
    return Names(tmp_path, with_ipv6=True)


def ask(names: Names, name: str, kind: str = "A") -> tuple[str, set[str]]:
    """What a resolver says."""
    return _said(resolve(names.folder, dns.message.make_query(name, kind)))


def ask_at(names: Names, server: str, name: str, kind: str = "A") -> tuple[str, set[str]]:
    return _said(serve(names.folder / server, dns.message.make_query(name, kind)))


def _said(reply: dns.message.Message) -> tuple[str, set[str]]:
    last = reply.answer[-1:]
    return dns.rcode.to_text(reply.rcode()), {rdata.to_text() for one in last for rdata in one}


def test_visitors_find_the_shop(names: Names) -> None:
    assert ask(names, HOST) == ("NOERROR", {FIRST, SECOND})
    assert ask(names, HOST, "AAAA") == ("NOERROR", {SIXTH})
    assert ask(names, f"blog.{DOMAIN}") == ("NOERROR", {FIRST})  # at its provider
    assert ask(names, f"nobody.{DOMAIN}") == ("NXDOMAIN", set())
    assert ask(names, HOST, "MX") == ("NOERROR", set())
    assert ask(names, ".", "SOA")[0] == "NOERROR"
    assert ask_at(names, NS1, "test")[0] == "REFUSED"


def test_the_registry_refers_to_the_shops_servers(names: Names) -> None:
    reply = serve(names.folder / REGISTRY, dns.message.make_query(HOST, "A"))
    assert not reply.flags & dns.flags.AA
    assert not reply.answer
    assert {one.target.to_text() for one in reply.authority[0]} == {f"ns1.{DOMAIN}.", f"ns2.{DOMAIN}."}
    assert {rdata.address for one in reply.additional for rdata in one} == {NS1, NS2}
    assert ask_at(names, REGISTRY, DOMAIN, "DS") == ("NOERROR", set())


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        (Change({("www", "A"): (), ("www", "AAAA"): ()}), HOST, "NXDOMAIN"),
        (Change(blog=False), f"blog.{DOMAIN}", "NXDOMAIN"),
        (Change(delegated=()), HOST, "NXDOMAIN"),
        (Change(silent=(NS1, NS2)), HOST, "SERVFAIL"),
        (Change(lame=(NS1, NS2)), HOST, "SERVFAIL"),
        (Change(silent=(NS1,)), HOST, "NOERROR"),
    ],
)
def test_what_is_broken_is_as_it_was_after_that(names: Names, change: Change, name: str, says: str) -> None:
    before = ask(names, name)
    for _ in range(2):
        names.change("one", change)
    assert ask(names, name)[0] == says
    for _ in range(2):
        names.restore("one")
    assert ask(names, name) == before


def test_versions_go_up_where_the_zone_is_edited_as_it_should_be(names: Names) -> None:
    def version(server: str) -> int:
        return int(next(iter(ask_at(names, server, DOMAIN, "SOA")[1])).split()[2])

    before = version(NS1)
    names.change("one", Change({("@", "MX"): ("10 other",)}, at=(NS2,), unnumbered=True))
    assert (version(NS1), version(NS2)) == (before, before)
    assert ask_at(names, NS1, DOMAIN, "MX") != ask_at(names, NS2, DOMAIN, "MX")
    names.restore("one")
    assert version(NS1) == version(NS2) > before
    names.change("two", Change({("sale", "A"): (FIRST,)}, at=(NS1,)))
    assert version(NS1) > version(NS2)


def test_a_machine_that_is_gone_says_nothing(names: Names) -> None:
    names.change("one", Change(silent=(NS2,)))
    with pytest.raises(Silent):
        ask_at(names, NS2, DOMAIN)
