from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.codes import catalogue, docs_path, severity_of
from watchpost.core.types import Observation, Outcome, Past, Phases, Severity, Verdict
from watchpost.kinds.http import KIND, words
from watchpost.kinds.http.config import HttpConfig
from watchpost.kinds.http.slow import percentile
from watchpost.outbound.failure import _VERIFIED

AT = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = {"status": 200, "bytes": 5000, "http": "1.1"}


def judge(
    facts: dict[str, Any], past: Past = Past(), total_ms: float = 100.0, excerpt: str = "", **more: Any
) -> Verdict:
    config = HttpConfig.model_validate({"url": "https://shop.example/", **more})
    seen = Observation(
        1, "local", AT, 1, Outcome.OK, Phases(10, 10, 20, 40, 20), total_ms, "192.0.2.1", facts, excerpt
    )
    return KIND.judge(config, seen, {}, past, AT)


def failed(phase: str, kind: str) -> dict[str, Any]:
    return {"failure": {"phase": phase, "kind": kind, "sentence": "it broke", "host": "shop.example"}}


CASES: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    (failed("dns", "nxdomain"), "site.unreachable.dns", {}),
    (failed("dns", "timeout"), "site.unreachable.dns", {}),
    (failed("dns", "refused"), "site.unreachable.dns", {}),
    (failed("connect", "refused"), "site.unreachable.connect", {}),
    (failed("connect", "unreachable"), "site.unreachable.connect", {}),
    (failed("connect", "timeout"), "site.unreachable.timeout", {}),
    (failed("tls", "timeout"), "site.unreachable.timeout", {}),
    (failed("wait", "timeout"), "site.unreachable.timeout", {}),
    (failed("transfer", "timeout"), "site.unreachable.timeout", {}),
    (failed("tls", "certificate"), "site.unreachable.tls", {}),
    (failed("tls", "tls"), "site.unreachable.tls", {}),
    (failed("wait", "reset"), "site.unreachable.reset", {}),
    (failed("wait", "closed"), "site.unreachable.reset", {}),
    (failed("transfer", "cut"), "site.unreachable.reset", {}),
    (failed("wait", "protocol"), "site.unreachable.protocol", {}),
    (failed("wait", "http2"), "site.unreachable.protocol", {}),
    (failed("wait", "headers"), "site.unreachable.protocol", {}),
    (failed("transfer", "encoding"), "site.bad_compression", {}),
    (failed("connect", "refused_by_guard"), "site.refused_by_guard", {}),
    ({**GOOD, "status": 500}, "site.error_status", {}),
    ({**GOOD, "status": 502}, "site.error_status", {}),
    ({**GOOD, "status": 403}, "site.error_status", {}),
    ({**GOOD, "status": 403, "challenge": "cf-mitigated: challenge"}, "site.blocked", {}),
    ({**GOOD, "status": 429}, "site.error_status", {}),
    ({**GOOD, "status": 429, "retry_after": "30"}, "site.blocked", {}),
    ({**GOOD, "status": 200}, "site.error_status", {"expect": {"status": 404}}),
    ({**GOOD, "missing": ["basket"]}, "site.wrong_content", {}),
    ({**GOOD, "unwanted": ["Traceback"]}, "site.unwanted_content", {}),
    ({**GOOD, "pattern_missing": True}, "site.pattern_missing", {"expect": {"body_matches": "x"}}),
    ({**GOOD, "json": [{"path": "a", "op": "==", "value": 1, "found": "2"}]}, "site.wrong_json", {}),
    ({**GOOD, "json": [{"not_json": "text/html"}]}, "site.wrong_json", {}),
    ({**GOOD, "headers": [{"name": "X", "wanted": "*", "found": None}]}, "site.wrong_header", {}),
    (GOOD, "site.wrong_size", {"expect": {"min_bytes": 5001}}),
    (GOOD, "site.wrong_size", {"expect": {"max_bytes": 4999}}),
    ({**GOOD, "truncated": True}, "site.too_large", {"expect": {"body_contains": "x"}}),
    ({"status": 302, "loop": "https://shop.example/", "hops": []}, "site.redirect_loop", {}),
    ({"status": 302, "too_many": 10, "final": "https://x/"}, "site.too_many_redirects", {}),
    ({"status": 302, "bad_redirect": "ftp://x"}, "site.bad_redirect", {}),
    ({**GOOD, "final": "http://shop.example/"}, "site.not_https", {"expect": {"https": True}}),
    ({**GOOD, "dead": [["192.0.2.7", "refused"]]}, "site.address_down", {}),
    ({**GOOD, "dns": {"host": "shop.example", "says": "no"}}, "site.dns_disagrees", {}),
    ({**GOOD, "charset": "the page is not utf-8"}, "site.bad_encoding", {}),
    (GOOD, "site.slow.total", {"expect": {"max_ms": 99}}),
    (GOOD, "site.slow.dns", {"expect": {"phase_ms": {"dns": 9}}}),
    (GOOD, "site.slow.connect", {"expect": {"phase_ms": {"connect": 9}}}),
    (GOOD, "site.slow.tls", {"expect": {"phase_ms": {"tls": 19}}}),
    (GOOD, "site.slow.wait", {"expect": {"phase_ms": {"wait": 39}}}),
    (GOOD, "site.slow.transfer", {"expect": {"phase_ms": {"transfer": 19}}}),
]


