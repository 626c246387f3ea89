"""A page behind OAuth2, with a real token endpoint: one token for all, and at home alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from time import monotonic

import pytest
import pytest_asyncio

from watchpost.core.types import Outcome
from watchpost.kinds.http import tokens
from watchpost.kinds.http.tests.tokenserver import (
    AT,
    LONG_S,
    Api,
    answering,
    run_api,
)
from watchpost.outbound.tests.badserver import page
from watchpost.outbound.tests.proxyserver import ForwardProxy, refuse, run_proxy
from watchpost.outbound.tests.tlsserver import listen


@pytest_asyncio.fixture
async def api(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Api]:
    caplog.set_level(logging.DEBUG)
    async with run_api() as made:
        yield made
    assert not any(word in caplog.text for word in ("s3cret", "token/number"))


async def test_the_page_opens_and_the_token_is_kept(api: Api) -> None:
    for _ in range(3):
        seen, findings = await api.look()
        assert (dict(seen.facts), findings) == ({"status": 200, "bytes": 5, "http": "1.1"}, ())
    assert api.seen == ["/ token/number+1"] * 3
    ((head, form),) = api.endpoint.asked
    assert head.startswith("POST /token HTTP/1.1\r\n")
    assert form == {"grant_type": "client_credentials"}


@pytest.mark.parametrize("auth", ["basic", "body"])
async def test_both_ways_to_say_who_we_are(api: Api, auth: str) -> None:
    block = {"auth": auth, "scope": ["orders:read", "stock"], "audience": "https://api.test/?a=b&c"}
    _, findings = await api.look(oauth2=block, headers={"X-Key": "page"}, cookies={"id": "page"})
    assert findings == ()
    ((head, form),) = api.endpoint.asked
    assert (form["scope"], form["audience"]) == ("orders:read stock", "https://api.test/?a=b&c")
    assert ("authorization" in head.lower(), "client_secret" in form) == (auth == "basic", auth == "body")
    assert "page" not in head  # what the page is shown is none of the endpoint's business


async def test_many_looks_wait_for_one_fetch(api: Api) -> None:
    api.endpoint.hold = asyncio.Event()
    looks = [asyncio.create_task(api.look()) for _ in range(20)]
    while not api.endpoint.asked:
        await asyncio.sleep(0.01)
    looks[0].cancel()  # who began it may go; the others still wait for it
    api.endpoint.hold.set()
    for one in looks[1:]:
        assert (await one)[1] == ()
    assert (len(api.endpoint.asked), len(api.seen)) == (1, 19)
    with pytest.raises(asyncio.CancelledError):
        await looks[0]


async def test_when_nobody_waits_the_fetch_ends(api: Api) -> None:
    api.endpoint.hold = asyncio.Event()
    one = asyncio.create_task(api.look(deadline_s=10 * LONG_S))
    while not api.endpoint.asked:
        await asyncio.sleep(0.01)
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    ends = monotonic() + LONG_S
    while api.outbound.open_sockets:
        assert monotonic() < ends
        await asyncio.sleep(0.01)
    api.endpoint.hold.set()
    assert (await api.look())[1] == ()
    assert len(api.endpoint.asked) == 2


async def test_a_hurried_look_does_not_spoil_it_for_a_patient_one(api: Api) -> None:
    api.endpoint.hold = asyncio.Event()
    hurried = asyncio.create_task(api.look(deadline_s=1.5))
    while not api.endpoint.asked:
        await asyncio.sleep(0.01)
    patient = asyncio.create_task(api.look())
    seen, (finding,) = await hurried
    assert (seen.outcome, finding.code) == (Outcome.TIMEOUT, "site.token_refused")
    api.endpoint.hold.set()
    assert (await patient)[1] == ()


async def test_its_time_is_not_the_pages(api: Api) -> None:
    async def slow(_: asyncio.StreamReader, writer: asyncio.StreamWriter, _said: str) -> None:
        await asyncio.sleep(2.0)
        api.endpoint.good.add("token/number+x")
        writer.write(page(b'{"access_token": "token/number+x", "expires_in": 0}'))

    api.endpoint.instead = slow
    began = monotonic()
    seen, findings = await api.look(expect={"max_ms": 1900})
    assert monotonic() - began > 2.0
    assert (findings, seen.phases.total < 1900) == ((), True)
    assert seen.total_ms < 1900


@pytest.mark.parametrize(
    ("expires_in", "fetches"),
    [(3600, 1), ("3600", 1), (None, 1), (True, 1), ([], 1), (1e400, 1), (0, 2), (-5, 2)],
)
async def test_how_long_it_is_kept(api: Api, expires_in: object, fetches: int) -> None:
    api.endpoint.more = {"token_type": "bearer", "expires_in": expires_in}
    for _ in range(2):
        assert (await api.look())[1] == ()
    assert len(api.endpoint.asked) == fetches


async def test_it_is_fetched_anew_shortly_before_it_ends(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.endpoint.more["expires_in"] = 100
    await api.look()
    for later_s, fetches in ((85.0, 1), (91.0, 2)):
        monkeypatch.setattr(tokens, "monotonic", lambda later_s=later_s: monotonic() + later_s)
        config = api.config()
        found = await tokens.find_token(config, 0, api.outbound, monotonic() + later_s + LONG_S, AT)
        assert isinstance(found, tokens.Token)
        assert len(api.endpoint.asked) == fetches


async def test_a_401_throws_it_away_once(api: Api) -> None:
    await api.look()
    api.endpoint.good.clear()  # as if the provider had been started anew
    api.thinks_s = 2.0
    seen, findings = await api.look()
    assert (findings, seen.facts["status"], len(api.endpoint.asked)) == ((), 200, 2)
    assert api.seen == ["/ token/number+1", "/ token/number+1", "/ token/number+2"]
    assert max(seen.total_ms, seen.phases.total) < 1900  # of the last answer only
    api.thinks_s = 0.0

    async def worthless(_: asyncio.StreamReader, writer: asyncio.StreamWriter, _said: str) -> None:
        writer.write(page(b'{"access_token": "token/number+bad", "expires_in": 900}'))

    api.endpoint.good.clear()
    api.endpoint.instead = worthless
    seen, (finding,) = await api.look()
    assert (finding.code, len(api.endpoint.asked)) == ("site.error_status", 3)
    assert "401" in finding.sentence
    assert "what is ****" in seen.excerpt


async def test_a_page_that_always_says_401(api: Api) -> None:
    api.endpoint.instead = answering("200 OK", '{"access_token": "token/number+bad", "expires_in": 900}')
    _, (finding,) = await api.look()
    assert (finding.code, len(api.endpoint.asked), len(api.seen)) == ("site.error_status", 1, 1)
    _, findings = await api.look(expect={"status": 401})
    assert (findings, len(api.endpoint.asked)) == ((), 1)


async def test_a_401_of_many_looks_fetches_once(api: Api) -> None:
    await api.look()
    api.endpoint.good.clear()
    api.endpoint.hold = asyncio.Event()
    looks = [asyncio.create_task(api.look()) for _ in range(10)]
    while len(api.seen) < 11:
        await asyncio.sleep(0.01)
    api.endpoint.hold.set()
    for one in looks:
        assert (await one)[1] == ()
    assert len(api.endpoint.asked) == 2


async def test_a_late_401_does_not_cost_a_newer_token() -> None:
    held = tokens.Tokens()
    old, new = (tokens.Token(f"token/number+{n}", 0.0, monotonic() + 900) for n in (1, 2))

    async def fetch() -> tokens.Token:
        return new

    ends = monotonic() + LONG_S
    assert await held.get("key", fetch, ends, AT, old) is new
    assert await held.get("key", _never, ends, AT, old) is new
    assert await held.get("key", _never, ends, AT, None) is new


async def _never() -> tokens.Token:
    raise AssertionError("nothing had to be fetched")


async def test_it_stays_with_its_origin(api: Api) -> None:
    heads: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(page())
        await writer.drain()

    async with listen(note) as port:
        api.elsewhere = f"http://127.0.0.1:{port}"
        seen, findings = await api.look("/away")
    assert (findings, seen.facts["status"], seen.facts["hops"][0][1]) == ((), 200, 302)
    assert "***" in seen.facts["final"]
    assert api.seen == ["/away token/number+1"]
    assert len(heads) == 1
    assert "authorization" not in heads[0].lower()
    assert "token/number" not in heads[0]


async def test_a_page_that_sends_it_back(api: Api) -> None:
    api.echo = True
    rules = [{"path": "t", "value": "x"}]
    seen, findings = await api.look(expect={"status": 500, "json": rules, "headers": {"x-token": "x"}})
    assert {one.code for one in findings} == {"site.wrong_json", "site.wrong_header"}
    assert all("****" in one.sentence for one in findings)
    assert "****" in seen.excerpt


async def test_both_families_and_a_resolver_share_it(api: Api) -> None:
    seen, findings = await api.look(ip="both")
    assert len(api.endpoint.asked) == 1
    assert [one.code for one in findings] == ["site.address_down"]  # 127.0.0.1 is not an IPv6 address
    assert seen.facts["families"]["4"]["status"] == 200
    api.endpoint.instead = answering("500 Odd", "{}")
    _, findings = await api.look(ip="both", oauth2={"scope": "other"})
    assert [one.code for one in findings] == ["site.token_refused"]


async def test_a_session_that_is_the_token_works(api: Api) -> None:
    seen, findings = await api.look("/cookie")
    assert (findings, seen.facts["status"], len(api.seen)) == ((), 200, 2)
    expects = {"status": 302, "headers": {"set-cookie": "x"}}
    _, (finding,) = await api.look("/cookie", follow_redirects=False, expect=expects)
    assert (finding.code, "****" in finding.sentence) == ("site.wrong_header", True)


async def test_other_words_are_another_token(api: Api) -> None:
    for block in ({}, {"scope": "a"}, {"audience": "a"}, {"auth": "body"}, {"scope": "a"}):
        assert (await api.look(oauth2=block))[1] == ()
    assert len(api.endpoint.asked) == 4


async def test_by_way_of_a_proxy_the_token_goes_there_too(api: Api) -> None:
    async with run_proxy(ForwardProxy(names={"localhost": "127.0.0.1"})) as proxy:
        way = f"http://127.0.0.1:{proxy.port}"
        assert (await api.look(proxy=way))[1] == ()
        assert [head.split()[0] for head in proxy.asked] == ["POST", "GET"]
        proxy.instead = refuse("407 Odd")
        _, (finding,) = await api.look(proxy=way, oauth2={"scope": "new"})
    assert finding.code == "site.proxy_failed"
    assert "it answers 407 Proxy Authentication Required (asked for the token endpoint)" in finding.sentence
