"""The judge alone: what is learned, what is excused, what stays until it is accepted, and what is no finding."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from watchpost.core.types import NO_PAST, Finding, Observation, Outcome, Phases, Verdict
from watchpost.kinds.dns import KIND
from watchpost.kinds.dns.config import DnsConfig
from watchpost.kinds.dns.history import newest
from watchpost.kinds.dns.judge import grace
from watchpost.kinds.dns.tests.world import NOW, codes

HOUR = timedelta(hours=1)
assert KIND.accept is not None


def group(*values: str, where: Sequence[int] = (0, 1), ttl: int = 3600) -> dict[str, Any]:
    return {"values": list(values), "from": list(where), "ttl": ttl}


def facts(*serials: int, **more: Any) -> dict[str, Any]:
    every = [
        {"name": f"ns{n}.shop.test", "at": f"192.0.2.{n}", "ms": 5.0, "serial": serial}
        for n, serial in enumerate(serials or (7, 7), 1)
    ]
    records = {"NS": [group("ns1.shop.test", "ns2.shop.test")]} | more.pop("records", {})
    return {
        "name": "shop.test",
        "zone": "shop.test",
        "servers": every,
        "refresh": 3600,
        "records": records,
    } | more


def judge(
    what: Mapping[str, Any], baseline: Mapping[str, Any] | None = None, hours: float = 0.0, **config: Any
) -> Verdict:
    now = NOW + hours * HOUR
    seen = Observation(7, "local", now, 3, Outcome.OK, Phases(), 5.0, "192.0.2.1", what)
    asked = DnsConfig.model_validate({"domain": "shop.test"} | config)
    return KIND.judge(asked, seen, baseline or {}, NO_PAST, now)


def learned(what: Mapping[str, Any], **config: Any) -> dict[str, Any]:
    verdict = judge(what, **config)
    assert verdict.findings == ()
    return dict(verdict.baseline or {})


def addresses(*values: str, ttl: int = 3600) -> dict[str, Any]:
    return facts(records={"A": [group(*values, ttl=ttl)]})


def test_a_look_like_the_last_changes_no_baseline() -> None:
    assert judge(addresses("192.0.2.1"), learned(addresses("192.0.2.1"))).baseline is None


def test_what_changed_stays_until_it_is_expected() -> None:
    baseline = learned(addresses("192.0.2.1"))
    for hours in (1, 50):
        verdict = judge(addresses("198.51.100.1"), baseline, hours)
        baseline = dict(verdict.baseline or baseline)
        [found] = verdict.findings
        assert (found.code, found.subject, found.severity) == ("dns.records_changed", "A of shop.test", None)
        assert "192.0.2.1 went, 198.51.100.1 came" in found.sentence
    assert len(baseline["history"]) == 1
    accepted = dict(KIND.accept(baseline, {}, found))  # type: ignore[misc]
    assert accepted["history"][0]["end"] == "expected"
    assert judge(addresses("198.51.100.1"), accepted, 51).findings == ()
    assert codes(judge(addresses("192.0.2.1"), accepted, 52)) == ["dns.records_changed"]


def test_one_change_is_what_leads_to_the_same_records() -> None:
    def change(found: Finding, **pending: Sequence[str]) -> str:
        return KIND.change({"pending": pending}, {}, found)

    servers = Finding("dns.name_servers_changed", "shop.test", "", "")
    both = change(servers, NS=["ns1.x", "ns2.x"], parent=["ns1.x", "ns2.x"])
    assert both == change(servers, NS=["ns1.x", "ns2.x"]) == change(servers, parent=["ns2.x", "ns1.x"])
    assert both != change(servers, NS=["ns1.x", "ns.thief.test"])
    address = Finding("dns.records_changed", "A of shop.test", "", "")
    assert change(address, A=["192.0.2.1"]) != change(address, A=["192.0.2.2"])
    assert change(address, A=["192.0.2.1"]) == change(address, A=["192.0.2.1"], MX=["10 x"])


def test_what_is_not_a_matter_of_expectation_is_not_accepted() -> None:
    baseline = learned(addresses("192.0.2.1"))
    apart = ("dns.soa_drift", "dns.delegation_differs", "dns.servers_disagree", "dns.resolver_disagrees")
    for code in KIND.codes:
        assert KIND.accept is not None
        same = KIND.accept(baseline, {}, Finding(code, "A of shop.test", "", "")) == baseline
        assert same == (code not in apart)


def test_servers_that_fail_say_nothing_of_their_records() -> None:
    baseline = learned(addresses("192.0.2.1"))
    dead = facts(records={"NS": []})
    for one in dead["servers"]:
        one["failure"] = {"kind": "timeout", "sentence": "no answer came"}
        del one["serial"]
    dead["records"] = {}
    verdict = judge(dead, baseline)
    assert codes(verdict) == ["dns.no_answer"]
    assert (verdict.baseline or baseline)["sets"] == baseline["sets"]
    changed = judge(addresses("198.51.100.1"), baseline).baseline
    assert codes(judge(dead, changed)) == ["dns.no_answer", "dns.records_changed"]  # still not undone
    lost = {"name": "shop.test", "zone": "", "failure": {"kind": "unanswered", "sentence": "no answer came"}}
    assert codes(judge(lost, changed)) == ["dns.records_changed", "dns.unresolved"]
    assert codes(judge(lost, changed, servers=["192.0.2.9"])) == [
        "dns.unresolved"
    ]  # of another monitor's making


def test_a_way_that_we_lack_is_not_the_servers_fault() -> None:
    half = addresses("192.0.2.1")
    half["servers"][1] = {"name": "ns2.shop.test", "at": "2001:db8::2", "ms": 0.0,
                          "failure": {"kind": "no_route", "sentence": "this Watchpost server has no route"}}  # fmt: skip
    half["records"] = {"A": [group("192.0.2.1", where=[0])]}
    assert judge(half).findings == ()
    del half["servers"][0]
    half["records"] = {}
    [found] = judge(half).findings
    assert (found.code, "no route" in found.sentence) == ("dns.unresolved", True)


@pytest.mark.parametrize(
    ("before", "after", "ttl", "pool", "expected"),
    [
        (["192.0.2.1"], ["192.0.2.2"], 3600, "auto", ["dns.records_changed"]),
        (["192.0.2.1"], ["192.0.2.2"], 60, "auto", []),
        (["192.0.2.1"], ["198.51.100.2"], 60, "auto", ["dns.records_changed"]),
        (["192.0.2.1"], ["192.0.2.2"], 3600, "always", []),
        (["192.0.2.1", "198.51.100.1"], ["198.51.100.77", "203.0.113.1"], 3600, "always", []),
        (["192.0.2.1"], ["203.0.113.1"], 3600, "always", ["dns.records_changed"]),
        (["192.0.2.1"], ["192.0.2.2"], 0, "never", ["dns.records_changed"]),
    ],
)
def test_pools(before: list[str], after: list[str], ttl: int, pool: str, expected: list[str]) -> None:
    baseline = learned(addresses(*before, ttl=ttl), pool=pool)
    assert codes(judge(addresses(*after, ttl=ttl), baseline, pool=pool)) == expected


def test_a_pool_is_learned_as_it_grows_and_stays_small() -> None:
    baseline = learned(addresses("192.0.2.1"), pool="always")
    for number in range(2, 200):
        verdict = judge(addresses(f"192.0.2.{number}"), baseline, pool="always")
        assert verdict.findings == ()
        baseline = dict(verdict.baseline or {})
    assert baseline["sets"]["A"][-1] == "192.0.2.199"
    assert len(baseline["sets"]["A"]) == 64
    assert "history" not in baseline


def test_a_short_ttl_does_not_hide_a_thief() -> None:
    assert codes(judge(addresses("203.0.113.66", ttl=1), learned(addresses("192.0.2.1")))) == [
        "dns.records_changed"
    ]


def test_history_is_bounded_however_often_it_changes() -> None:
    baseline = learned(addresses("192.0.2.1"))
    for number in range(60):
        text = [f"198.51.100.{number}", *(f"203.0.{number}.{more}" for more in range(20))]
        baseline = dict(judge(addresses(*text), baseline, number).baseline or {})
    assert len(baseline["history"]) == 20
    assert [one["end"] for one in baseline["history"]] == ["replaced"] * 19 + [""]
    assert baseline["history"][-1]["came"][-1] == "and 15 more"
    assert len(json.dumps(baseline)) < 8000


def chain(*names: str, foreign: bool, domain: str, end: str = "exists") -> dict[str, Any]:
    return {
        "chain": {"names": ["shop.test", *names], "end": end, "domain": domain, "foreign": foreign},
        "records": {"CNAME": [group(names[0])]},
        "resolvers": [{"name": "r", "rcode": "NOERROR", "records": {"A": ["203.0.113.1"]}}],
    }


def test_within_a_provider_only_a_pool_may_move() -> None:
    here = facts(**chain("a.cdn.test", foreign=True, domain="cdn.test"))
    there = facts(**chain("b.cdn.test", foreign=True, domain="cdn.test"))
    elsewhere = facts(**chain("b.other.test", foreign=True, domain="other.test"))
    assert codes(judge(there, learned(here))) == ["dns.records_changed"]
    baseline = learned(here, pool="always")
    assert codes(judge(there, baseline, pool="always")) == []
    assert codes(judge(elsewhere, baseline, pool="always")) == ["dns.records_changed"]


def test_addresses_behind_a_cname_of_ones_own_are_ones_own() -> None:
    own = chain("www.shop.test", foreign=False, domain="shop.test")
    moved = json.loads(json.dumps(own).replace("203.0.113.1", "198.51.100.1"))
    assert codes(judge(facts(**moved), learned(facts(**own)))) == ["dns.records_changed"]
    theirs = chain("a.cdn.test", foreign=True, domain="cdn.test")
    moved = json.loads(json.dumps(theirs).replace("203.0.113.1", "198.51.100.1"))
    assert codes(judge(facts(**moved), learned(facts(**theirs)))) == []


def test_the_grace_is_twice_the_refresh_within_reason() -> None:
    config, soon = (
        DnsConfig(domain="shop.test"),
        DnsConfig.model_validate({"domain": "shop.test", "grace": "30m"}),
    )
    assert [grace(config, {"refresh": one}) for one in (0, 60, 7200, 10**9)] == [3600, 3600, 14_400, 86_400]
    assert grace(soon, {"refresh": 7200}) == 1800


def test_drift_is_told_after_the_grace_and_forgotten_when_it_ends() -> None:
    baseline = dict(judge(facts(7, 6)).baseline or {})
    assert codes(judge(facts(7, 6), baseline, 1.9)) == []
    verdict = judge(facts(7, 6), baseline, 2.1)
    [found] = verdict.findings
    assert "ns2.shop.test (192.0.2.2) has 6" in found.sentence
    assert judge(facts(7), baseline, 2.1).baseline is None  # one alone cannot tell
    ended = judge(facts(7, 7), baseline, 3).baseline
    assert ended is not None
    assert codes(judge(facts(8, 7), ended, 4)) == []
    accepted = KIND.accept(baseline, {}, found)  # type: ignore[misc]
    assert codes(judge(facts(7, 6), accepted, 4)) == []


def test_serials_wrap_around() -> None:
    assert newest([7, 8, 6]) == 8
    assert newest([4_294_967_295, 3]) == 3
    assert newest([3, 4_294_967_295]) == 3


def test_the_newest_version_counts() -> None:
    served = facts(7, 8, records={"MX": [group("10 old.test", where=[0]), group("10 new.test", where=[1])]})
    before = learned(facts(records={"MX": [group("10 old.test")]}))
    assert "10 new.test came" in judge(served, before).findings[0].sentence
    served["servers"][1]["serial"] = 7  # no version is newer: two opinions, and the known one counts
    assert judge(served, before).findings == ()


def test_losing_every_address_or_mail_server_pages() -> None:
    for rdtype, value, code in (
        ("A", "192.0.2.1", "dns.records_gone"),
        ("MX", "10 m.test", "dns.records_gone"),
        ("TXT", "x", "dns.records_changed"),
    ):
        before = learned(facts(records={rdtype: [group(value)]}))
        [found] = judge(facts(records={rdtype: [group()]}), before).findings
        assert (found.code, f"all are gone ({value})" in found.sentence) == (code, True)


def test_name_servers_that_differ_at_parent_and_in_zone_are_told_apart() -> None:
    parent = {"name": "test", "delegated": ["ns1.shop.test", "ns2.shop.test"]}
    before = learned(facts(parent=parent))
    stolen = facts(parent={**parent, "delegated": ["ns.thief.test"]})
    [found] = judge(stolen, before).findings
    assert "at the parent ns1.shop.test, ns2.shop.test went, ns.thief.test came." in found.sentence
    assert "in the zone" not in found.sentence


def test_what_is_no_longer_watched_is_no_longer_told() -> None:
    changed = dict(judge(addresses("198.51.100.1"), learned(addresses("192.0.2.1"))).baseline or {})
    assert judge(addresses("198.51.100.1"), changed, records=["NS"]).findings == ()


def test_a_monitor_that_is_pointed_elsewhere_begins_anew() -> None:
    assert (
        judge(addresses("198.51.100.1"), learned(addresses("192.0.2.1")), servers=["192.0.2.9"]).findings
        == ()
    )


@pytest.mark.parametrize(
    ("wanted", "values", "fits"),
    [
        ("v=spf1 *", ["v=spf1 -all"], True),
        ("*", ["anything"], True),
        ("a*b*c", ["a-b-c"], True),
        ("a*b*c", ["a-c-b"], False),
        ("ab*ba", ["aba"], False),
        ("[x]?", ["x1"], False),
        ("*" * 30 + "y", ["x" * 150], False),
        ("K" * 400, ["K" * 400], True),
        ("K" * 400, ["K" * 399], False),
    ],
)
def test_stars(wanted: str, values: list[str], fits: bool) -> None:
    from watchpost.kinds.dns.config import shortened

    served = facts(records={"TXT": [group(*map(shortened, values))]})
    assert (judge(served, must_include={"TXT": [wanted]}).findings == ()) == fits


def test_one_server_that_says_otherwise_is_named() -> None:
    served = facts(records={"MX": [group("10 m.test", where=[0]), group("20 m.test", where=[1])]})
    [found] = judge(served, expect={"MX": ["10 m.test"]}).findings
    assert "at ns2.shop.test (192.0.2.2): 10 m.test is missing and 20 m.test is there" in found.sentence


def test_signatures_are_judged_by_the_first_to_end() -> None:
    def signed(left_h: float, life_h: float) -> dict[str, Any]:
        ends = NOW + left_h * HOUR
        begins = ends - life_h * HOUR
        end = {"at": ends.isoformat(), "from_day": begins.isoformat(), "of": "SOA", "from": [0, 1]}
        return facts(dnssec={"broken": [], "ends": [end]})

    said = [codes(judge(signed(*one))) for one in ((49, 336), (47, 336), (-0.1, 336), (13, 50), (12, 50))]
    soon = ["dns.signature_expires_soon"]
    assert said == [[], soon, ["dns.signature_expired"], [], soon]


def test_another_view_of_the_zone_can_be_expected() -> None:
    inside = [{"name": "10.0.0.53", "rcode": "NOERROR", "records": {"A": ["10.0.0.1"]}}]
    seen = facts(records={"A": [group("192.0.2.1")]}, resolvers=inside)
    baseline = dict(judge(seen).baseline or {})
    assert codes(judge(seen, baseline, 1.9)) == []
    [found] = judge(seen, baseline, 2.1).findings
    assert "10.0.0.53 gives other A records (10.0.0.1) than its name servers (192.0.2.1)." in found.sentence
    assert codes(judge(seen, KIND.accept(baseline, {}, found), 3)) == []  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "why", "says"),
    [
        ("ns.gone.test", "nxdomain", "whoever registers its domain answers for shop.test"),
        ("ns.gone.test", "no_data", "has no address: some visitors ask it in vain"),
        ("ns9.shop.test", "nxdomain", "some visitors ask it in vain"),
    ],
)
def test_a_name_server_that_is_gone(name: str, why: str, says: str) -> None:
    [found] = judge(facts(missing={name: why})).findings
    assert found.code == "dns.name_server_gone"
    assert says in found.sentence


def test_that_our_resolvers_are_silent_is_no_fault_of_a_name_server() -> None:
    assert judge(facts(missing={"ns9.shop.test": "unanswered"})).findings == ()
    nowhere = {"name": "shop.test", "zone": "shop.test", "missing": {"ns9.shop.test": "unanswered"}}
    assert codes(judge(nowhere)) == ["dns.unresolved"]
    assert codes(judge({**nowhere, "missing": {}})) == ["dns.no_answer"]
