import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_network
from time import monotonic
from typing import Any

import pytest
import pytest_asyncio

from watchpost.core.types import NO_PAST, Observation, Outcome, Verdict
from watchpost.kinds.http import KIND
from watchpost.kinds.http.config import HttpConfig
from watchpost.outbound import Guard, Outbound, Resolved, ResolveFailure, Resolver
from watchpost.outbound.resolver import is_address
from watchpost.outbound.tests.badserver import answer, page
from watchpost.registry import Look

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Names(Resolver):
    """Two resolvers that know what the test tells them."""

    def __init__(self) -> None:
        super().__init__(["first.test", "second.test"])
        self.says: dict[tuple[str, int], tuple[str, ...]] = {}

    async def resolve(
        self, host: str, family: str = "any", resolver_index: int = 0, fresh: bool = False
    ) -> Resolved | ResolveFailure:
        if is_address(host):
            return Resolved((host,), 60, 0.0)
        known = self.says.get((host, resolver_index), ("127.0.0.1",))
        known = tuple(a for a in known if family == "any" or (":" in a) == (family == "6"))
        if not known:
            return ResolveFailure("nxdomain", f"the name {host} does not exist", 1.0)
        return Resolved(known, 60, 1.0)


class Site:
    """One outbound, one server, and what the server was asked."""

    def __init__(self, outbound: Outbound, port: int, asked: list[str]) -> None:
        self.outbound, self.port, self.asked = outbound, port, asked

    @property
    def names(self) -> Names:
        assert isinstance(self.outbound.resolver, Names)
        return self.outbound.resolver

    async def look(
        self, path: str = "/", resolver: int = 0, deadline_s: float = 1.0, **more: Any
    ) -> tuple[Observation, Verdict]:
        config = HttpConfig.model_validate({"url": f"http://shop.test:{self.port}{path}", **more})
        seen = await KIND.probe(Look(7, 3, config, deadline_s, resolver=resolver), self.outbound, AT)  # type: ignore[misc]
        assert len(json.dumps(dict(seen.facts))) < 3000
        assert (seen.monitor_id, seen.revision, seen.at) == (7, 3, AT)
        verdict = KIND.judge(config, seen, {}, NO_PAST, AT)
        assert {f.code for f in verdict.findings} <= KIND.codes
        return seen, verdict


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    asked: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head)
        path = head.split()[1]
        port = writer.get_extra_info("sockname")[1]
        if path == "/moved":
            writer.write(page(status="301 Moved", Location="/"))
        elif path == "/loop":
            writer.write(page(status="302 Found", Location="/loop"))
        elif path == "/cookie":
            back = "session=1" in head
            writer.write(
                page()
                if back
                else page(status="302 Found", Location="/cookie", Set_Cookie="session=1; Path=/")
            )
        elif path == "/away":
            writer.write(page(status="302 Found", Location=f"http://other.test:{port}/"))
        elif path == "/inside":
            writer.write(page(status="302 Found", Location="http://169.254.169.254/latest/meta-data/"))
        elif path == "/ftp":
            writer.write(page(status="302 Found", Location="ftp://shop.test/"))
        elif path.startswith("/more"):
            writer.write(page(status="302 Found", Location=path + "x"))
        elif path == "/502":
            writer.write(page(b"<h1>502</h1>" * 1000, status="502 Bad Gateway", Server="nginx/1.26"))
        elif path == "/cf":
            writer.write(page(status="403 Forbidden", cf_mitigated="challenge"))
        elif path == "/json":
            writer.write(page(b'{"ok": true, "n": 3}', Content_Type="application/json"))
        elif path == "/latin":
            writer.write(page("Körbe".encode("latin-1"), Content_Type="text/html; charset=utf-8"))
        elif path == "/binary":
            writer.write(page(bytes(range(256)), Content_Type="text/html; charset=klingon"))
        elif path == "/hang":
            await asyncio.sleep(30)
        else:
            await answer(reader, writer, path)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outbound = Outbound(Guard((ip_network("127.0.0.0/8"), ip_network("::1/128"))), Names(), "Watchpost/test")
    yield Site(outbound, port, asked)
    assert outbound.open_sockets == 0
    await outbound.close()
    server.close()


