"""What the facts of looks mean, with the past and with each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watchpost.codes import severity_of
from watchpost.core.types import NO_PAST, Finding, Observation, Outcome, Phases, Severity, Verdict
from watchpost.kinds.tls import KIND
from watchpost.kinds.tls.config import TlsConfig

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def leaf(name: str = "a", begins: float = -30, ends: float = 60, **more: Any) -> dict[str, Any]:
    return {
        "fingerprint": name * 64,
        "subject": "shop.example",
        "issued_by": "Let's Encrypt",
        "names": ["shop.example"],
        "not_before": (NOW + begins * DAY).isoformat(),
        "not_after": (NOW + ends * DAY).isoformat(),
        "key": "EC secp256r1",
        "spki": f"key of {name}",
        "reasons": [],
    } | more


def served(**by_address: Mapping[str, Any] | str) -> dict[str, Any]:
    """Facts in which each address serves a leaf, or fails in the way that is named."""
    leaves = [one for one in by_address.values() if not isinstance(one, str)]
    chains = sorted({one["fingerprint"]: one for one in leaves}.values(), key=lambda one: one["not_after"])
    facts: dict[str, Any] = {"name": "shop.example", "addresses": {}}
    for address, one in by_address.items():
        if isinstance(one, str):
            failure = {"phase": "connect", "kind": one, "sentence": f"it is {one}"}
            facts["addresses"][address] = {"ms": 1, "failure": failure}
        else:
            facts["addresses"][address] = {"ms": 1, "chain": chains.index(one), "protocol": "TLSv1.3"}
    if chains:
        facts |= {"certificate": chains[0]} | ({"others": chains[1:]} if chains[1:] else {})
    return facts


def judge(
    facts: Mapping[str, Any], baseline: Mapping[str, Any] | None = None, days: float = 0.0, **more: Any
) -> Verdict:
    config = TlsConfig.model_validate({"host": "shop.example"} | more)
    seen = Observation(1, "local", NOW, 1, Outcome.OK, Phases(), 1.0, "x", facts)
    return KIND.judge(config, seen, baseline or {}, NO_PAST, NOW + days * DAY)


def codes(verdict: Verdict) -> list[str]:
    for finding in verdict.findings:
        assert finding.code in KIND.codes
        assert finding.sentence.endswith(".")
    return [finding.code for finding in verdict.findings]


def only(verdict: Verdict) -> Finding:
    [finding] = verdict.findings
    return finding


def learn(*facts: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The baseline after these looks."""
    baseline: dict[str, Any] = {}
    for one in facts:
        baseline = dict(judge(one, baseline, **more).baseline or baseline)
    return baseline


def test_it_warns_then_becomes_critical_then_has_expired() -> None:
    facts = served(x=leaf())
    seen = {day: judge(facts, days=day) for day in (38.9, 39.1, 52.9, 53.1, 60)}
    assert [codes(one) for one in seen.values()] == [
        [], ["tls.expires_soon"], ["tls.expires_soon"], ["tls.expires_soon"], ["tls.expired"]
    ]  # fmt: skip
    worst = [severity_of(one.findings[0]) for one in seen.values() if one.findings]
    assert worst == [Severity.WARNING, Severity.WARNING, Severity.CRITICAL, Severity.CRITICAL]


def test_days_left_are_told_but_the_fix_stays_the_same() -> None:
    """A changed fix is told anew: one message a day for three weeks would be one too many a day."""
    one, two = (only(judge(served(x=leaf()), days=day)) for day in (45, 46))
    assert "in 15 days" in one.sentence
    assert "in 14 days" in two.sentence
    assert (one.fix, one.subject) == (two.fix, two.subject)
    assert "certbot renew --dry-run" in one.fix


def test_one_certificate_is_one_alert_across_monitors() -> None:
    """Slow trouble joins by code and subject, an outage by what it shares."""
    facts = served(x=leaf(begins=-80, ends=10))
    one, two = only(judge(facts)), only(judge(facts, host="www.shop.example"))
    assert (one.code, one.subject) == (two.code, two.subject)
    assert f"cert:{'a' * 64}" in one.joins
    assert set(one.joins) & set(two.joins) == {f"cert:{'a' * 64}", "addr:x"}


