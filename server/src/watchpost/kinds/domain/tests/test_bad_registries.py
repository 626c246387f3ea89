"""Registries that mislead, lie, drown or trip up whoever asks: a real server each, and never a false alarm."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from ipaddress import ip_network
from time import monotonic
from typing import Any

import pytest

from watchpost.kinds.domain.client import Client
from watchpost.kinds.domain.tests.registry import GUARD, NOW, domain, look, registry
from watchpost.outbound import Guard, Outbound

OUTSIDE = Guard((ip_network("127.0.0.1/32"),))  # of all that is closed, only the registry itself is open
RDAP = "application/rdap+json"


@pytest.mark.parametrize(
    "where",
    [
        "{inside}/domain/example.com",
        "http://10.0.0.1/domain/example.com",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/domain/example.com",
        "http://[::ffff:127.0.0.2]/domain/example.com",
        "//{inside_host}/domain/example.com",
    ],
)
async def test_a_redirect_to_the_inside_is_never_followed(where: str) -> None:
    with registry() as one, registry("127.0.0.2") as inside:
        inside.say(domain())
        host = inside.url.removeprefix("http://")
        one.say(b"", 302, Location=where.format(inside=inside.url, inside_host=host))
        seen, verdict = await look(one.url, guard=OUTSIDE)
        assert inside.asked == []
    assert (seen.outcome.value, verdict.findings, verdict.conclusive) == ("refused", (), False)
    assert " address" in verdict.note


async def test_the_registrars_address_is_under_the_guard_too() -> None:
    with registry() as one, registry("127.0.0.2") as inside:
        inside.say(domain("2026-12-01T00:00:00Z"))
        one.say(domain(links=[{"rel": "related", "href": f"{inside.url}/domain/example.com"}]))
        seen, verdict = await look(one.url, guard=OUTSIDE)
        assert inside.asked == []
    assert (seen.outcome.value, verdict.findings) == ("ok", ())


MANY = 8
LOOPS: dict[str, dict[str, str]] = {
    "to itself": {"/domain/example.com": "/domain/example.com"},
    "two in a ring": {"/domain/example.com": "/b", "/b": "/domain/example.com"},
    "ever on": {f"/{n}": f"/{n + 1}" for n in range(MANY)} | {"/domain/example.com": "/0"},
}


@pytest.mark.parametrize("name", LOOPS)
async def test_redirects_end(name: str) -> None:
    with registry() as one:
        for path, target in LOOPS[name].items():
            one.say(b"", 302, path, Location=target)
        seen, verdict = await look(one.url)
        assert len(one.asked) <= 6
    assert seen.facts["answer"] == "failed"
    assert "redirects" in verdict.note


NOT_FOUND: dict[str, tuple[bytes, dict[str, str], bool]] = {
    "RFC 9083": (b'{"errorCode": 404, "title": "Not Found"}', {"Content_Type": RDAP}, True),
    "an empty RDAP answer": (b"", {"Content_Type": f"{RDAP}; charset=utf-8"}, True),
    "an error as plain JSON": (b'{"errorCode": 404}', {"Content_Type": "application/json"}, True),
    "HTML": (b"<html>404</html>", {"Content_Type": "text/html"}, False),
    "HTML that says it is RDAP": (b"<html>404</html>", {"Content_Type": RDAP}, False),
    "JSON of something else": (b'{"detail": "Not Found"}', {"Content_Type": "application/json"}, False),
    "another error": (b'{"errorCode": 500}', {"Content_Type": "application/json"}, False),
    "nothing at all": (b"", {}, False),
    "a list": (b"[]", {"Content_Type": RDAP}, False),
    "deep": (b"[" * 100_000, {"Content_Type": RDAP}, False),
}


@pytest.mark.parametrize("name", NOT_FOUND)
async def test_only_an_rdap_answer_says_that_a_domain_is_free(name: str) -> None:
    body, headers, free = NOT_FOUND[name]
    with registry() as one:
        one.say(body, 404, **headers)
        seen, verdict = await look(one.url)
    assert seen.facts["answer"] == ("not_found" if free else "failed")
    assert [one.code for one in verdict.findings] == (["domain.not_registered"] if free else [])


def events(*ends: str) -> list[dict[str, str]]:
    return [{"eventAction": "expiration", "eventDate": end} for end in ends]


DATES: dict[str, tuple[list[dict[str, str]], str]] = {
    "that never was": (events("2027-02-30T00:00:00Z"), "domain.not_published"),
    "of the Romans": (events("0044-03-15T00:00:00Z"), "domain.not_published"),
    "for ever": (events("9999-12-31T23:59:59Z"), "domain.not_published"),
    "past all calendars": (events("10000-01-01T00:00:00Z"), "domain.not_published"),
    "at the very edge": (events("0001-01-01T00:00:00+23:59"), "domain.not_published"),
    "an hour 25": (events("2027-08-13T25:00:00Z"), "domain.not_published"),
    "without a zone": (events("2026-12-13T04:00:00"), "domain.expires_soon"),
    "a day alone": (events("2026-12-13"), "domain.expires_soon"),
    "with an offset": (events("2026-12-13T04:00:00.123456789+09:00"), "domain.expires_soon"),
    "one that can be read beside one that cannot": (events("soon", "2026-12-13"), "domain.expires_soon"),
    "two": (events("2028-12-13T04:00:00Z", "2026-12-13T04:00:00Z"), "domain.expires_soon"),
    "a number": ([{"eventAction": "expiration", "eventDate": 1_800_000_000}], "domain.not_published"),
}


@pytest.mark.parametrize("name", DATES)
async def test_dates(name: str) -> None:
    said, code = DATES[name]
    with registry() as one:
        one.say(domain(events=said))
        _, verdict = await look(one.url)
    assert [finding.code for finding in verdict.findings] == [code]


def deep(levels: int) -> bytes:
    inside = b'{"a":' * levels + b"1" + b"}" * levels
    return json.dumps(domain()).encode()[:-1] + b', "x": ' + inside + b"}"


BAD: dict[str, tuple[Any, int, dict[str, str]]] = {
    "huge": (b" " * 3_000_000 + b"{}", 200, {}),
    "deep inside": (deep(100_000), 200, {}),
    "a body cut off": (json.dumps(domain()).encode()[:200], 200, {}),
    "less than was promised": (json.dumps(domain()).encode(), 200, {"Content_Length": "100000"}),
    "a gzip bomb": (gzip.compress(b" " * 50_000_000), 200, {"Content_Encoding": "gzip"}),
    "gzip that is none": (b"\x1f\x8bnonsense", 200, {"Content_Encoding": "gzip"}),
    "another domain": (domain(ldhName="example.net"), 200, {}),
    "an entity": (domain(objectClassName="entity"), 200, {}),
    "an error as 200": ({"errorCode": 404}, 200, {}),
    "not a word of UTF-8": (b'{"objectClassName": "\xff\xfe"}', 200, {}),
    "no content": (b"", 204, {}),
    "forbidden": (b"{}", 403, {}),
    "busy": (b"", 503, {"Retry_After": "120"}),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_cannot_be_read_is_no_finding(name: str) -> None:
    body, status, headers = BAD[name]
    began = monotonic()
    with registry() as one:
        one.say(body, status, **headers)
        seen, verdict = await look(one.url)
    assert seen.facts["answer"] == ("limited" if name == "busy" else "failed")
    assert (verdict.findings, verdict.conclusive) == ((), False)
    assert len(verdict.note) < 300
    assert len(json.dumps(dict(seen.facts))) < 1000
    assert monotonic() - began < 15  # far less; a bomb would take the machine with it


async def test_an_answer_in_gzip_is_read() -> None:
    with registry() as one:
        one.say(gzip.compress(json.dumps(domain()).encode()), Content_Encoding="gzip")
        seen, _ = await look(one.url)
    assert seen.facts["answer"] == "known"


@pytest.mark.parametrize(
    ("said", "left_alone_s"),
    [("120", 120), ("Mon, 23 Nov 2026 09:05:00 GMT", 300), ("", 3600), ("-5", 3600), ("1e9", 3600)],
)
async def test_who_has_enough_is_left_alone_by_everybody_for_as_long_as_it_says(
    said: str, left_alone_s: int
) -> None:
    outbound = Outbound(GUARD)
    client = Client(outbound)
    with registry() as one:
        one.say({}, 429, **({"Retry_After": said} if said else {}))
        one.say(domain(), path="/domain/example.net")
        assert (await client.get(f"{one.url}/domain/example.com", monotonic() + 20, NOW, 0)).kind == "limited"
        for later_s, kind in ((left_alone_s - 1, "limited"), (left_alone_s + 1, "ok")):
            now = NOW + timedelta(seconds=later_s)
            answer = await client.get(f"{one.url}/domain/example.net", monotonic() + 20, now, 0)
            assert answer.kind == kind
        assert len(one.asked) == 2
    await outbound.close()
