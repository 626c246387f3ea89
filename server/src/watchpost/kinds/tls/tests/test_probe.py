"""One look with real handshakes: addresses, families, names, and how it fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
from time import monotonic

import pytest

from watchpost.codes import severity_of
from watchpost.core.types import NO_PAST, Outcome, Severity
from watchpost.kinds.tls import KIND
from watchpost.kinds.tls.config import TlsConfig
from watchpost.kinds.tls.tests.looking import GUARD, Names, look, serving
from watchpost.kinds.tls.tests.zoo import LINK, NAME, NOW, ROOT, STRANGER, chain, make
from watchpost.outbound import Guard, Outbound, Resolver
from watchpost.outbound.tests.dnsserver import run_dns
from watchpost.outbound.tests.tlsserver import context_of, listen
from watchpost.registry import Look

HERE, THERE = "127.0.0.1", "127.0.0.2"
LEAF = make(NAME, LINK)
GOOD = (LEAF, LINK)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_every_address_of_both_families_is_asked() -> None:
    async with serving((HERE, GOOD), (THERE, GOOD), ("::1", GOOD)) as port:
        seen, verdict = await look(port, addresses=(THERE, "::1", HERE))
    assert list(seen.facts["addresses"]) == [HERE, THERE, "::1"]
    assert {one["chain"] for one in seen.facts["addresses"].values()} == {0}
    assert (seen.outcome, verdict.findings, seen.facts["others"]) == (Outcome.OK, (), [])
    assert (seen.monitor_id, seen.revision, seen.at) == (7, 3, NOW)
    assert seen.total_ms == pytest.approx(seen.phases.total, abs=0.01)
    assert seen.phases.dns == 1.0


async def test_each_address_is_judged_by_what_it_serves() -> None:
    """The same leaf, but one address forgets the intermediate."""
    async with serving((HERE, GOOD), (THERE, (LEAF,))) as port:
        seen, verdict = await look(port, addresses=(HERE, THERE))
    assert [finding.code for finding in verdict.findings] == ["tls.chain.missing_intermediate"]
    assert f"is not valid at {THERE}: " in verdict.findings[0].sentence
    assert len(seen.facts["others"]) == 1


async def test_an_expired_one_beside_a_new_one_names_the_place() -> None:
    old = make(NAME, LINK, days=(-90, -1))
    async with serving((HERE, GOOD), (THERE, (old, LINK))) as port:
        seen, verdict = await look(port, addresses=(HERE, THERE))
    [finding] = verdict.findings
    assert finding.code == "tls.expired"
    assert f"at {THERE}: " in finding.sentence
    assert finding.fix.startswith("Bring the new certificate to the addresses")
    assert seen.facts["certificate"]["not_after"] < seen.facts["others"][0]["not_after"]


async def test_a_dead_address_does_not_hide_the_others_nor_hold_them_up() -> None:
    async with serving((HERE, GOOD)) as port, listen(silent, host=THERE, port=port):
        began = monotonic()
        seen, verdict = await look(port, addresses=(HERE, THERE, "127.0.0.3"), deadline_s=0.5)
    assert monotonic() - began < 1.5
    found = {finding.subject: finding for finding in verdict.findings}
    assert {finding.code for finding in verdict.findings} == {"tls.address_down"}
    assert "was not finished within 0.5 s" in found[THERE].sentence
    assert "nothing listens" in found["127.0.0.3"].sentence
    assert (seen.outcome, seen.address) == (Outcome.OK, HERE)


async def test_one_family_or_one_address_on_demand() -> None:
    async with serving((HERE, GOOD), ("::1", GOOD)) as port:
        for ip, asked in (("4", HERE), ("6", "::1")):
            seen, _ = await look(port, addresses=(HERE, "::1"), ip=ip)
            assert list(seen.facts["addresses"]) == [asked]
        seen, _ = await look(port, addresses=(HERE, "::1"), every_address=False)
        assert len(seen.facts["addresses"]) == 1
        seen, verdict = await look(port, host="127.0.0.1", ip="6")
    assert [finding.code for finding in verdict.findings] == ["tls.unreachable.dns"]
    assert "127.0.0.1 is not an IPv6 address" in verdict.findings[0].sentence


async def test_hundreds_of_addresses_are_bounded() -> None:
    async with serving((HERE, GOOD)) as port:
        many = tuple(f"127.0.{number // 200}.{number % 200 + 1}" for number in range(300))
        seen, _ = await look(port, addresses=many)
    assert (len(seen.facts["addresses"]), seen.facts["more_addresses"]) == (24, 276)
    assert len(json.dumps(dict(seen.facts))) < 8000


async def test_many_different_chains_stay_small() -> None:
    names = [f"a-long-name-of-host-{number}.shop.test" for number in range(50)]
    places = [(f"127.0.0.{n}", (make(NAME, LINK, sans=[NAME, *names]), LINK)) for n in range(1, 13)]
    async with serving(*places) as port:
        seen, _ = await look(port, addresses=[host for host, _ in places])
    assert len(seen.facts["others"]) == 11
    assert len(json.dumps(dict(seen.facts))) < 12_000


async def test_the_name_to_ask_for_may_differ_from_the_host() -> None:
    async with serving((HERE, GOOD)) as port:
        seen, verdict = await look(port, host="edge.test", sni=NAME)
        assert (verdict.findings, seen.facts["name"]) == ((), NAME)
        _, verdict = await look(port, host="edge.test")
    assert [finding.code for finding in verdict.findings] == ["tls.wrong_name"]
    assert "host:edge.test" in verdict.findings[0].joins


async def test_a_server_that_wants_our_certificate_is_judged_by_its_own() -> None:
    tls = context_of(chain(*GOOD), LEAF.key)
    tls.verify_mode = ssl.CERT_REQUIRED

    def refuse(listener: socket.socket) -> None:
        """Until it is shut down: who was let in before may be asked a second time, in full."""
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer, contextlib.suppress(OSError):
                tls.wrap_socket(peer, server_side=True).close()

    for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        tls.maximum_version = newest
        with socket.create_server((HERE, 0)) as listener:
            server = asyncio.create_task(asyncio.to_thread(refuse, listener))
            seen, verdict = await look(listener.getsockname()[1])
            listener.shutdown(socket.SHUT_RDWR)
            await server
        assert (verdict.findings, seen.outcome) == ((), Outcome.OK)


async def test_who_shows_a_certificate_and_hangs_up_lets_nobody_in() -> None:
    tls = context_of(chain(*GOOD), LEAF.key)
    tls.verify_mode = ssl.CERT_REQUIRED  # and this server says nothing when there is none
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    async with listen(tls=tls) as port:
        seen, verdict = await look(port)
    [finding] = verdict.findings
    assert (finding.code, seen.outcome) == ("tls.unreachable.reset", Outcome.FAILED)
    assert "shows its certificate, but lets nobody in: the server closed" in finding.sentence


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_an_old_server_is_named_even_if_its_certificate_is_refused() -> None:
    for served, codes in ((GOOD, []), ((make(NAME, STRANGER),), ["tls.unknown_root"])):
        tls = context_of(chain(*served), served[0].key)
        tls.maximum_version = ssl.TLSVersion.TLSv1_1
        async with listen(tls=tls) as port:
            _, verdict = await look(port)
        assert sorted(finding.code for finding in verdict.findings) == sorted([*codes, "tls.old_protocol"])


async def test_the_ways_not_to_be_reached() -> None:
    async with listen(silent) as port:
        seen, verdict = await look(port, deadline_s=0.3)
        assert ([f.code for f in verdict.findings], seen.outcome) == (
            ["tls.unreachable.timeout"], Outcome.TIMEOUT)  # fmt: skip
    seen, verdict = await look(port)
    assert ([f.code for f in verdict.findings], seen.outcome) == (
        ["tls.unreachable.connect"], Outcome.FAILED)  # fmt: skip
    seen, verdict = await look(port, addresses=())
    assert ([f.code for f in verdict.findings], seen.address) == (["tls.unreachable.dns"], "")
    assert "exists but has no address" in verdict.findings[0].sentence
    seen, verdict = await look(port, addresses=("10.0.0.1", "10.0.0.2"))
    assert ([f.code for f in verdict.findings], seen.outcome) == (
        ["tls.refused_by_guard"], Outcome.REFUSED)  # fmt: skip


async def test_a_private_address_among_public_ones_is_a_warning() -> None:
    async with serving((HERE, GOOD)) as port:
        _, verdict = await look(port, addresses=(HERE, "10.0.0.1"))
    [finding] = verdict.findings
    assert (finding.code, severity_of(finding)) == ("tls.address_down", Severity.WARNING)


async def test_a_resolver_that_is_silent_or_a_name_that_is_gone() -> None:
    config = TlsConfig.model_validate({"host": "shop.test", "ca_pem": ROOT.pem})
    for moods, silences, says in (
        (("silent", "nxdomain"), 1, "does not exist"),
        (("servfail", "silent"), 0, "none of our resolvers"),
    ):
        async with run_dns(*moods) as servers:
            outbound = Outbound(GUARD, Resolver([server.at for server in servers], 0.2))
            assert KIND.probe is not None
            seen = await KIND.probe(Look(1, 1, config, 3.0), outbound, NOW)
            await outbound.close()
        assert len(seen.facts.get("resolver", {}).get("silent", ())) == silences
        [finding] = KIND.judge(config, seen, {}, NO_PAST, NOW).findings
        assert (finding.code, says in finding.sentence) == ("tls.unreachable.dns", True)


async def test_only_cancellation_is_raised_and_frees_everything() -> None:
    async with listen(silent) as port, listen(silent, host=THERE, port=port):
        config = TlsConfig.model_validate({"host": NAME, "port": port})
        outbound = Outbound(Guard(GUARD.allow_networks), Names({NAME: (HERE, THERE)}))
        assert KIND.probe is not None
        task = asyncio.ensure_future(KIND.probe(Look(1, 1, config, 5.0), outbound, NOW))
        await asyncio.sleep(0.1)
        assert outbound.open_sockets == 2
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert outbound.open_sockets == 0
        await outbound.close()
