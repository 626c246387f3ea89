"""Every address behind a name, with real servers at 127.0.0.1 to 127.0.0.3: each is judged apart."""

from __future__ import annotations

import contextlib
import errno
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from time import monotonic
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from watchpost.core.types import NO_PAST, Observation, Phases, Verdict
from watchpost.kinds.http import KIND, every
from watchpost.kinds.http.config import HttpConfig
from watchpost.kinds.http.tests.test_probe import Names
from watchpost.outbound import Guard, Outbound
from watchpost.outbound.failure import _CONNECT
from watchpost.outbound.tests.badserver import page
from watchpost.outbound.tests.tlsserver import listen
from watchpost.registry import Look

AT = datetime(2026, 1, 1, tzinfo=UTC)
ONE, TWO, THREE = "127.0.0.1", "127.0.0.2", "127.0.0.3"
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
Serves = Mapping[str, bytes | None]  # by address; None: it takes the question and says nothing


@contextlib.asynccontextmanager
async def serving(serves: Serves, tls: Any = None, asked: list[str] | None = None) -> AsyncIterator[int]:
    async with contextlib.AsyncExitStack() as stack:
        port = 0
        for address, answer in serves.items():

            async def talk(
                reader: Any, writer: Any, answer: bytes | None = answer, at: str = address
            ) -> None:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                if asked is not None:
                    asked.append(f"{at} {head.split()[1]}")
                if answer is None:
                    await reader.read()
                elif head.split()[1] == "/moved":
                    writer.write(page(status="302 Found", Location="/"))
                else:
                    writer.write(answer)
                with contextlib.suppress(ConnectionError):
                    await writer.drain()

            port = await stack.enter_async_context(listen(talk, tls, host=address, port=port))
        yield port


async def look(
    port: int, addresses: tuple[str, ...], deadline_s: float = 20.0, guard: Guard | None = None, **more: Any
) -> tuple[Observation, Verdict, HttpConfig]:
    names = Names()
    names.says = {("shop.test", 0): addresses, ("shop.test", 1): addresses}
    outbound = Outbound(guard or Guard(LOOPBACK), names)
    told = {"url": f"http://shop.test:{port}/", "every_address": True} | more
    config = HttpConfig.model_validate(told)
    seen = await KIND.probe(Look(7, 3, config, deadline_s), outbound, AT)  # type: ignore[misc]
    assert outbound.open_sockets == 0
    await outbound.close()
    verdict = KIND.judge(config, seen, {}, NO_PAST, AT)
    assert {f.code for f in verdict.findings} <= KIND.codes
    assert verdict.parts == {}
    return seen, verdict, config


async def test_all_are_well_and_one_row_each_is_kept() -> None:
    async with serving({ONE: page(), TWO: page()}) as port:
        seen, verdict, config = await look(port, (TWO, ONE))
    assert verdict.findings == ()
    assert list(seen.facts["addresses"]) == [ONE, TWO]  # in order, whatever the resolver says first
    assert {**seen.facts["addresses"][ONE], "ms": 0} == {"ms": 0, "status": 200, "bytes": 5, "http": "1.1"}
    times = [row["ms"] for row in seen.facts["addresses"].values()]
    assert seen.total_ms == pytest.approx(max(times) + 1.0, abs=0.2)  # the slowest, and 1 ms of DNS
    assert len(json.dumps(dict(seen.facts))) < 300
    kept = {name: value for name, value in seen.facts.items() if name in KIND.kept}
    assert "at every address" in KIND.describe(config)
    (panel,) = KIND.panels(config, kept, {})
    assert panel.note == ""
    assert [row[0] for row in panel.rows] == [ONE, TWO]
    assert panel.rows[0][1].startswith("200 OK, ")
    assert KIND.panels(config.model_copy(update={"every_address": False}), kept, {}) == ()
    one = kept["addresses"][ONE]
    more = {"addresses": {"2001:db8::1": one, "127.0.0.10": one, "127.0.0.9": one}}
    (panel,) = KIND.panels(config, more, {})
    assert [row[0] for row in panel.rows] == ["127.0.0.9", "127.0.0.10", "2001:db8::1"]


BAD = {
    "status": (
        page(status="500 Internal Server Error"),
        {},
        "answers 500 Internal Server Error",
        "traceback",
    ),
    "content": (page(b"maintenance"), {}, "the text 'hell' is not on the page", "body_contains"),
    "not HTTP": (b"SSH-2.0-x\r\n", {}, "does not answer in HTTP", "port and the scheme"),
    "silent": (None, {"deadline_s": 3.0}, "no answer came within", "gunicorn"),
}


