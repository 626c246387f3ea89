"""What is remembered: the last date while the registry is silent, what is normal, who wants to be left alone."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path
from time import monotonic

import pytest

from watchpost.core.types import Severity
from watchpost.kinds.domain import KIND, bootstrap
from watchpost.kinds.domain.bootstrap import Directory
from watchpost.kinds.domain.client import Client
from watchpost.kinds.domain.config import DomainConfig
from watchpost.kinds.domain.limits import Limits, Rate, retry_after_s
from watchpost.kinds.domain.tests.registry import GUARD, LOCK, NOW, domain, look, registry
from watchpost.outbound import Outbound

LIST = {"services": [[["com", "net"], ["http://a.test/", "https://a.test/rdap/"]]]}


async def test_days_pass_while_the_registry_is_silent() -> None:
    with registry() as one:
        one.say(domain("2027-01-22T09:00:00Z"))  # in 60 days
        good, verdict = await look(one.url)
        held = verdict.baseline
        one.say({}, 500)
        silent, _ = await look(one.url, held)
        kept = {name: good.facts[name] for name in KIND.kept & good.facts.keys()}  # as the engine keeps them
        for facts, note in (
            (good.facts, ""),
            (
                silent.facts,
                "As it was on 2026-11-23. The last look brought no answer: 127.0.0.1 answers with",
            ),
            (
                {"answer": "not_found"},
                "As it was on 2026-11-23. Now the registry says that it is not registered.",
            ),
        ):
            shown = KIND.panels(DomainConfig(domain="example.com"), kept | facts, held or {})[0]
            assert (shown.note.startswith(note), bool(shown.note)) == (True, bool(note))
        seen = []
        for days in (0, 40, 55, 61):
            _, verdict = await look(one.url, held, NOW + timedelta(days=days))
            worst = [(finding.code, finding.severity) for finding in verdict.findings]
            seen.append((verdict.conclusive, worst))
    assert seen == [
        (False, []),
        (True, [("domain.expires_soon", Severity.WARNING)]),
        (True, [("domain.expires_soon", Severity.CRITICAL)]),
        (True, [("domain.expired", None)]),
    ]


async def test_another_registrar_and_no_lock_are_told_until_they_are_expected() -> None:
    with registry() as one:
        one.say(domain())
        _, verdict = await look(one.url)
        one.say(domain(registrar="9999", statuses=("active",)))
        seen, verdict = await look(one.url, verdict.baseline)
        codes = [finding.code for finding in verdict.findings]
        assert codes == ["domain.registrar_changed", "domain.transfer_lock_gone"]
        held = verdict.baseline
        assert KIND.accept is not None
        assert held is not None
        assert [KIND.change(held, {}, one) for one in verdict.findings] == ["example.com 9999", "example.com"]
        for finding in verdict.findings:
            held = KIND.accept(held, seen.facts, finding)
        _, verdict = await look(one.url, held)
    assert verdict.findings == ()


async def test_a_date_by_hand_counts_where_none_is_published_and_is_compared_where_one_is() -> None:
    with registry() as one:
        one.say(domain(None))
        _, verdict = await look(one.url, expires=date(2026, 12, 1))
        assert [finding.code for finding in verdict.findings] == ["domain.expires_soon"]
        one.say(domain("2027-08-13T04:00:00Z"))
        _, verdict = await look(one.url, expires=date(2028, 8, 13))
    assert [finding.code for finding in verdict.findings] == ["domain.date_differs"]


async def test_a_limit_holds_for_all_who_ask_this_host_until_it_is_over() -> None:
    outbound = Outbound(GUARD)
    client = Client(outbound)
    with registry() as one:
        one.say({}, 429, Retry_After="120")
        url = f"{one.url}/domain/example.com"
        assert (await client.get(url, monotonic() + 20, NOW, 0)).kind == "limited"
        one.say(domain())
        for later_s, kind in ((119, "limited"), (121, "ok")):
            answer = await client.get(url, monotonic() + 20, NOW + timedelta(seconds=later_s), 0)
            assert answer.kind == kind
        assert len(one.asked) == 2
    await outbound.close()


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, 3600),
        ("7", 7),
        ("soon", 3600),
        ("0", 1),
        ("99999999", 86_400),
        ("Mon, 23 Nov 2026 09:01:00 GMT", 60),
        ("Mon, 23 Nov 2026 10:01:00 -0000", 3660),
        ("Mon, 23 Nov 2026 08:01:00 GMT", 1),
        ("Mon, 99 Nov 2026 09:01:00 GMT", 3600),
    ],
)
def test_retry_after(said: str | None, seconds: float) -> None:
    assert retry_after_s(said, NOW) == seconds


async def test_the_list_is_asked_for_once_kept_on_disk_and_kept_when_it_is_gone(tmp_path: Path) -> None:
    outbound = Outbound(GUARD)
    with registry() as one:
        one.say(LIST, path="/dns.json", ETag='"1"')
        first = Directory(Client(outbound), tmp_path, f"{one.url}/dns.json")
        ends = monotonic() + 30
        every = await asyncio.gather(*(first.server("example.com", ends, NOW, 0) for _ in range(20)))
        assert (set(every), len(one.asked)) == ({"https://a.test/rdap/"}, 1)
        assert await first.server("example.de", ends, NOW, 0) == bootstrap.UNLISTED["de"]
        assert await first.server("example.zz", ends, NOW, 0) is None

        again = Directory(Client(outbound), tmp_path, f"{one.url}/dns.json")  # another process, later
        assert await again.server("example.com", ends, NOW + timedelta(hours=23), 0) == "https://a.test/rdap/"
        assert len(one.asked) == 1
        one.say(b"", 304, path="/dns.json")
        assert await again.server("example.com", ends, NOW + timedelta(hours=25), 0) == "https://a.test/rdap/"
        assert one.asked[1][1]["if-none-match"] == '"1"'
        one.say(b"<html>", path="/dns.json")
        assert await again.server("example.com", ends, NOW + timedelta(days=3), 0) == "https://a.test/rdap/"
        assert again.why == "IANA's list of RDAP servers cannot be read"
    await outbound.close()


def test_what_is_watched_is_the_registered_domain() -> None:
    assert DomainConfig(domain="www.shop.example.co.uk").name == "example.co.uk"
    for wrong in ("co.uk", "192.0.2.1", "https://example.com/"):
        with pytest.raises(ValueError, match=r"name alone|nobody registers"):
            DomainConfig(domain=wrong)


async def test_a_bucket_gives_a_burst_and_then_one_by_one_and_nothing_that_comes_too_late() -> None:
    limits, rate, began = Limits(), Rate(3, 600.0), monotonic()
    for _ in range(3):
        assert await limits.turn("a", rate, began + 60, NOW)
    assert not await limits.turn("a", rate, began + 60, NOW)  # it would come in ten minutes
    assert await limits.turn("b", rate, began + 60, NOW)  # another host has a bucket of its own
    began = monotonic()
    for _ in range(3):
        assert await limits.turn("c", Rate(1, 0.2), began + 60, NOW)
    assert monotonic() - began >= 0.39


async def test_waiting_for_our_own_turn_is_no_slowness_of_the_registry() -> None:
    with registry() as one:
        one.say(domain())
        seen, verdict = await look(one.url, busy_s=1.3)
        assert 1.0 <= seen.facts["waited_s"] <= 1.3
        assert 0 < seen.phases.wait <= seen.total_ms < 1000
        assert seen.total_ms == pytest.approx(seen.phases.total, abs=0.01)
        shown = dict(
            KIND.panels(DomainConfig(domain="example.com"), seen.facts, verdict.baseline or {})[0].rows
        )
        assert shown["Waited for our turn"].endswith(" s, for other monitors were asking it")

        one.say({}, 500)
        _, verdict = await look(one.url, busy_s=1.3)
        assert "answers with status 500. 1 s of the look went by until it was our turn" in verdict.note

        seen, verdict = await look(one.url, busy_s=60)
        assert (seen.total_ms, verdict.conclusive) == (0.0, False)
        assert "was not asked in time: others were asking it too" in verdict.note

        seen, _ = await look(one.url, busy_s=0.2)
        assert "waited_s" not in seen.facts  # explains nothing


def test_a_clock_that_is_set_back_does_not_close_a_host_for_years() -> None:
    limits = Limits()
    limits.close("a", "600", NOW)
    assert limits.closed("a", NOW + timedelta(seconds=599)) == NOW + timedelta(seconds=600)
    assert limits.closed("a", NOW - timedelta(days=400)) is None


async def test_a_process_that_crashes_again_and_again_asks_no_more_often(tmp_path: Path) -> None:
    rate, taken = Rate(3, 600.0), 0
    for _ in range(8):  # eight lives within a second
        limits = Limits(tmp_path)
        for _ in range(2):
            taken += await limits.turn("a", rate, monotonic() + 60, NOW)
    assert taken == 3
    assert await Limits(tmp_path).turn("b", rate, monotonic() + 60, NOW)
    later = Limits(tmp_path)
    assert not await later.turn("a", rate, monotonic() + 60, NOW + timedelta(seconds=500))
    assert await Limits(tmp_path).turn("a", rate, monotonic() + 60, NOW + timedelta(seconds=601))


async def test_who_wants_to_be_left_alone_is_after_a_restart_too(tmp_path: Path) -> None:
    with registry() as one:
        one.say({}, 429, Retry_After="120")
        for later_s, answer in ((0, "limited"), (119, "limited"), (121, "known")):
            if later_s:
                one.say(domain())
            seen, _ = await look(one.url, now=NOW + timedelta(seconds=later_s), folder=tmp_path)
            assert seen.facts["answer"] == answer, later_s
        assert len(one.asked) == 2


@pytest.mark.parametrize("back", [timedelta(hours=25), timedelta(days=4000)])
async def test_a_clock_set_back_over_a_restart_locks_nobody_out(tmp_path: Path, back: timedelta) -> None:
    rate = Rate(2, 0.3)
    before = Limits(tmp_path)
    before.close("closed", "600", NOW)
    for _ in range(2):
        assert await before.turn("a", rate, monotonic() + 60, NOW)
    after, began = Limits(tmp_path), monotonic()
    assert after.closed("closed", NOW - back) is None
    for _ in range(3):  # from an empty bucket, and then as ever
        assert await after.turn("a", rate, began + 60, NOW - back)
    assert 0.85 <= monotonic() - began < 5


@pytest.mark.parametrize(
    "held", ["", "[]", '{"until": 3, "full": {}}', '{"until": {"a": "soon"}, "full": {"a": null}}']
)
async def test_limits_that_cannot_be_read_are_none(tmp_path: Path, held: str) -> None:
    (tmp_path / "registry-limits.json").write_text(held)
    limits = Limits(tmp_path)
    assert limits.closed("a", NOW) is None
    assert await limits.turn("a", Rate(1, 1.0), monotonic() + 60, NOW)
    assert "a" in (tmp_path / "registry-limits.json").read_text()


async def test_the_registrar_is_asked_once_a_day_by_rdap_too_and_its_silence_forgets_nothing(
    tmp_path: Path,
) -> None:
    own = "/registrar/domain/example.com"
    with registry() as one:
        one.say(domain(links=[{"rel": "related", "href": f"{one.url}{own}"}]))
        one.say(domain("2026-12-01T00:00:00Z"), path=own)
        for hours, asked in ((0, 1), (6, 1), (23, 1), (25, 2), (30, 2), (32, 3)):
            if hours == 25:
                one.say({}, 500, path=own)  # silent from now on: asked again with the next look, six hours on
            _, verdict = await look(one.url, now=NOW + timedelta(hours=hours), folder=tmp_path)
            assert [finding.code for finding in verdict.findings] == ["domain.expires_soon"], hours
            assert sum(path == own for path, _ in one.asked) == asked, hours
        (tmp_path / "registrars.json").write_text('{"example.com": ["nonsense", 1, null], "x": 3}')
        seen, _ = await look(one.url, now=NOW + timedelta(hours=33), folder=tmp_path)
    assert seen.facts["answer"] == "known"


async def test_renewed_by_the_registry_is_told_until_the_registrar_shows_it_paid() -> None:
    own = "/registrar/domain/example.com"
    with registry() as one:
        link = {"rel": "related", "href": f"{one.url}{own}"}
        one.say(domain("2027-11-20T04:00:00Z", (LOCK, "auto renew period"), links=[link]))
        one.say(domain("2026-11-20T04:00:00Z"), path=own)
        _, verdict = await look(one.url)
        assert {finding.code for finding in verdict.findings} == {
            "domain.auto_renew_period",
            "domain.expired",
        }
        one.say(domain("2027-11-20T09:00:00Z"), path=own)
        _, verdict = await look(one.url)
    assert verdict.findings == ()