def test_each_certificate_is_told_once() -> None:
    """Two chains with one leaf say the same of it; two leaves are two troubles."""
    one = leaf(begins=-80, ends=10)
    twice = served(x=one, y=one)
    twice["others"] = [one]
    twice["addresses"]["y"]["chain"] = 1
    assert codes(judge(twice)) == ["tls.expires_soon"]
    apart = judge(served(x=one, y=leaf("b", -80, 10)))
    assert codes(apart) == ["tls.expires_soon"] * 2
    assert len({finding.subject for finding in apart.findings}) == 2


def test_a_closed_address_names_what_leads_there() -> None:
    failure = {"phase": "connect", "kind": "refused_by_guard", "sentence": "10.0.0.1 is a private address"}
    for host, says in (("10.0.0.1", "the host of the monitor"), ("shop.example", "the DNS record")):
        facts = {"name": host, "addresses": {"10.0.0.1": {"ms": 0, "failure": failure}}}
        finding = only(judge(facts, host=host))
        assert finding.code == "tls.refused_by_guard"
        assert finding.fix.endswith(f"otherwise correct {says}.")


def test_renewed_at_one_of_two_is_told_with_the_place() -> None:
    facts = served(x=leaf(begins=-80, ends=10), y=leaf("b", begins=-1, ends=89))
    finding = only(judge(facts))
    assert finding.code == "tls.expires_soon"
    assert "has been renewed, but not at x" in finding.sentence
    assert "reload nginx" in finding.fix


def test_addresses_may_differ_for_the_time_of_grace_only() -> None:
    facts = served(x=leaf(), y=leaf("b", begins=-1, ends=89))
    first = judge(facts)
    assert (codes(first), first.baseline is None) == ([], False)
    baseline = dict(first.baseline or {})
    assert codes(judge(facts, baseline, days=0.99 / 24)) == []
    finding = only(judge(facts, baseline, days=1 / 24))
    assert finding.code == "tls.differs_between_addresses"
    assert "x has one until 2027-01-22" in finding.sentence
    assert codes(judge(facts, baseline, days=1, grace="2d")) == []
    assert codes(judge(facts, baseline, days=9, same_everywhere=False)) == []


def test_a_difference_is_no_news_beside_the_certificate_that_makes_it() -> None:
    """What has expired, ends soon or is nobody's is told with the place that shows it, once."""
    for old, code in (
        (leaf(begins=-91, ends=-1, reasons=[["expired", "it expired", ""]]), "tls.expired"),
        (leaf(begins=-80, ends=10), "tls.expires_soon"),
        (leaf(reasons=[["self_signed", "it is self-signed", ""]]), "tls.self_signed"),
    ):
        facts = served(x=old, y=leaf("b", begins=-1, ends=89))
        finding = only(judge(facts, learn(facts), days=2))
        assert (finding.code, "x" in finding.sentence) == (code, True)


def test_the_grace_begins_anew_once_they_agree_but_not_when_one_is_silent() -> None:
    apart = served(x=leaf(), y=leaf("b", begins=-1, ends=89))
    since = learn(apart)
    silent = served(x=leaf(), y="refused")
    assert "differs_since" in learn(apart, silent)
    agreed = served(x=leaf("b", begins=-1, ends=89), y=leaf("b", begins=-1, ends=89))
    assert "differs_since" not in learn(apart, agreed)
    assert judge(apart, since).baseline is None  # nothing new, nothing to store


def test_a_dead_address_is_a_warning_and_all_are_an_error() -> None:
    one = judge(served(x=leaf(), y="refused"))
    assert codes(one) == ["tls.address_down"]
    assert severity_of(only(one)) is Severity.WARNING
    assert codes(judge(served(x="refused", y="refused"))) == ["tls.unreachable.connect"]


def test_a_family_we_have_no_route_to_is_not_held_against_the_site() -> None:
    assert codes(judge(served(x=leaf(), y="no_route"))) == []
    both = only(judge(served(x="no_route", y="refused")))
    assert both.sentence.endswith("it is refused.")
    alone = only(judge(served(x="no_route")))
    assert "set ip to 4" in alone.fix


