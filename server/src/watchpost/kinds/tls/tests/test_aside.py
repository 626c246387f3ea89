"""Revocation, renewal information and versions, with real servers: what is told, what is silent, what waits."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import trustme

from watchpost.codes import severity_of
from watchpost.core.types import Severity
from watchpost.kinds.tls import KIND
from watchpost.kinds.tls.ari import cert_id
from watchpost.kinds.tls.tests.lists import revoke, watching
from watchpost.kinds.tls.tests.looking import GUARD, serving
from watchpost.kinds.tls.tests.zoo import DAY, LINK, NAME, NOW, ROOT, STRANGER, Made, ca, chain, make
from watchpost.outbound import Guard
from watchpost.outbound.tests.fileserver import Files, file_server
from watchpost.outbound.tests.nginx import run_nginx
from watchpost.outbound.tests.tlsserver import context_of, listen

HERE = "127.0.0.1"
HOUR = timedelta(hours=1)


def shown(config: Any, facts: Mapping[str, Any]) -> dict[str, str]:
    """What the page says of it, out of facts as they are stored."""
    kept = {name: facts[name] for name in KIND.kept if name in facts}
    panels = KIND.panels(config, json.loads(json.dumps(kept)), {})
    return dict(next((panel.rows for panel in panels if panel.title == "Asked aside"), ()))


async def test_a_revoked_leaf_is_told_and_remembered_while_nobody_answers(tmp_path: Path) -> None:
    with file_server() as files:
        leaf = make(NAME, LINK, crl=f"{files.url}/1.crl")
        files.say("/1.crl", revoke(LINK, 5))
        async with serving((HERE, (leaf, LINK))) as port:
            async with watching(port, tmp_path) as watcher:
                assert await watcher.codes() == []
                seen, _ = await watcher.look()
                assert shown(watcher.config, seen.facts)["Revoked"].startswith(
                    "no, says the list of 127.0.0.1"
                )
                files.say("/1.crl", revoke(LINK, leaf))
                assert await watcher.codes(NOW + 5 * HOUR) == []  # it is not asked at each look
                seen, verdict = await watcher.look(NOW + 7 * HOUR)
                assert files.paths == ["/1.crl"] * 2
                [finding] = verdict.findings
                assert finding.code == "tls.revoked"
                assert "2026-11-23 10:00 UTC (its private key is no longer secret)" in finding.sentence
                assert "certbot certonly --force-renewal -d shop.test" in finding.fix
                assert len(json.dumps(dict(seen.facts))) < 3000
                remembered = watcher.baseline
            files.says.clear()
            async with watching(port) as watcher:  # another process, without disk and network
                watcher.baseline = remembered
                assert await watcher.codes(NOW + 20 * HOUR) == ["tls.revoked"]
                seen, _ = await watcher.look(NOW + 20 * HOUR)
                assert "status 404" in shown(watcher.config, seen.facts)["Revoked"]
        async with serving((HERE, (make(NAME, LINK), LINK))) as port, watching(port) as watcher:
            watcher.baseline = remembered
            assert await watcher.codes(NOW + 21 * HOUR) == []  # another certificate
            assert "told" not in watcher.baseline


async def test_a_revoked_link_is_told_by_its_name() -> None:
    with file_server() as files:
        link = ca("Zoo Link 8", ROOT, crl=f"{files.url}/root.crl")
        leaf = make(NAME, link, crl=f"{files.url}/link.crl")
        files.say("/link.crl", revoke(link))
        files.say("/root.crl", revoke(ROOT, link))
        async with serving((HERE, (leaf, link))) as port, watching(port) as watcher:
            _, verdict = await watcher.look()
    [finding] = verdict.findings
    assert (finding.code, finding.subject) == ("tls.revoked", "authority Zoo Link 8")
    assert "take another authority" in finding.fix


async def test_a_list_that_cannot_be_trusted_or_had_is_no_alarm() -> None:
    with file_server() as files:
        leaf = make(NAME, LINK, crl=f"{files.url}/1.crl")
        async with serving((HERE, (leaf, LINK))) as port:
            for body, status, says in (
                (revoke(STRANGER, leaf), 200, "not signed by its issuer"),
                (revoke(LINK, days=(-9, -1)), 200, "out of date since 2026-11-22"),
                (b"<html>", 200, "cannot be read"),
                (b"", 503, "wants no more questions"),
                (b"x" * (10 * 1024 * 1024 + 1), 200, "larger than 10240 kB"),
            ):
                files.say("/1.crl", body, status)
                async with watching(port) as watcher:
                    seen, verdict = await watcher.look()
                    assert (verdict.findings, verdict.conclusive) == ((), True)
                    assert says in shown(watcher.config, seen.facts)["Revoked"]
            async with watching(port, revocation="off") as watcher:
                before = len(files.asked)
                assert await watcher.codes() == []
                assert len(files.asked) == before


async def test_addresses_in_a_certificate_lead_nowhere_inside() -> None:
    for url, says in (
        ("http://127.0.0.1:1/1.crl", "127.0.0.1"), ("http://169.254.169.254/latest", "169.254.169.254"),
        ("ldap://ca.test/cn=x", "only to be had by ldap"), ("file:///etc/passwd", "only to be had by file"),
        ("http://[::1", "no http or https"),
    ):  # fmt: skip
        async with serving(("127.0.0.2", (make(NAME, LINK, crl=url), LINK))) as port:
            only_there = Guard((GUARD.allow_networks[0].__class__("127.0.0.2/32"),))
            async with watching(port, guard=only_there, host="127.0.0.2", sni=NAME) as watcher:
                seen, verdict = await watcher.look()
        assert verdict.findings == ()
        assert says in shown(watcher.config, seen.facts)["Revoked"]


async def test_whatever_is_asked_aside_never_holds_up_a_look() -> None:
    with file_server() as files:
        files.gate.clear()
        leaf = make(NAME, LINK, crl=f"{files.url}/1.crl")
        files.say("/1.crl", revoke(LINK, leaf))
        async with serving((HERE, (leaf, LINK))) as port, watching(port) as watcher:
            await watcher.glance()
            began = monotonic()
            for _ in range(20):
                _, verdict = await watcher.glance()  # only the first look waits a moment
            assert (verdict.findings, files.paths) == ((), ["/1.crl"])
            waited_s = monotonic() - began
            files.gate.set()
            assert await watcher.codes() == ["tls.revoked"]
            assert waited_s < 8


async def test_one_list_for_many_certificates() -> None:
    with file_server() as files:
        leaves = [make(NAME, LINK, crl=f"{files.url}/1.crl") for _ in range(4)]
        files.say("/1.crl", revoke(LINK, leaves[2]))
        places = [(f"127.0.0.{n}", (leaf, LINK)) for n, leaf in enumerate(leaves, 1)]
        async with serving(*places) as port, watching(port) as watcher:
            watcher.outbound.resolver.says = {NAME: tuple(host for host, _ in places)}  # type: ignore[attr-defined]
            assert await watcher.codes() == ["tls.revoked"]
    assert files.paths == ["/1.crl"]


def offer(files: Files, leaf: Made, start: Any, end: Any, **more: Any) -> str:
    """The directory of an authority that wants this certificate renewed then."""
    window = {"start": start.isoformat(), "end": end.isoformat()}
    files.say("/directory", {"newOrder": "x", "renewalInfo": f"{files.url}/renewal"})
    headers = {"Retry_After": "21600"}
    files.say(f"/renewal/{cert_id(leaf.certificate)}", {"suggestedWindow": window} | more, 200, **headers)
    return f"{files.url}/directory"


async def test_what_the_authority_says_of_the_renewal() -> None:
    leaf = make(NAME, LINK, days=(-50, 40))
    with file_server() as files:
        async with serving((HERE, (leaf, LINK))) as port:
            usual = offer(files, leaf, NOW + 10 * DAY, NOW + 11 * DAY)
            async with watching(port, acme_directory=usual) as watcher:
                assert await watcher.codes() == []
                seen, _ = await watcher.look()
                assert shown(watcher.config, seen.facts)["To be renewed"].startswith("from 2026-12-03")
                await watcher.look(NOW + 5 * HOUR)
                assert len(files.asked) == 2  # as often as the authority said
                await watcher.look(NOW + 7 * HOUR)
                assert len(files.asked) == 3

                offer(files, leaf, NOW - DAY, NOW + DAY, explanationURL="https://ca.test/incident")
                _, verdict = await watcher.look(NOW + 14 * HOUR)
                [finding] = verdict.findings
                assert finding.code == "tls.replace_early"
                assert "by 2026-11-24 12:00 UTC, earlier" in finding.sentence
                assert "https://ca.test/incident" in finding.sentence
                files.says.clear()
                assert await watcher.codes(NOW + 30 * HOUR) == ["tls.replace_early"]

            over = offer(files, leaf, NOW - 3 * DAY, NOW - 2 * DAY)
            async with watching(port, acme_directory=over) as watcher:
                _, verdict = await watcher.look()
                [finding] = verdict.findings
                assert finding.code == "tls.renewal_overdue"
                assert "renewed by 2026-11-21 12:00 UTC, says Zoo Trust" in finding.sentence
            async with watching(port, acme_directory=over, renewal_info="off") as watcher:
                assert await watcher.codes() == []


async def test_an_authority_that_is_silent_makes_no_noise() -> None:
    leaf = make(NAME, LINK, days=(-80, 40))
    with file_server() as files:
        async with serving((HERE, (leaf, LINK))) as port:
            good = offer(files, leaf, NOW - 3 * DAY, NOW - 2 * DAY)
            path = f"/renewal/{cert_id(leaf.certificate)}"
            for at, what, status in (
                (path, b"", 404), (path, b"<html>", 200), (path, {"suggestedWindow": {}}, 200),
                ("/directory", {"newOrder": "x"}, 200), ("/directory", b"", 500),
            ):  # fmt: skip
                files.say(at, what, status)
                async with watching(port, acme_directory=good) as watcher:
                    seen, verdict = await watcher.look()
                    assert verdict.findings == ()
                    assert "not known" in shown(watcher.config, seen.facts)["To be renewed"]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_which_versions_are_accepted() -> None:
    versions = ssl.TLSVersion
    for oldest, newest, codes, accepts in (
        (versions.TLSv1_2, versions.TLSv1_3, [], "TLS 1.2, TLS 1.3"),
        (versions.TLSv1_1, versions.TLSv1_3, ["tls.old_protocol"], "TLS 1.1, TLS 1.2, TLS 1.3"),
        (versions.TLSv1, versions.TLSv1_2, ["tls.old_protocol"], "TLS 1.0, TLS 1.1, TLS 1.2"),
    ):
        leaf = make(NAME, LINK)
        tls = context_of(chain(leaf, LINK), leaf.key)
        tls.minimum_version, tls.maximum_version = oldest, newest
        async with listen(tls=tls) as port, watching(port, protocols="scan") as watcher:
            assert await watcher.codes() == codes
            seen, verdict = await watcher.look()
            assert shown(watcher.config, seen.facts)["Accepts"] == accepts
            assert [severity_of(finding) for finding in verdict.findings] == [Severity.INFO] * len(codes)
            async with watching(port, protocols="scan", min_protocol="1.3") as strict:
                _, verdict = await strict.look()
                [finding] = verdict.findings
                assert severity_of(finding) == Severity.WARNING
                assert "older than TLS 1.3 that is asked for" in finding.sentence
                assert "`ssl_protocols TLSv1.3;`" in finding.fix


async def test_only_cancellation_is_raised_and_work_aside_ends_with_the_process() -> None:
    with file_server() as files:
        files.gate.clear()
        leaf = make(NAME, LINK, crl=f"{files.url}/1.crl")
        async with serving((HERE, (leaf, LINK))) as port, watching(port) as watcher:
            task = asyncio.ensure_future(watcher.glance())
            while not files.asked:
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await watcher.outbound.close()
            assert watcher.outbound.open_sockets == 0


async def test_nginx_that_still_accepts_tls_1_1(tmp_path: Path) -> None:
    authority = trustme.CA()
    with authority.cert_pem.tempfile() as path:
        pem = Path(path).read_text()
    old = "ssl_protocols TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0;"
    for more, codes in ((old, ["tls.old_protocol"]), ("ssl_protocols TLSv1.2 TLSv1.3;", [])):
        folder = tmp_path / ("old" if codes else "new")
        folder.mkdir()
        leaf = authority.issue_cert(NAME)
        async with (
            run_nginx(folder, leaf, "ssl", more) as port,
            watching(port, protocols="scan", ca_pem=pem) as watcher,
        ):
            assert await watcher.codes(datetime.now(UTC)) == codes
            accepts = ["TLSv1.1"] * len(codes) + ["TLSv1.2", "TLSv1.3"]
            assert watcher.baseline["told"]["accepts"] == accepts
