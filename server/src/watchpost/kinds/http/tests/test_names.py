"""A resolver of ours that is silent is never the site's downtime while another one answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import ip_network

from watchpost.core.types import NO_PAST, Observation, Outcome, Verdict
from watchpost.kinds.http import KIND
from watchpost.kinds.http.config import HttpConfig
from watchpost.outbound import Guard, Outbound, Resolver
from watchpost.outbound.tests.badserver import serve
from watchpost.outbound.tests.dnsserver import run_dns
from watchpost.registry import Look

AT = datetime(2026, 1, 1, tzinfo=UTC)


async def look(*moods: str, resolver: int = 0) -> tuple[Observation, Verdict, list[str]]:
    async with run_dns(*moods) as servers, serve() as port:
        names = [server.at for server in servers]
        outbound = Outbound(Guard((ip_network("127.0.0.0/8"),)), Resolver(names, 0.2))
        config = HttpConfig.model_validate({"url": f"http://shop.test:{port}/"})
        seen = await KIND.probe(Look(1, 1, config, 3.0, resolver=resolver), outbound, AT)  # type: ignore[misc]
        await outbound.close()
    json.dumps(dict(seen.facts))
    return seen, KIND.judge(config, seen, {}, NO_PAST, AT), names


async def test_another_one_answers() -> None:
    for mood in ("silent", "servfail", "refused"):
        for resolver in (0, 1):
            seen, verdict, names = await look(mood, "fine", resolver=resolver)
            assert verdict.findings == ()
            assert (seen.outcome, seen.facts["status"]) == (Outcome.OK, 200)
            assert seen.facts["resolver"] == {"silent": [names[0]]}


async def test_nobody_answers() -> None:
    seen, verdict, names = await look("silent", "refused")
    (finding,) = verdict.findings
    assert (seen.facts["failure"]["kind"], finding.code) == ("unanswered", "site.unreachable.dns")
    assert "resolver" not in seen.facts
    assert all(name in finding.sentence for name in names)
    assert "RESOLVERS" in finding.fix


async def test_the_name_does_not_exist() -> None:
    seen, verdict, names = await look("silent", "nxdomain")
    (finding,) = verdict.findings
    assert (seen.facts["failure"]["kind"], finding.code) == ("nxdomain", "site.unreachable.dns")
    assert "shop.test does not exist" in finding.sentence
    assert seen.facts["resolver"] == {"silent": [names[0]]}
    assert "registered" in finding.fix


async def test_two_that_answer_may_disagree_while_a_third_is_silent() -> None:
    _, verdict, _ = await look("fine", "nxdomain", "silent", resolver=1)
    assert [finding.code for finding in verdict.findings] == ["site.dns_disagrees"]
