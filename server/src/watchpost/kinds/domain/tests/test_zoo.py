"""Every specimen, through a real RDAP server on loopback, gives exactly the expected codes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watchpost.kinds.domain import KIND
from watchpost.kinds.domain.config import DomainConfig
from watchpost.kinds.domain.tests.registry import LOCK, domain, look, registry
from watchpost.outbound import Guard

TWO_ENDS = [
    {"eventAction": "expiration", "eventDate": "2028-01-01T00:00:00Z"},
    {"eventAction": "expiration", "eventDate": "2026-12-01"},
]
ZOO: dict[str, tuple[Any, list[str]]] = {
    "well": (domain(), []),
    "soon": (domain("2026-12-13T04:00:00Z"), ["domain.expires_soon"]),
    "over": (domain("2026-11-20T04:00:00Z"), ["domain.expired"]),
    "without a zone": (domain("2026-12-13T04:00:00"), ["domain.expires_soon"]),
    "the earlier of two ends": (domain(events=TWO_ENDS), ["domain.expires_soon"]),
    "redemption": (domain(statuses=("redemption period",)), ["domain.redemption"]),
    "pending delete": (domain(statuses=("redemption period", "pending delete")), ["domain.pending_delete"]),
    "EPP spelling": (domain(statuses=("clientHold", "clientTransferProhibited")), ["domain.on_hold"]),
    "server hold": (domain(statuses=(LOCK, "server hold")), ["domain.on_hold"]),
    "auto renew": (domain(statuses=(LOCK, "auto renew period")), ["domain.auto_renew_period"]),
    "no date": (domain(None), ["domain.not_published"]),
    "a date nobody can read": (domain("next summer"), ["domain.not_published"]),
    "wrong types everywhere": (domain(events={"a": 1}, status="x", entities=[1], nameservers=None, secureDNS=[], links=3),
                               ["domain.not_published"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ZOO)
async def test_it_is_called_by_its_name(name: str) -> None:
    answer, codes = ZOO[name]
    with registry() as one:
        one.say(answer)
        seen, verdict = await look(one.url)
    assert [finding.code for finding in verdict.findings] == codes
    assert verdict.conclusive
    for finding in verdict.findings:
        assert finding.sentence.endswith(".")
        assert finding.fix.endswith(".")
        assert "domain:example.com" in finding.joins
    facts = json.loads(json.dumps(dict(seen.facts)))
    config = DomainConfig(domain="example.com")
    assert all(label and value for panel in KIND.panels(config, facts, {}) for label, value in panel.rows)


SILENT = {
    "HTML": (b"<html>welcome</html>", 200, {}),
    "a list": ([], 200, {}),
    "a name server": ({"objectClassName": "nameserver"}, 200, {}),
    "another domain": (domain(ldhName="example.net"), 200, {}),
    "endless brackets": (b"[" * 100_000, 200, {}),
    "huge": (b" " * 600_000 + b"{}", 200, {}),
    "too many": ({}, 429, {"Retry_After": "120"}),
    "broken": ({}, 500, {}),
    "a page that is not there": (b"<html>404</html>", 404, {}),
    "a circle": (b"", 302, {"Location": "/domain/example.com"}),
    "to what is no address": (b"", 302, {"Location": "gopher://x/"}),
}


@pytest.mark.parametrize("name", SILENT)
async def test_no_answer_is_no_finding(name: str) -> None:
    body, status, headers = SILENT[name]
    with registry() as one:
        one.say(body, status, **headers)
        seen, verdict = await look(one.url)
    assert (verdict.findings, verdict.conclusive) == ((), False)
    assert verdict.note.startswith("The registry did not answer: ")
    assert seen.facts["answer"] == ("limited" if name == "too many" else "failed")


async def test_a_name_the_registry_does_not_know() -> None:
    with registry() as one:
        _, verdict = await look(one.url)
    assert [finding.code for finding in verdict.findings] == ["domain.not_registered"]


async def test_the_guard_holds_here_too() -> None:
    with registry() as one:
        one.say(domain())
        seen, verdict = await look(one.url, guard=Guard())
        assert one.asked == []
    assert (seen.outcome.value, verdict.conclusive) == ("refused", False)


async def test_the_registrars_earlier_date_counts_and_its_404_does_not() -> None:
    with registry() as one:
        link = {"rel": "related", "href": f"{one.url}/registrar/domain/example.com"}
        one.say(domain(links=[link]))
        seen, verdict = await look(one.url)
        assert (seen.facts["answer"], verdict.findings) == ("known", ())
        one.say(domain("2026-12-01T00:00:00Z"), path="/registrar/domain/example.com")
        _, verdict = await look(one.url)
    assert [finding.code for finding in verdict.findings] == ["domain.expires_soon"]
    assert "says the registrar" in verdict.findings[0].sentence
