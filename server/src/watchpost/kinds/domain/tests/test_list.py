"""The list of RDAP servers lies where the operator says; without it there is a quiet note, and what was known counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from watchpost.core.types import NO_PAST, Observation, Severity, Verdict
from watchpost.kinds.domain import KIND
from watchpost.kinds.domain.config import DomainConfig
from watchpost.kinds.domain.tests.registry import GUARD, NOW, domain, registry
from watchpost.outbound import Guard, Outbound
from watchpost.registry import Look


async def look(
    url: str, folder: Path | None = None, baseline: Mapping[str, Any] | None = None, days: float = 0.0,
    guard: Guard = GUARD, name: str = "www.example.com", **more: Any,
) -> tuple[Observation, Verdict]:  # fmt: skip
    config = DomainConfig.model_validate({"domain": name} | more)
    outbound, now = Outbound(guard, folder=folder, lists={"rdap": url}), NOW + timedelta(days=days)
    assert KIND.probe is not None
    seen = await KIND.probe(Look(7, 3, config, 20.0), outbound, now)
    await outbound.close()
    return seen, KIND.judge(config, seen, baseline or {}, NO_PAST, now)


async def test_a_mirror_of_the_list_leads_to_the_registry(tmp_path: Path) -> None:
    with registry() as one:
        one.say({"services": [[["com"], [f"{one.url}/rdap/"]]]}, path="/mirror/dns.json")
        one.say(domain(), path="/rdap/domain/example.com")
        seen, verdict = await look(f"{one.url}/mirror/dns.json", tmp_path)
        assert (seen.facts["answer"], verdict.findings) == ("known", ())
        assert [path for path, _ in one.asked] == ["/mirror/dns.json", "/rdap/domain/example.com"]
        one.say(b"", 500, path="/mirror/dns.json")  # gone for a month: the old list is on disk
        seen, verdict = await look(f"{one.url}/mirror/dns.json", tmp_path, days=30)
        assert seen.facts["answer"] == "known"


async def test_without_any_list_there_is_one_quiet_note_with_its_day_and_what_to_do() -> None:
    with registry() as one:
        one.say(b"no", 403, path="/dns.json")
        url = f"{one.url}/dns.json"
        _, verdict = await look(url)
        [found] = verdict.findings
        assert (found.code, verdict.conclusive) == ("domain.no_list", True)
        assert url in found.sentence
        assert "2026-11-23: 127.0.0.1 answers with status 403." in found.sentence
        assert "WATCHPOST_RDAP_BOOTSTRAP" in found.fix
        _, verdict = await look(url, expires=date(2026, 12, 1))
        assert [each.code for each in verdict.findings] == ["domain.expires_soon"]
        held = {"name": "example.com", "at": "2026-11-01", "registrar": None, "locked": False,
                "registration": {"expires": "2026-11-25T00:00:00+00:00", "statuses": []}}  # fmt: skip
        _, verdict = await look(url, baseline=held)
        assert [each.code for each in verdict.findings] == ["domain.expires_soon", "domain.no_list"]
        assert verdict.findings[0].severity is Severity.CRITICAL


async def test_the_list_is_fetched_under_the_guard() -> None:
    with registry() as one:
        _, verdict = await look(f"{one.url}/dns.json", guard=Guard())
        assert one.asked == []
    assert "is a loopback address" in verdict.findings[0].sentence


async def test_no_list_by_word_is_nobody_to_ask() -> None:
    seen, verdict = await look("")
    assert [each.code for each in verdict.findings] == ["domain.no_service"]
    assert seen.outcome.value == "ok"