@pytest.mark.parametrize(("facts", "code", "more"), CASES)
def test_each_fault_has_its_code_a_sentence_and_a_fix(
    facts: dict[str, Any], code: str, more: dict[str, Any]
) -> None:
    verdict = judge(facts, **more)
    assert [finding.code for finding in verdict.findings] == [code]
    (finding,) = verdict.findings
    assert finding.code in KIND.codes
    assert finding.sentence.endswith(".")
    assert finding.fix.endswith(".")
    assert "host:shop.example" in finding.joins
    assert verdict.conclusive


def test_a_good_look_has_nothing_to_say() -> None:
    assert judge(GOOD).findings == ()


@pytest.mark.parametrize(
    ("status", "excerpt", "words", "fix"),
    [
        (
            502,
            "",
            "502 Bad Gateway: the web server is up, but the application behind it does not answer",
            "gunicorn",
        ),
        (503, "", "503 Service Unavailable", "maintenance"),
        (504, "", "in time", "workers"),
        (500, "", "failed while", "traceback"),
        (400, "<h1>Bad Request (400)</h1>", "host name", "ALLOWED_HOSTS"),
        (404, "", "no page", "URL patterns"),
        (401, "", "wants credentials", "Give the monitor"),
        (403, "", "does not allow this visitor", "If everybody may see it"),
        (502, "", "502", "If it runs, a worker dies"),
        (599, "", "answers 599", "log"),
    ],
)
def test_statuses_are_explained_in_the_words_of_django(
    status: int, excerpt: str, words: str, fix: str
) -> None:
    (finding,) = judge({**GOOD, "status": status}, excerpt=excerpt).findings
    assert words in finding.sentence
    assert fix in finding.fix


@pytest.mark.parametrize(
    ("url", "end", "said"),
    [
        ("http://shop.example/", None, "http://shop.example/ does not redirect to https: the page comes un"),
        (
            "https://shop.example/",
            "http://shop.example/",
            "https://shop.example/ leads to http://shop.example/",
        ),
    ],
)
def test_a_page_without_https_says_how_it_came_to_be_there(url: str, end: str | None, said: str) -> None:
    facts = {**GOOD} if end is None else {**GOOD, "final": end}
    (finding,) = judge(facts, url=url, expect={"https": True}).findings
    assert finding.sentence.startswith(said)
    assert "return 301" in finding.fix


@pytest.mark.parametrize(
    ("ours", "says"),
    [
        (
            {},
            "Allow this monitor's user agent and the public address of this Watchpost server in the firewall",
        ),
        ({"from": "8.8.4.4", "agent": "Watch/1"}, "“Watch/1” and the address 8.8.4.4 in"),
        ({"from": "2a00:1450::1"}, "user agent and the address 2a00:1450::1 in"),
        ({"from": "10.0.0.5"}, "public address of this Watchpost server (its own is 10.0.0.5; your network"),
    ],
)
def test_who_turns_us_away_is_told_whom_to_let_in(ours: dict[str, Any], says: str) -> None:
    (finding,) = judge({**GOOD, "status": 429, "retry_after": "30", **ours}).findings
    assert says in finding.fix


def test_http2_is_judged_only_if_it_is_demanded() -> None:
    for demanded, served, codes in (
        ("2", "1.1", ["site.not_http2"]),
        ("2", "2", []),
        ("auto", "1.1", []),
        ("1.1", "1.1", []),
    ):
        found = judge({**GOOD, "http": served}, http_version=demanded).findings
        assert [f.code for f in found] == codes