async def test_a_healthy_look_is_tiny(site: Site) -> None:
    seen, verdict = await site.look(expect={"body_contains": "hell", "body_matches": "^h.l+o$"})
    assert dict(seen.facts) == {"status": 200, "bytes": 5, "http": "1.1"}
    assert (seen.outcome, seen.address, seen.excerpt) == (Outcome.OK, "127.0.0.1", "")
    assert 0 < seen.phases.total <= seen.total_ms + 1
    assert "User-Agent: Watchpost/test\r\n" in site.asked[0]
    assert f"Host: shop.test:{site.port}\r\n" in site.asked[0]
    assert verdict.findings == ()


@pytest.mark.parametrize(
    ("path", "more", "code"),
    [
        ("/moved", {}, ""),
        ("/cookie", {}, ""),
        ("/moved", {"follow_redirects": False}, ""),
        ("/moved", {"follow_redirects": False, "expect": {"status": 200}}, "site.error_status"),
        ("/loop", {}, "site.redirect_loop"),
        ("/more", {"max_redirects": 3}, "site.too_many_redirects"),
        ("/ftp", {}, "site.bad_redirect"),
        ("/inside", {}, "site.refused_by_guard"),
        ("/502", {}, "site.error_status"),
        ("/cf", {}, "site.blocked"),
        ("/json", {"expect": {"json": [{"path": "n", "value": 3}, {"path": "ok", "value": True}]}}, ""),
        ("/json", {"expect": {"json": [{"path": "n", "value": "3"}]}}, "site.wrong_json"),
        ("/", {"expect": {"json": [{"path": "n"}]}}, "site.wrong_json"),
        ("/", {"expect": {"body_contains": ["hello", "basket"]}}, "site.wrong_content"),
        ("/", {"expect": {"body_absent": "hello"}}, "site.unwanted_content"),
        ("/", {"expect": {"body_matches": "x+"}}, "site.pattern_missing"),
        ("/502", {"expect": {"status": 502, "headers": {"SERVER": "~^nginx"}}}, ""),
        ("/502", {"expect": {"status": 502, "headers": {"server": "nginx"}}}, "site.wrong_header"),
        ("/", {"expect": {"headers": {"x-none": "*"}}}, "site.wrong_header"),
        ("/", {"expect": {"https": True}}, "site.not_https"),
        ("/", {"expect": {"min_bytes": 6}}, "site.wrong_size"),
        ("/latin", {"expect": {"body_contains": "rbe"}}, "site.bad_encoding"),
        ("/binary", {"expect": {"body_absent": "basket"}}, "site.bad_encoding"),
        ("/endless", {"max_body": 2048, "expect": {"body_contains": "xxx"}}, "site.too_large"),
        ("/reset", {}, "site.unreachable.reset"),
        ("/bad-gzip", {}, "site.bad_compression"),
        ("/ssh", {}, "site.unreachable.protocol"),
    ],
)
async def test_days_good_and_bad(site: Site, path: str, more: dict[str, Any], code: str) -> None:
    seen, verdict = await site.look(path, **more)
    assert [f.code for f in verdict.findings] == ([code] if code else [])
    assert len(seen.excerpt.encode()) <= 2048
    assert bool(seen.excerpt) == (
        code
        in (
            "site.error_status",
            "site.blocked",
            "site.wrong_content",
            "site.unwanted_content",
            "site.pattern_missing",
            "site.wrong_json",
        )
    )


@pytest.mark.parametrize("path", ["/hang", "/drip", "/drip-headers"])
async def test_the_deadline_holds(site: Site, path: str) -> None:
    began = monotonic()
    seen, verdict = await site.look(path, deadline_s=0.3)
    assert monotonic() - began < 0.8
    assert seen.outcome is Outcome.TIMEOUT
    assert [f.code for f in verdict.findings] == ["site.unreachable.timeout"]