@pytest.mark.parametrize("name", BAD)
async def test_one_of_two_fails(name: str) -> None:
    answer, more, words, fix = BAD[name]
    async with serving({ONE: page(), TWO: answer}) as port:
        seen, verdict, config = await look(port, (ONE, TWO), expect={"body_contains": "hell"}, **more)
    (finding,) = verdict.findings
    assert (finding.code, finding.subject) == ("site.address_down", TWO)
    assert finding.sentence.startswith(f"{TWO}, one of 2 addresses of shop.test, fails: http://shop.test")
    assert words in finding.sentence
    assert f"Look at the machine at {TWO}." in finding.fix
    assert fix in finding.fix
    assert f"addr:{TWO}" in finding.joins
    assert f"addr:{ONE}" not in finding.joins
    assert (seen.outcome, seen.facts["status"]) == ("ok", 200)
    (panel,) = KIND.panels(config, seen.facts, {})
    assert (panel.rows[0][0], panel.marks, panel.note) == (TWO, ("down", "up"), "1 of 2 fails.")
    assert len(panel.rows[0][1].split(", ")) >= 2


async def test_ipv6_alone_is_dead() -> None:
    """A web server that listens by IPv4 alone is seldom a machine that is gone. What it answers is its own."""
    async with serving({ONE: page()}) as port:
        seen, verdict, config = await look(port, (ONE, "::1"))
        _, both, _ = await look(port, (ONE, TWO, "::1"))
    (finding,) = verdict.findings
    assert finding.sentence.startswith("::1, one of 2 addresses of shop.test, fails while IPv4 answers: ")
    assert "the connection was refused" in finding.sentence
    assert f"`listen [::]:{port} ...`" in finding.fix
    assert "addr:::1" in finding.joins
    assert all("Look at the machine" in one.fix for one in both.findings)
    assert len(both.findings) == 2
    answers = {"ms": 1.0, "status": 500}
    facts = {**seen.facts, "addresses": {**seen.facts["addresses"], "::1": answers}}
    (finding,) = KIND.judge(config, replace(seen, facts=facts), {}, NO_PAST, AT).findings
    assert "Look at the machine at ::1." in finding.fix


