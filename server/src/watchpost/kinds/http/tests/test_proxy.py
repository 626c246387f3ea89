"""Pages by way of a proxy, real ones on loopback: what it is told, what the guard still refuses, whose fault."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from time import monotonic
from typing import Any

import pytest
import pytest_asyncio
import trustme
from pydantic import ValidationError

from watchpost.core.types import NO_PAST, Finding, Observation, Outcome
from watchpost.kinds.http import KIND
from watchpost.kinds.http.config import HttpConfig
from watchpost.outbound import Guard, Outbound, Resolved, ResolveFailure, Resolver
from watchpost.outbound.resolver import is_address
from watchpost.outbound.tests.badserver import page, serve
from watchpost.outbound.tests.proxyserver import ForwardProxy, Instead, hang, refuse, run_proxy, say
from watchpost.registry import Look

AT = datetime(2026, 1, 1, tzinfo=UTC)
CA = trustme.CA()
LONG_S = 20.0
HOME = {"shop.test": "127.0.0.1", "other.test": "127.0.0.1"}


class Names(Resolver):
    """Knows the proxy; the pages only if the test says so."""

    def __init__(self) -> None:
        super().__init__(["only.test"])
        self.says: dict[str, tuple[str, ...]] = {"proxy.test": ("127.0.0.1",)}
        self.slow: set[str] = set()

    async def resolve(
        self, host: str, family: str = "any", resolver_index: int = 0, fresh: bool = False
    ) -> Resolved | ResolveFailure:
        if host in self.slow:
            await asyncio.Event().wait()
        if is_address(host):
            return Resolved((host,), 60, 0.0)
        if host not in self.says:
            return ResolveFailure("nxdomain", f"the name {host} does not exist", 1.0)
        return Resolved(self.says[host], 60, 7.0)


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    found = Outbound(Guard((ip_network("127.0.0.0/8"),)), Names(), "Watchpost/test")
    yield found
    assert found.open_sockets == 0
    await found.close()


def names(outbound: Outbound) -> Names:
    assert isinstance(outbound.resolver, Names)
    return outbound.resolver


async def look(
    outbound: Outbound, url: str, proxy: ForwardProxy, deadline_s: float = LONG_S, **more: Any
) -> tuple[Observation, tuple[Finding, ...]]:
    way = f"http://probe:s3cret@proxy.test:{proxy.port}"
    pem = CA.cert_pem.bytes().decode()
    config = HttpConfig.model_validate({"url": url, "proxy": way, "ca_pem": pem, **more})
    seen = await KIND.probe(Look(1, 1, config, deadline_s), outbound, AT)  # type: ignore[misc]
    findings = KIND.judge(config, seen, {}, NO_PAST, AT).findings
    assert "s3cret" not in repr((seen, findings, config.via))
    return seen, findings


def context_for(name: str) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert(name).configure_cert(made)
    return made


async def test_a_page_that_only_the_proxy_can_name(outbound: Outbound) -> None:
    proxy = ForwardProxy(names=HOME, account=("probe", "s3cret"))
    async with serve(tls=context_for("shop.test")) as port, run_proxy(proxy):
        seen, findings = await look(outbound, f"https://shop.test:{port}/", proxy)
    assert (seen.outcome, findings, seen.address) == (Outcome.OK, (), "")
    assert (seen.facts["status"], seen.facts["certificate"]["names"]) == (200, ["shop.test"])
    assert seen.phases.dns == 7.0  # of the proxy's name
    assert min(seen.phases.connect, seen.phases.tls, seen.phases.wait) > 0
    assert seen.total_ms >= seen.phases.total - 1
    assert proxy.tunnels == [f"shop.test:{port}"]


async def test_redirects_go_by_the_proxy_too(outbound: Outbound) -> None:
    async def move(_: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
        port = writer.get_extra_info("sockname")[1]
        there = {"/": f"http://other.test:{port}/end"}.get(path)
        writer.write(page() if there is None else page(status="302 Found", Location=there))

    async with serve(move) as port, run_proxy(ForwardProxy(names=HOME)) as proxy:
        seen, findings = await look(outbound, f"http://shop.test:{port}/", proxy)
    assert (seen.facts["final"], findings) == (f"http://other.test:{port}/end", ())
    assert len(proxy.asked) == 2


@pytest.mark.parametrize(
    ("scheme", "instead", "words", "fix"),
    [
        (
            "https",
            refuse("407 Odd"),
            "it answers 407 Proxy Authentication Required",
            "user name and password",
        ),
        ("http", refuse("407 Odd"), "it answers 407 Proxy Authentication Required", "user name and password"),
        ("https", refuse("403 Forbidden"), "it answers 403 Forbidden", "Allow shop.test:"),
        ("https", refuse("502 Bad Gateway"), "it answers 502 Bad Gateway", "try `curl -v https://shop.test:"),
        (
            "https",
            say(b""),
            "closed the connection in place of opening a way",
            "look for the request in its log",
        ),
        ("http", say(b""), "closed the connection without an answer", "look for the request in its log"),
        ("https", say(b"SSH-2.0-x\r\n"), "it does not answer in HTTP", "those of an HTTP proxy"),
        ("https", hang, "it took the connection, but opened no way within", "that hangs, too"),
    ],
)
async def test_a_proxy_with_bad_days(
    outbound: Outbound, scheme: str, instead: Instead, words: str, fix: str
) -> None:
    async with run_proxy(ForwardProxy(instead=instead)) as proxy:
        url = f"{scheme}://shop.test:444/?token=x"
        seen, (finding,) = await look(outbound, url, proxy, 1.5 if instead is hang else LONG_S)
    assert seen.outcome is (Outcome.TIMEOUT if instead is hang else Outcome.FAILED)
    assert (finding.code, finding.subject) == ("site.proxy_failed", f"proxy.test:{proxy.port}")
    start = f"{scheme}://shop.test:444/?… could not be asked by way of the proxy proxy.test:{proxy.port}: "
    assert finding.sentence.startswith(start)
    assert words in finding.sentence
    assert fix in finding.fix
    assert finding.joins == ("host:shop.test", "host:proxy.test")


async def test_a_proxy_that_is_gone_or_has_no_name(outbound: Outbound) -> None:
    async with run_proxy(ForwardProxy()) as proxy:
        pass
    _, (finding,) = await look(outbound, "https://shop.test/", proxy)
    assert (finding.code, "nothing listens on this port" in finding.sentence) == ("site.proxy_failed", True)
    names(outbound).says.clear()
    seen, (finding,) = await look(outbound, "https://shop.test/", proxy)
    assert finding.code == "site.proxy_failed"
    assert "the name proxy.test does not exist" in finding.sentence
    assert seen.outcome is Outcome.FAILED


async def test_another_address_of_the_proxy_takes_over(outbound: Outbound) -> None:
    names(outbound).says["proxy.test"] = ("127.0.0.9", "127.0.0.1")
    async with serve() as port, run_proxy(ForwardProxy(names=HOME)) as proxy:
        for _ in range(3):
            seen, findings = await look(outbound, f"http://shop.test:{port}/", proxy)
            assert (dict(seen.facts), findings) == ({"status": 200, "bytes": 5, "http": "1.1"}, ())


async def test_the_page_fails_and_not_the_proxy(outbound: Outbound) -> None:
    async with serve(tls=context_for("other.test")) as port, run_proxy(ForwardProxy(names=HOME)) as proxy:
        seen, (finding,) = await look(outbound, f"https://shop.test:{port}/", proxy)
        assert (finding.code, finding.joins) == ("site.unreachable.tls", ("host:shop.test",))
        assert seen.facts["certificate"]["names"] == ["other.test"]
        _, (finding,) = await look(outbound, f"https://other.test:{port}/hang", proxy, 2.0)
        assert finding.code == "site.unreachable.timeout"


@pytest.mark.parametrize(
    ("url", "says", "words"),
    [
        ("http://10.0.0.5/", (), "10.0.0.5 is a private address"),
        ("http://[::ffff:169.254.169.254]/", (), "a cloud metadata address"),
        ("http://0x7f.1/", None, ""),
        ("http://inside.test/", ("10.0.0.5",), "10.0.0.5 is a private address"),
        ("http://inside.test/", ("8.8.8.8", "10.0.0.5"), "10.0.0.5 is a private address"),
    ],
)
async def test_what_is_closed_stays_closed(
    outbound: Outbound, url: str, says: tuple[str, ...] | None, words: str
) -> None:
    async with run_proxy(ForwardProxy()) as proxy:
        if says is None:
            with pytest.raises(ValidationError):
                await look(outbound, url, proxy)
            return
        names(outbound).says["inside.test"] = says
        seen, (finding,) = await look(outbound, url, proxy)
    assert (seen.outcome, finding.code, proxy.asked) == (Outcome.REFUSED, "site.refused_by_guard", [])
    assert words in finding.sentence


@pytest.mark.parametrize("host", ["localhost", "shop.localhost", "127.0.0.1"])
async def test_this_machine_is_closed_by_way_of_a_proxy(host: str) -> None:
    outbound = Outbound(Guard((ip_network("127.0.0.7/32"),)), Names())
    names(outbound).says["proxy.test"] = ("127.0.0.7",)
    async with serve() as port, run_proxy(ForwardProxy(names={host: "127.0.0.1"}), host="127.0.0.7") as proxy:
        _, (finding,) = await look(outbound, f"http://{host}:{port}/", proxy)
        assert (finding.code, proxy.asked) == ("site.refused_by_guard", [])
        assert "127.0.0.1 is a loopback address" in finding.sentence
    await outbound.close()


async def test_a_redirect_inside_is_not_asked_for(outbound: Outbound) -> None:
    moves = refuse("302 Found", "Location: http://169.254.169.254/latest/meta-data/\r\n")
    async with run_proxy(ForwardProxy(instead=moves)) as proxy:
        _, (finding,) = await look(outbound, "http://shop.test/", proxy)
    assert (finding.code, len(proxy.asked)) == ("site.refused_by_guard", 1)


async def test_the_proxy_itself_is_under_the_guard(outbound: Outbound) -> None:
    closed = Outbound(Guard(), Names())
    async with run_proxy(ForwardProxy()) as proxy:
        seen, (finding,) = await look(closed, "http://shop.test/", proxy)
    assert (seen.outcome, finding.code, proxy.asked) == (Outcome.REFUSED, "site.refused_by_guard", [])
    assert finding.sentence.startswith(
        f"The proxy proxy.test:{proxy.port} was not asked for http://shop.test/"
    )
    assert "ALLOW_NETWORKS" in finding.fix
    await closed.close()


async def test_a_firewall_is_to_let_the_proxy_in(outbound: Outbound) -> None:
    blocks = refuse("403 Forbidden", "cf-mitigated: challenge\r\n")
    async with run_proxy(ForwardProxy(instead=blocks)) as proxy:
        seen, (finding,) = await look(outbound, "http://shop.test/", proxy)
    assert (finding.code, "from" in seen.facts) == ("site.blocked", False)
    assert f"the address with which the proxy proxy.test:{proxy.port} goes out" in finding.fix


async def test_a_resolver_that_knows_nothing_of_the_outside_only_costs_a_moment(outbound: Outbound) -> None:
    names(outbound).slow.add("shop.test")
    async with serve() as port, run_proxy(ForwardProxy(names=HOME)) as proxy:
        began = monotonic()
        seen, findings = await look(outbound, f"http://shop.test:{port}/", proxy, 60.0)
        assert monotonic() - began < 15
    assert (seen.facts["status"], findings) == (200, ())
    assert seen.phases.dns == 7.0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"proxy": "socks5h://proxy.test:1080"}, "SOCKS proxies are not spoken to"),
        ({"proxy": "proxy.test:3128"}, "must begin with http"),
        ({"proxy": "http://proxy.test"}, "needs a host and a port"),
        ({"proxy": "http://:3128"}, "needs a host and a port"),
        ({"proxy": "http://we:s3/cret@proxy.test:3128"}, "write / as %2F"),
        ({"proxy": "http://we:s3cret@proxy.test:3128/x"}, "nothing behind them"),
        ({"proxy": "http://we:s3 cret@proxy.test:3128"}, "contains a space or a line break"),
        ({"proxy": "http://we:s3cret%0d%0a@proxy.test:3128"}, "a control character"),
        ({"proxy": "http://w%3ae:s3cret@proxy.test:3128"}, "contains a colon"),
        ({"proxy": "http://we:s3cret@pro_-.test..x:3128"}, "not a host name"),
        ({"ip": "6"}, "remove ip or proxy"),
        ({"ip": "both"}, "remove ip or proxy"),
        ({"url": "http://shop.test/", "http_version": "2"}, "does not pass through a proxy"),
    ],
)
def test_what_cannot_work_is_refused(wrong: dict[str, Any], says: str) -> None:
    good = {"url": "https://shop.test/", "proxy": "http://we:p%2Fw%C3%BC@proxy.test:3128"}
    via = HttpConfig.model_validate(good).via
    assert via is not None
    assert (via.username, via.password, via.shown) == ("we", "p/wü", "proxy.test:3128")
    with pytest.raises(ValidationError, match=says) as refused:
        HttpConfig.model_validate(good | wrong)
    assert not any("s3" in one["msg"] or "cret" in one["msg"] for one in refused.value.errors())


def test_it_is_a_secret_and_an_empty_one_is_none() -> None:
    assert "proxy" in KIND.secrets
    config = HttpConfig.model_validate({"url": "https://shop.test/", "proxy": ""})
    assert config.via is None
    config = HttpConfig.model_validate({"url": "https://shop.test/", "proxy": "https://[::1]:3129"})
    assert config.via is not None
    assert replace(config.via, port=1).shown == "[::1]:1"