@pytest.mark.parametrize(
    ("phase", "kind", "code"),
    [
        ("dns", "nxdomain", "dns"),
        ("dns", "unanswered", "dns"),
        ("dns", "timeout", "dns"),
        ("connect", "refused", "connect"),
        ("connect", "timeout", "timeout"),
        ("connect", "strange", "handshake"),
        ("starttls", "starttls", "starttls"),
        ("starttls", "timeout", "timeout"),
        ("tls", "not_tls", "handshake"),
        ("tls", "handshake", "handshake"),
        ("tls", "authorities", "handshake"),
        ("tls", "closed", "reset"),
        ("tls", "flood", "reset"),
    ],
)
def test_each_way_to_fail_has_its_code(phase: str, kind: str, code: str) -> None:
    failure = {"phase": phase, "kind": kind, "sentence": "it broke"}
    found = only(judge({"name": "shop.example", "failure": failure}))
    assert found.code == f"tls.unreachable.{code}"
    assert found.fix.endswith(".")
    assert found.sentence == "shop.example shows no certificate: it broke."


def test_a_new_issuer_is_told_until_it_is_expected() -> None:
    before, after = served(x=leaf()), served(x=leaf("b", -1, 89, issued_by="Other CA"))
    baseline = learn(before, after)
    finding = only(judge(after, baseline))
    assert finding.code == "tls.changed_issuer"
    assert "now issued by Other CA; until now it was Let's Encrypt" in finding.sentence
    assert KIND.accept is not None
    accepted = KIND.accept(baseline, after, finding)
    assert codes(judge(after, accepted)) == []
    assert codes(judge(before, accepted)) == []
    assert codes(judge(served(x=leaf("c", 0, 90, issued_by="Third CA")), accepted)) == ["tls.changed_issuer"]


def test_one_authority_for_all_names_is_one_change_and_so_is_one_key() -> None:
    after = served(x=leaf("b", -1, 89, issued_by="Other CA", spki="one"))
    issuer = only(judge(after, learn(served(x=leaf()))))
    elsewhere = replace(issuer, subject="blog.example")
    third = served(x=leaf("c", 0, 90, issued_by="Third CA", spki="one"))
    assert KIND.change({}, after, issuer) == KIND.change({}, after, elsewhere)
    assert KIND.change({}, after, issuer) != KIND.change({}, third, elsewhere)
    key = replace(issuer, code="tls.changed_key")
    assert KIND.change({}, after, key) == KIND.change({}, third, key)
    assert KIND.change({}, {}, key) == key.subject  # nothing was served


def test_what_nobody_accepts_teaches_nothing() -> None:
    """The web server's default certificate for a minute must not become what is normal."""
    default = leaf("d", -1, 3650, issued_by="snakeoil", key="RSA 2048", reasons=[["self_signed", "it", "x"]])
    baseline = learn(served(x=default))
    assert baseline == {}
    known = learn(served(x=leaf()))
    assert codes(judge(served(x=default), known)) == ["tls.self_signed"]
    assert learn(served(x=leaf()), served(x=default)) == known


def test_a_monitor_that_is_pointed_elsewhere_begins_anew() -> None:
    baseline = learn(served(x=leaf()), served(x=leaf("b", -1, 89)))
    other = served(x=leaf("c", -5, 85, issued_by="Other CA", key="RSA 2048"))
    verdict = judge(other, baseline, host="blog.example")
    assert codes(verdict) == []
    assert verdict.baseline is not None
    assert (verdict.baseline["issuers"], "left" in verdict.baseline) == (["Other CA"], False)
    assert codes(judge(other, baseline)) == ["tls.changed_issuer", "tls.changed_key"]


def test_a_new_key_with_each_renewal_is_no_news_but_another_kind_is() -> None:
    first, second = served(x=leaf()), served(x=leaf("b", -1, 89))
    assert codes(judge(second, learn(first))) == []
    other = served(x=leaf("c", -1, 89, key="RSA 2048"))
    baseline = learn(first, other)
    finding = only(judge(other, baseline))
    assert finding.code == "tls.changed_key"
    assert KIND.accept is not None
    assert codes(judge(other, KIND.accept(baseline, other, finding))) == []