def test_one_dead_family_is_a_warning_and_two_are_an_error() -> None:
    dead = {"address": "::1", **failed("connect", "refused")}
    one = judge({"families": {"4": {"address": "192.0.2.1", **GOOD}, "6": dead}}, ip="both")
    assert [(f.code, f.subject) for f in one.findings] == [("site.address_down", "ipv6")]
    assert one.parts == {"ipv4": None, "ipv6": Severity.WARNING}
    both = judge({"families": {"4": {**dead, "address": "192.0.2.1"}, "6": dead}}, ip="both")
    assert [f.code for f in both.findings] == ["site.unreachable.connect"]
    assert {"addr:::1", "addr:192.0.2.1"} <= set(both.findings[0].joins)
    assert both.parts == {"ipv4": Severity.ERROR, "ipv6": Severity.ERROR}


def test_p95_needs_twenty_looks() -> None:
    limit = {"expect": {"p95_ms": 800}}
    slow = Past(totals_ms=[900.0] * 18)
    assert not judge(GOOD, slow, 900, **limit).findings
    (finding,) = judge(GOOD, Past(totals_ms=[900.0] * 19), 900, **limit).findings
    assert finding.code == "site.slow.p95"
    assert severity_of(finding) is Severity.WARNING
    assert catalogue()[finding.code].settled
    assert not judge(GOOD, Past(totals_ms=[100.0] * 39), 900, **limit).findings


def test_slow_in_a_row_needs_all_of_them() -> None:
    rule = {"expect": {"slow_in_row": {"ms": 500, "n": 3}}}
    assert [f.code for f in judge(GOOD, Past(totals_ms=[1, 600, 600]), 600, **rule).findings] == [
        "site.slow.in_row"
    ]
    assert not judge(GOOD, Past(totals_ms=[600, 1, 600]), 600, **rule).findings
    assert not judge(GOOD, Past(totals_ms=[600]), 600, **rule).findings
    assert not judge(GOOD, Past(totals_ms=[600, 600]), 1, **rule).findings


def test_a_failure_is_not_slow_as_well() -> None:
    found = judge(failed("wait", "timeout"), total_ms=10_000, expect={"max_ms": 5}).findings
    assert [f.code for f in found] == ["site.unreachable.timeout"]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_percentile_is_a_member_not_exceeded_by_its_share(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(v <= found for v in values) >= share * len(values) - 1e-6


@given(st.integers(100, 599), st.booleans())
def test_every_status_is_judged(status: int, follow: bool) -> None:
    findings = judge({**GOOD, "status": status}, follow_redirects=follow).findings
    fine = 200 <= status < 300 or (not follow and 300 <= status < 400)
    assert (not findings) == fine


def test_every_code_has_an_owner_and_a_page_of_its_own() -> None:
    pages = set()
    for code in KIND.codes:
        assert code in catalogue()
        page = docs_path(code).read_text()
        parts = [part.split("\n", 1) for part in page.split("\n## ")[1:]]
        assert [title for title, _ in parts] == ["Meaning", "Example", "Fix"]
        assert all(text.strip() for _, text in parts)
        pages.add(page)
    assert len(pages) == len(KIND.codes)


def test_who_has_begun_to_answer_was_reached() -> None:
    [finding] = judge(failed("transfer", "timeout")).findings
    assert "does not finish its answer: " in finding.sentence
    [finding] = judge(failed("wait", "timeout")).findings
    assert "cannot be reached: " in finding.sentence


@pytest.mark.parametrize(
    ("url", "final", "what"),
    [
        ("http://10.0.0.1/", "", "the address of this monitor"),
        ("http://[fd00::1]/", "", "the address of this monitor"),
        ("https://shop.example/", "", "the DNS record of this name"),
        ("https://shop.example/", "http://10.0.0.1/", "the redirect that leads there"),
    ],
)
def test_what_leads_to_a_closed_network_is_named(url: str, final: str, what: str) -> None:
    facts = failed("connect", "refused_by_guard") | ({"final": final} if final else {})
    assert f"otherwise correct {what}." in words.unreachable(HttpConfig(url=url), facts).fix


@pytest.mark.parametrize(
    ("why", "fix"),
    [
        ("it was issued for another name", "Add this name to the certificate"),
        ("its issuer is not known (often a missing intermediate certificate)", "Serve the whole chain"),
        ("its chain ends in a certificate nobody trusts", "ca_pem"),
        ("it is self-signed", "Get a certificate of an authority that browsers know"),
        ("it is not valid yet", "Compare the clocks"),
        ("it has expired", "Renew or replace the certificate"),
    ],
)
def test_what_is_wrong_with_a_certificate_has_its_own_fix(why: str, fix: str) -> None:
    assert why in _VERIFIED.values()  # the words that the way out has for it
    facts = failed("tls", "certificate")
    facts["failure"]["sentence"] = f"the certificate is not valid: {why}"
    (finding,) = judge(facts).findings
    assert fix in finding.fix