async def test_credentials_stay_with_their_origin(site: Site) -> None:
    secrets = {"bearer": "s3cret", "cookies": {"id": "s3cret"}, "headers": {"X-Key": "s3cret"}}
    await site.look("/away", **secrets)
    assert site.asked[0].count("s3cret") == 3
    assert "Host: other.test" in site.asked[1]
    assert "s3cret" not in site.asked[1]


async def test_a_firewall_is_told_who_we_are(site: Site) -> None:
    seen, verdict = await site.look("/cf")
    assert (seen.facts["from"], seen.facts["agent"]) == ("127.0.0.1", "Watchpost/test")
    assert "“Watchpost/test”" in verdict.findings[0].fix
    seen, _ = await site.look("/cf", headers={"user-agent": "s3cret"})
    assert "agent" not in seen.facts
    seen, _ = await site.look("/502")
    assert "from" not in seen.facts


async def test_redirects_of_a_post(site: Site) -> None:
    await site.look("/moved", method="POST", body="x=1")
    assert [head.split()[0] for head in site.asked] == ["POST", "GET"]
    assert "Content-Length" not in site.asked[1]


async def test_one_dead_address_of_several_is_seen_again(site: Site) -> None:
    site.names.says["shop.test", 0] = ("127.0.0.1", "127.0.0.9")
    site.outbound.suspect("shop.test", site.port, "127.0.0.9")
    for _ in range(2):
        _, verdict = await site.look()
        assert [(f.code, f.subject) for f in verdict.findings] == [("site.address_down", "127.0.0.9")]


async def test_every_address_has_its_turn(site: Site) -> None:
    site.names.says["shop.test", 0] = ("127.0.0.1", "127.0.0.9")
    found = [(await site.look())[1].findings for _ in range(2)]
    assert any(findings for findings in found)


async def test_both_families_are_judged_apart(site: Site) -> None:
    site.names.says["shop.test", 0] = ("127.0.0.1", "::1")
    seen, verdict = await site.look(ip="both")
    assert set(seen.facts["families"]) == {"4", "6"}
    assert (seen.outcome, seen.address) == (Outcome.OK, "127.0.0.1")
    assert [(f.code, f.subject) for f in verdict.findings] == [("site.address_down", "ipv6")]
    assert set(verdict.parts) == {"ipv4", "ipv6"}


async def test_a_name_that_is_gone_and_two_resolvers_that_disagree(site: Site) -> None:
    site.names.says["shop.test", 0] = ()
    seen, verdict = await site.look()
    assert (seen.outcome, seen.facts["failure"]["kind"]) == (Outcome.FAILED, "nxdomain")
    assert [f.code for f in verdict.findings] == ["site.unreachable.dns"]
    _, verdict = await site.look(resolver=1)
    assert [f.code for f in verdict.findings] == ["site.dns_disagrees"]
    site.names.says["shop.test", 1] = ()
    _, verdict = await site.look(resolver=1)
    assert [f.code for f in verdict.findings] == ["site.unreachable.dns"]


async def test_cancelling_is_raised_and_frees_the_socket(site: Site) -> None:
    task = asyncio.create_task(site.look("/hang", deadline_s=5))
    while not site.asked:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert site.outbound.open_sockets == 0


async def test_a_tls_page_that_nobody_trusts_is_unreachable(site: Site) -> None:
    async def answer_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)  # a ClientHello need not hold a line end: any byte is answered
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    # Plain HTTP where TLS is expected.
    async with await asyncio.start_server(answer_plainly, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        config = HttpConfig.model_validate({"url": f"https://shop.test:{port}/"})
        seen = await KIND.probe(Look(1, 1, config, 1.0), site.outbound, AT)  # type: ignore[misc]
    (finding,) = KIND.judge(config, seen, {}, NO_PAST, AT).findings
    assert finding.code == "site.unreachable.tls"