def test_a_key_that_was_kept_over_two_renewals_is_missed() -> None:
    kept = [served(x=leaf(name, begins, begins + 90, spki="kept")) for name, begins in
            (("a", -90), ("b", -60), ("c", -30))]  # fmt: skip
    new = served(x=leaf("d", -1, 89))
    assert codes(judge(new, learn(*kept[:2]))) == []
    baseline = learn(*kept)
    finding = only(judge(new, baseline))
    assert (finding.code, "kept over several renewals" in finding.sentence) == ("tls.changed_key", True)
    again = dict(judge(new, baseline).baseline or {})
    assert codes(judge(new, again)) == ["tls.changed_key"]
    assert KIND.accept is not None
    assert codes(judge(new, KIND.accept(again, new, finding))) == []


def renewed(*left_days: float) -> dict[str, Any]:
    """The baseline after renewals that came with so many of 90 days left; the last was 60 days ago."""
    begins, looks = [-60.0], []
    for left in reversed(left_days):
        begins.insert(0, begins[0] - (90 - left))
    for number, start in enumerate(begins):
        looks.append(served(x=leaf("abcdef"[number], start, start + 90)))
    return learn(*looks)


def test_overdue_by_what_is_usual() -> None:
    last = served(x=leaf("c", -60, 30))
    baseline = renewed(30, 32)
    assert [round(share * 90) for share in baseline["left"]] == [30, 32]
    assert codes(judge(last, baseline, days=4)) == []  # 26 left, 4.5 days of slack
    finding = only(judge(last, baseline, days=5))
    assert finding.code == "tls.renewal_overdue"
    assert "usually renewed with 30 days left; now 25 days are left" in finding.sentence
    assert codes(judge(last, baseline, days=10)) == ["tls.expires_soon"]  # that says more
    assert codes(judge(last, renewed(30), days=5)) == []  # once is no habit
    assert codes(judge(last, renewed(30, 2), days=5)) == []  # by hand, at the last moment


def test_two_certificates_that_take_turns_are_no_renewals() -> None:
    old, new = served(x=leaf()), served(x=leaf("b", -1, 89))
    baseline = learn(*[old, new] * 5)
    assert len(baseline["left"]) == 1
    assert learn(old, new) == baseline


def test_path_and_spare_are_kept_apart_from_the_leaf() -> None:
    begins, soon = (NOW - 900 * DAY).isoformat(), (NOW + 10 * DAY).isoformat()
    path = only(judge(served(x=leaf(path_ends=["Link", begins, soon]))))
    assert (path.code, path.subject) == ("tls.path_expires_soon", "Link until 2026-12-03")
    spare = only(judge(served(x=leaf(spares=[["Old Root", begins, soon]]))))
    assert (spare.code, severity_of(spare)) == ("tls.spare_expires", Severity.INFO)
    later = (NOW + 30 * DAY).isoformat()
    assert codes(judge(served(x=leaf(path_ends=["L", begins, later], spares=[["S", begins, later]])))) == []


def test_old_versions_are_named() -> None:
    facts = served(x=leaf())
    facts["addresses"]["x"]["protocol"] = "TLSv1.1"
    finding = only(judge(facts))
    assert finding.code == "tls.old_protocol"
    assert "nothing newer than TLS 1.1:" in finding.sentence


def test_fixes_name_the_server_that_usually_stands_there() -> None:
    facts = served(x=leaf(begins=-80, ends=10))
    fixes = [only(judge(facts, starttls=name)).fix for name in ("none", "smtp", "imap", "postgres")]
    for fix, server in zip(fixes, ("nginx", "postfix", "dovecot", "postgresql"), strict=True):
        assert f"systemctl reload {server}`" in fix
    for reasons in ("self_signed", "wrong_name", "rejected", "chain.missing_intermediate"):
        fix = only(judge(served(x=leaf(reasons=[[reasons, "it", "x"]])), starttls="smtp")).fix
        assert "{" not in fix