async def test_a_dead_one_and_one_with_a_wrong_certificate() -> None:
    ca = trustme.CA()
    good, bad = (ca.issue_cert(name) for name in ("shop.test", "other.test"))
    contexts = []
    for leaf in (good, bad):
        contexts.append(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        leaf.configure_cert(contexts[-1])
    async with serving({ONE: page()}, contexts[0]) as port:

        async def talk(reader: Any, writer: Any) -> None:
            await reader.read()

        async with listen(talk, contexts[1], host=TWO, port=port):
            url, pem = f"https://shop.test:{port}/", ca.cert_pem.bytes().decode()
            seen, verdict, _ = await look(port, (ONE, TWO, THREE), url=url, ca_pem=pem)
    two, three = verdict.findings
    assert [(f.code, f.subject) for f in (two, three)] == [("site.address_down", a) for a in (TWO, THREE)]
    assert "it was issued for another name" in two.sentence
    assert "the connection was refused" in three.sentence
    assert seen.facts["certificate"]["names"]
    assert all("certificate" not in row for row in seen.facts["addresses"].values())


async def test_all_of_them_down_is_an_outage_told_as_such() -> None:
    error = page(status="500 Internal Server Error")
    async with serving({ONE: error, TWO: error}) as port:
        _, verdict, _ = await look(port, (ONE, TWO))
    (finding,) = verdict.findings
    assert (finding.code, "Seen at" in finding.sentence) == ("site.error_status", False)
    assert {f"addr:{ONE}", f"addr:{TWO}"} <= set(finding.joins)

    async with serving({ONE: error}) as port:
        seen, verdict, _ = await look(port, (ONE, TWO, THREE))
    assert [f.code for f in verdict.findings] == ["site.error_status", "site.unreachable.connect"]
    assert verdict.findings[0].sentence.endswith(f" Seen at {ONE}.")
    assert verdict.findings[1].sentence.endswith(f" Seen at {TWO}, {THREE}.")

    seen, verdict, _ = await look(1, (ONE, TWO))
    assert [f.code for f in verdict.findings] == ["site.unreachable.connect"]
    assert seen.outcome == "failed"

    seen, verdict, _ = await look(1, (ONE, TWO), guard=Guard())
    assert ([f.code for f in verdict.findings], seen.outcome) == (["site.refused_by_guard"], "refused")


async def test_a_name_without_an_address_is_one_finding() -> None:
    seen, verdict, config = await look(1, ())
    assert [f.code for f in verdict.findings] == ["site.unreachable.dns"]
    assert seen.facts["addresses"] == {}
    assert KIND.panels(config, seen.facts, {}) == ()


async def test_they_are_asked_at_the_same_time_and_twenty_at_most() -> None:
    many = tuple(sorted(f"127.0.1.{number}" for number in range(1, 26)))
    async with serving(dict.fromkeys(many[:20], None)) as port:
        began = monotonic()
        seen, verdict, config = await look(port, many, deadline_s=1.0, expect={"body_contains": "a" * 500})
        assert monotonic() - began < 10
    assert (len(seen.facts["addresses"]), seen.facts["more_addresses"]) == (20, 5)
    assert [f.code for f in verdict.findings] == ["site.unreachable.timeout"]
    (panel,) = KIND.panels(config, seen.facts, {})
    assert panel.note == "20 of 20 fail. 5 more were not asked: one look asks 20 at most."
    assert len(json.dumps(dict(seen.facts))) < 6000


async def test_a_redirect_stays_at_its_address_and_elsewhere_the_name_counts() -> None:
    asked: list[str] = []
    async with serving({THREE: page(b"hello from afar")}, asked=asked) as there:
        away = page(status="302 Found", Location=f"http://other.test:{there}/far")
        async with serving({ONE: page(), TWO: away}, asked=asked) as port:
            names = Names()
            names.says = {("shop.test", 0): (ONE, TWO), ("other.test", 0): (THREE,)}
            outbound = Outbound(Guard(LOOPBACK), names)
            told = {"url": f"http://shop.test:{port}/moved", "every_address": True}
            config = HttpConfig.model_validate(told)
            seen = await KIND.probe(Look(7, 3, config, 20.0), outbound, AT)  # type: ignore[misc]
            await outbound.close()
    assert KIND.judge(config, seen, {}, NO_PAST, AT).findings == ()
    assert sorted(asked) == [f"{ONE} /", f"{ONE} /moved", f"{TWO} /", f"{TWO} /moved", f"{THREE} /far"]
    assert seen.facts["addresses"][TWO]["final"] == f"http://other.test:{there}/far"
    assert all("hops" not in row for row in seen.facts["addresses"].values())


async def test_a_warning_at_one_address_names_it_and_leaves_the_rest_alone() -> None:
    wrong = page(b"\xff", Content_Type="text/html; charset=utf-8")
    async with serving({ONE: page(), TWO: wrong}) as port:
        _, verdict, _ = await look(port, (ONE, TWO), expect={"body_absent": "x"})
    (finding,) = verdict.findings
    assert finding.code == "site.bad_encoding"
    assert finding.sentence.endswith(f" Seen at {TWO}.")


def judged(addresses: Mapping[str, Any], **more: Any) -> Verdict:
    told = {"url": "https://shop.example/", "every_address": True} | more
    config = HttpConfig.model_validate(told)
    shown = {"status": 200, "bytes": 5, "http": "2"}
    facts = shown | {"addresses": addresses}
    seen = Observation(1, "local", AT, 1, "ok", Phases(1, 2, 3, 900, 5), 911.0, ONE, facts)  # type: ignore[arg-type]
    return KIND.judge(config, seen, {}, NO_PAST, AT)


def test_without_ipv6_of_our_own_any_says_nothing_of_ipv6_addresses() -> None:
    assert _CONNECT[errno.ENETUNREACH][1] == every.NO_NETWORK
    fine = {"ms": 5.0, "status": 200, "bytes": 5, "http": "2"}
    failure = {
        "phase": "connect",
        "kind": "unreachable",
        "sentence": every.NO_NETWORK,
        "host": "shop.example",
    }
    rows = {"192.0.2.1": fine, "2001:db8::1": {"ms": 0.1, "failure": failure}}
    assert judged(rows).findings == ()
    # Its times are judged all the same.
    assert [f.code for f in judged(rows, expect={"max_ms": 100}).findings] == ["site.slow.total"]
    # Where an address is down for another reason, it is not excused.
    rows["192.0.2.2"] = {"ms": 1.0, "failure": failure | {"kind": "refused", "sentence": "refused"}}
    (finding,) = judged(rows).findings
    assert (finding.subject, "one of 2 addresses" in finding.sentence) == ("192.0.2.2", True)
    # Who asks for IPv6 hears of it.
    assert [f.subject for f in judged({**rows, "192.0.2.2": fine}, ip="6").findings] == ["2001:db8::1"]


def test_the_families_apart_and_every_address_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="set ip to any, 4 or 6"):
        HttpConfig.model_validate({"url": "https://shop.example/", "every_address": True, "ip": "both"})


def test_a_proxy_and_every_address_exclude_each_other() -> None:
    told = {"url": "https://shop.example/", "every_address": True, "proxy": "http://proxy.example:3128"}
    with pytest.raises(ValidationError, match="remove every_address or proxy"):
        HttpConfig.model_validate(told)
