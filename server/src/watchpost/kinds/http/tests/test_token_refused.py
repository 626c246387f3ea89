"""Token endpoints with bad days: one clear sentence each, never one about the page, never the secret."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator
from time import monotonic

import pytest
import pytest_asyncio
import trustme

from watchpost.core.types import Outcome
from watchpost.kinds.http.tests.tokenserver import (
    SECRET,
    Api,
    Endpoint,
    Instead,
    answering,
    run_api,
    run_endpoint,
)

CA = trustme.CA()


@pytest_asyncio.fixture
async def api(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Api]:
    caplog.set_level(logging.DEBUG)
    async with run_api() as made:
        yield made
    assert not any(word in caplog.text for word in ("s3cret", "token/number"))


ECHO = json.dumps({"error": "invalid_client", "error_description": f"no secret {SECRET} here"})
REFUSALS: dict[str, tuple[Instead, str, str]] = {
    "says no": (
        answering("401 Unauthorized", '{"error": "invalid_client", "error_description": "Who?"}'),
        "it answers 401 Unauthorized, invalid_client (“Who?”).",
        "Compare client_id and client_secret",
    ),
    "says no with 200": (
        answering("200 OK", '{"error": "invalid_scope"}'),
        "it answers 200 OK, invalid_scope.",
        "Correct scope and audience",
    ),
    "says no at length": (
        answering("400 Bad Request", json.dumps({"error": "x" * 99, "error_description": "long\r\n" * 99})),
        f"it answers 400 Bad Request, {'x' * 59}… (“{'long ' * 39}long…”).",
        "Read what the identity provider says",
    ),
    "sends the secret back": (
        answering("401 Unauthorized", ECHO), "it answers 401 Unauthorized, invalid_client.", "client_secret"
    ),
    "sends the pair back": (
        answering("400 Odd", '{"error": "d2F0Y2glM0Fwb3N0OnAlMkZzcyt3JUMzJUI2cmQlMkJzM2NyZXQ="}'),
        "it answers 400 Bad Request, an error that we may not repeat.", "Read what"
    ),
    "sends the secret back as a type": (
        answering("200 OK", json.dumps({"access_token": "t", "token_type": SECRET})),
        "its token is of another type than bearer.", "token_endpoint"
    ),
    "answers in HTML": (
        answering("200 OK", "<html>sign in</html>", "text/html"),
        "it answers 200 OK, but not with a JSON object (content type: text/html).", "token_endpoint"
    ),
    "breaks in HTML": (
        answering("502 Bad Gateway", "<html>", "text/html"), "it answers 502 Bad Gateway.", "log of the identity"
    ),
    "is not there": (answering("404 Not Found", "{}"), "it answers 404 Not Found.", "Correct token_url"),
    "limits": (answering("429 Too Many", "{}"), "it answers 429 Too Many Requests.", "Look less often"),
    "gives a list": (answering("200 OK", "[1]"), "not with a JSON object", "token_endpoint"),
    "nests": (answering("200 OK", "[" * 60_000), "not with a JSON object", "token_endpoint"),
    "gives nothing": (answering("200 OK", "", "x"), "not with a JSON object (content type: x)", "token_endpoint"),
    "no token": (answering("200 OK", '{"token_type": "bearer"}'), "has no access_token.", "token_endpoint"),
    "a number": (answering("200 OK", '{"access_token": 7}'), "has no access_token.", "token_endpoint"),
    "another type": (
        answering("200 OK", '{"access_token": "t0ken", "token_type": "MAC"}'),
        "its token is of another type than bearer (MAC).", "token_endpoint"
    ),
    "two lines": (
        answering("200 OK", '{"access_token": "a\\r\\nX-Evil: b", "token_type": "bearer"}'),
        "holds characters that no header can carry.", "token_endpoint"
    ),
    "huge": (answering("200 OK", b"{" + b" " * 70_000 + b"}"), "its answer is longer than 64 kB.", "token_end"),
    "redirects": (
        answering("307 Odd", "", Location="http://127.0.0.1:1/x?y=1"),
        "it redirects to http://127.0.0.1:1/x?… (307 Temporary Redirect), and credentials do not follow",
        "Correct token_url",
    ),
}  # fmt: skip


@pytest.mark.parametrize("day", REFUSALS)
async def test_an_endpoint_with_bad_days(api: Api, day: str) -> None:
    api.endpoint.instead, words, fix = REFUSALS[day]
    seen, (finding,) = await api.look("/?key=x")
    assert (finding.code, seen.outcome) == ("site.token_refused", Outcome.FAILED)
    url = f"http://localhost:{api.endpoint.port}/token"
    start = f"The token endpoint {url} gives no token for http://127.0.0.1:{api.port}/?…: "
    assert finding.sentence.startswith(start)
    assert words in finding.sentence
    assert fix in finding.fix
    assert finding.joins == ("host:127.0.0.1", "host:localhost")
    assert (seen.address, seen.total_ms, api.seen) == ("", 0, [])


async def test_an_endpoint_that_breaks_off_hangs_or_is_gone(api: Api) -> None:
    async def closes(*_: object) -> None:
        return None

    api.endpoint.instead = closes
    _, (finding,) = await api.look()
    assert (finding.code, "without an answer" in finding.sentence) == ("site.token_refused", True)
    api.endpoint.instead, api.endpoint.hold = None, asyncio.Event()
    began = monotonic()
    seen, (finding,) = await api.look(deadline_s=1.5, oauth2={"scope": "new"})
    assert monotonic() - began < 5
    assert (finding.code, seen.outcome) == ("site.token_refused", Outcome.TIMEOUT)
    assert "no answer came within 1.5 s" in finding.sentence
    assert "identity provider is up" in finding.fix
    for url, words in (
        ("http://localhost:1/", "nothing listens"),
        ("http://nowhere.invalid/", "nowhere.invalid"),
    ):
        _, (finding,) = await api.look(oauth2={"token_url": url})
        assert (finding.code, words in finding.sentence) == ("site.token_refused", True)
    assert api.seen == []


async def test_the_endpoint_is_under_the_guard(api: Api) -> None:
    seen, (finding,) = await api.look(oauth2={"token_url": "http://169.254.169.254/latest/token"})
    assert (seen.outcome, finding.code) == (Outcome.REFUSED, "site.refused_by_guard")
    assert finding.sentence.startswith("The token endpoint http://169.254.169.254/latest/token was not asked")
    assert "correct token_url" in finding.fix


async def test_its_certificate_is_checked_by_its_own_authority(api: Api) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("localhost").configure_cert(tls)
    pem = CA.cert_pem.bytes().decode()
    async with run_endpoint(Endpoint(good=api.endpoint.good), tls) as secure:
        url = f"https://localhost:{secure.port}/token"
        _, (finding,) = await api.look(oauth2={"token_url": url}, verify_tls=False, ca_pem=pem)
        assert (finding.code, "ca_pem of oauth2" in finding.fix) == ("site.token_refused", True)
        assert secure.asked == []
        assert (await api.look(oauth2={"token_url": url, "ca_pem": pem}))[1] == ()
