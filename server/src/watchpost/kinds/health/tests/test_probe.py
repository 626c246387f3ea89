"""How the endpoint is asked: over real sockets, with a server that misbehaves when told to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest
from tests.serving import Handler, Serving

from watchpost.core.types import NO_PAST, Observation, Outcome, Verdict
from watchpost.kinds.health import KIND
from watchpost.kinds.health.config import HealthConfig
from watchpost.kinds.health.probe import MOST_BYTES
from watchpost.kinds.health.tests.bodies import GOLDEN, body
from watchpost.outbound import Guard, Outbound
from watchpost.registry import Look

AT = datetime(2026, 11, 3, tzinfo=UTC)
TOKEN = "a-token-of-some-length"


class Application(Serving):
    """Answers what the test says, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.says: tuple[int, bytes, dict[str, str]] = (200, b"", {})
        self.hangs = threading.Event()
        self.hangs.set()
        application = self

        class Answers(Handler):
            def do_GET(self) -> None:
                application.asked.append((self.path, dict(self.headers)))
                application.hangs.wait(10)
                status, body, headers = application.says
                if self.path == "/moved":
                    status, body, headers = 302, b"", {"Location": "/health/"}
                if self.path == "/around":
                    status, body, headers = 302, b"", {"Location": "/around"}
                self.answer(status, body, headers)

        super().__init__(Answers, "/health/")
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # whoever hangs up

    def speaks(self, name: str) -> None:
        status, kind, *_ = GOLDEN[name]
        self.says = status, body(name), {"Content-Type": kind}


@pytest.fixture
def application() -> Iterator[Application]:
    found = Application()
    yield found
    found.hangs.set()
    found.close()


def look(url: str, deadline_s: float = 5.0, **more: Any) -> tuple[Observation, Verdict]:
    config = HealthConfig.model_validate({"url": url} | more)

    async def once() -> Observation:
        outbound = Outbound(Guard((ip_network("127.0.0.0/8"),)))
        try:
            assert KIND.probe is not None
            return await KIND.probe(Look(1, 1, config, deadline_s), outbound, AT)
        finally:
            await outbound.close()

    seen = asyncio.run(once())
    return seen, KIND.judge(config, seen, {}, NO_PAST, AT)


def codes(found: Verdict) -> set[str]:
    return {one.code for one in found.findings}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_each_format_is_read_over_the_wire(application: Application, name: str) -> None:
    application.speaks(name)
    seen, _ = look(application.url)
    assert (seen.outcome, seen.facts["status"]) == (Outcome.OK, GOLDEN[name][0])
    assert seen.facts["report"]["format"] == GOLDEN[name][2]
    assert {check: one["state"] for check, one in seen.facts["checks"].items()} == {
        check: state for check, (state, _) in GOLDEN[name][4].items()
    }
    assert seen.address == "127.0.0.1"
    assert seen.total_ms > 0
    assert seen.excerpt == ""


def test_it_asks_as_each_format_wants_it(application: Application) -> None:
    application.speaks("watchpost_ok")
    look(application.url, token=TOKEN, headers={"X-Probe": "1"})
    look(application.url, format="health+json")
    look(application.url, headers={"Accept": "text/x-mine"}, basic_auth={"username": "u", "password": "p"})
    (_, ours), (_, other), (_, mine) = application.asked
    assert ours["Accept"].startswith("application/json,")
    assert "health+json" not in ours["Accept"]  # ours would answer in that, with less in it
    assert (ours["Authorization"], ours["X-Probe"]) == (f"Bearer {TOKEN}", "1")
    assert other["Accept"].startswith("application/health+json")
    assert "Authorization" not in other
    assert (mine["Accept"], mine["Authorization"]) == ("text/x-mine", "Basic dTpw")


def test_redirects_are_followed_and_credentials_stay_at_home(application: Application) -> None:
    application.speaks("watchpost_ok")
    seen, _ = look(application.url.replace("/health/", "/moved"))
    assert seen.facts["final"] == application.url
    assert seen.facts["report"]["says"] == "ok"
    other = Application()
    try:
        other.says = 302, b"", {"Location": application.url.replace("127.0.0.1", "127.0.0.2")}
        application.asked.clear()
        application.says = 302, b"", {"Location": other.url}
        look(application.url, token=TOKEN)
        assert application.asked[0][1]["Authorization"] == f"Bearer {TOKEN}"
        assert all("Authorization" not in asked for _, asked in other.asked)
    finally:
        other.close()


def test_a_circle_of_redirects_is_no_report(application: Application) -> None:
    seen, found = look(application.url.replace("/health/", "/around"))
    assert (seen.outcome, codes(found)) == (Outcome.OK, {"health.unreadable"})
    assert "redirects in a circle" in found.findings[0].sentence


def test_a_token_that_is_wrong_costs_the_details_and_is_told(application: Application) -> None:
    application.speaks("watchpost_stranger")
    refusal = {"WWW-Authenticate": 'Bearer realm="health", error="invalid_token"'}
    application.says = (*application.says[:2], application.says[2] | refusal)
    seen, found = look(application.url, token=TOKEN)
    assert seen.facts["token"] == "refused"
    assert codes(found) == {"health.token_refused", "health.failing", "health.degraded"}
    application.says = 403, b"<html>no</html>", {"Content-Type": "text/html"}
    assert codes(look(application.url, token=TOKEN)[1]) == {"health.token_refused"}
    assert TOKEN not in repr(seen.facts)


def test_an_endpoint_that_hangs_is_not_one_that_says_error(application: Application) -> None:
    application.speaks("watchpost_error")
    application.hangs.clear()
    seen, found = look(application.url, deadline_s=0.4)
    assert (seen.outcome, codes(found)) == (Outcome.TIMEOUT, {"health.unreachable.timeout"})
    assert "waiting for the answer" in found.findings[0].sentence
    application.hangs.set()


def test_a_port_that_is_closed_and_one_that_nobody_may_ask() -> None:
    gone = Application()
    gone.close()
    seen, found = look(gone.url)
    assert (seen.outcome, codes(found)) == (Outcome.FAILED, {"health.unreachable.connect"})
    assert seen.facts["failure"]["host"] == "127.0.0.1"
    seen, found = look("http://10.1.2.3/health/")
    assert (seen.outcome, codes(found)) == (Outcome.REFUSED, {"health.refused_by_guard"})


def test_a_body_without_end_is_cut_and_said(application: Application) -> None:
    application.says = (
        200,
        b'{"status": "ok", "x": "' + b"x" * (MOST_BYTES + 10),
        {"Content-Type": "application/json"},
    )
    seen, found = look(application.url)
    assert codes(found) == {"health.unreadable"}
    assert seen.facts["bytes"] == MOST_BYTES
    assert "more than 1024 kB" in found.findings[0].sentence
    assert len(seen.excerpt) <= 2000


def test_a_page_for_people_is_no_report(application: Application) -> None:
    application.says = 200, b"<html>\x00<title>Sign in</title>", {"Content-Type": "text/html; charset=utf-8"}
    seen, found = look(application.url)
    assert codes(found) == {"health.unreadable"}
    assert "HTML page" in found.findings[0].sentence
    assert seen.excerpt.startswith("<html>\ufffd<title>")
