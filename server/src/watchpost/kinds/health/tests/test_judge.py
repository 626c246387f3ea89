"""What the endpoint says, and what of it wakes somebody."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from watchpost.codes import catalogue, severity_of
from watchpost.core.incident import EXPLAINS
from watchpost.core.types import NO_PAST, Observation, Outcome, Phases, Severity, Verdict
from watchpost.kinds.health import KIND
from watchpost.kinds.health.codes import CODES, NAMES, SHARED
from watchpost.kinds.health.config import HealthConfig
from watchpost.kinds.health.fixes import FIXES
from watchpost.kinds.health.probe import _reported
from watchpost.kinds.health.read import Answer, read
from watchpost.kinds.health.report import Report
from watchpost.kinds.health.tests.bodies import answer

AT = datetime(2026, 11, 3, tzinfo=UTC)
URL = "https://shop.example/health/"


def config(**more: Any) -> HealthConfig:
    return HealthConfig.model_validate({"url": URL} | more)


def judge(facts: dict[str, Any], total_ms: float = 20.0, **more: Any) -> Verdict:
    stored = json.loads(json.dumps(facts))  # as they come back from the database
    seen = Observation(1, "local", AT, 1, Outcome.OK, Phases(), total_ms, "203.0.113.7", stored)
    return KIND.judge(config(**more), seen, {}, NO_PAST, AT)


def facts_of(came: Answer) -> dict[str, Any]:
    found = read(came)
    assert isinstance(found, Report)
    return {"status": came.status, "bytes": len(came.body), "http": "1.1", **_reported(found)}


def verdict(name: str, total_ms: float = 20.0, **more: Any) -> Verdict:
    return judge(facts_of(answer(name)), total_ms, **more)


def told(found: Verdict) -> dict[str, tuple[str, str]]:
    return {one.subject: (one.code, severity_of(one).word) for one in found.findings}


def ours(status: int = 200, says: str = "ok", **checks: dict[str, Any]) -> dict[str, Any]:
    body = {"status": says, "format": "watchpost-health/1", "checks": checks}
    return facts_of(Answer(status, "application/json", json.dumps(body).encode()))


@pytest.mark.parametrize(
    "name", ["watchpost_ok", "dhc3_ok", "dhc4_ok", "watchman_ok", "spring_up", "by_hand_ok"]
)
def test_what_is_well_is_quiet(name: str) -> None:
    found = verdict(name)
    assert (found.findings, found.conclusive) == ((), True)
    assert set(found.parts.values()) <= {None}


def test_each_check_is_a_finding_with_the_words_and_the_fix_of_the_agent() -> None:
    found = verdict("watchpost_error")
    assert told(found) == {
        "database": ("database.too_many_connections", "error"),
        "cache": ("cache.slow", "warning"),
        "payments": ("health.failing", "warning"),
    }
    database, payments, cache = found.findings
    assert database.sentence == "The database default refuses connections: 100 of 100 are taken."
    assert database.fix == "Restart the workers; then lower CONN_MAX_AGE."
    assert cache.fix == FIXES["cache.slow"]
    assert payments.sentence == "The check payments fails: the bank answers 503."
    assert database.joins == ("host:shop.example", "addr:203.0.113.7")
    assert found.parts == {
        "database": Severity.ERROR, "cache": Severity.WARNING, "payments": Severity.WARNING, "mail": None,
    }  # fmt: skip
    assert found.undecided == {"storage"}
    assert found.values == {"database": 100.0, "cache": 420.0}


def test_a_stranger_is_told_what_fails_and_how_to_learn_more() -> None:
    found = verdict("watchpost_stranger")
    assert told(found) == {"database": ("health.failing", "error"), "mail": ("health.degraded", "warning")}
    assert "give the monitor the token" in found.findings[0].sentence


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dhc3_failing", {
            "Cache backend: default": ("cache.wrong_value", "error"),
            "DatabaseBackend": ("database.unreachable", "error"),
            "DiskUsage": ("disk.nearly_full", "warning"),
            "CeleryPingHealthCheck": ("celery.not_answering", "error"),
        }),
        ("watchman_failing", {"databases.default": ("database.unreachable", "error")}),
        ("health_json_warn", {"cpu:utilization.node-1": ("health.degraded", "warning")}),
        ("spring_down", {
            "db.replica": ("database.unreachable", "error"),
            "redis": ("redis.down", "error"),
            "search": ("health.degraded", "warning"),
        }),
        ("spring_stranger", {"application": ("health.failing", "error")}),
        ("by_hand_bad", {"application": ("health.failing", "error")}),
    ],
)  # fmt: skip
def test_the_formats_of_others_are_judged_alike(name: str, expected: dict[str, tuple[str, str]]) -> None:
    assert told(verdict(name)) == expected


def test_words_of_others_are_put_into_a_sentence() -> None:
    [finding] = verdict("watchman_failing").findings
    start = "The check databases.default fails: could not connect to server"
    assert finding.sentence.startswith(start)
    assert "pg_isready" in finding.fix
    [whole] = verdict("by_hand_bad").findings
    said = "The health endpoint answers 503 Service Unavailable: no connection to the database."
    assert whole.sentence == said


def test_a_process_that_just_began_decides_nothing() -> None:
    found = verdict("watchpost_starting")
    assert (found.findings, found.conclusive) == ((), False)
    assert found.undecided == {"database", "cache"}
    assert "2 of 2 checks have no result yet" in found.note
    both = ours(503, "error", database={"state": "unknown"}, cache={"state": "error", "critical": True})
    assert judge(both).conclusive  # what is known to be broken is told
    one = ours(200, "degraded", database={"state": "unknown"}, cache={"state": "degraded"})
    assert not judge(one).conclusive  # it may be worse than that, as it was before
    assert judge(ours(database={"state": "unknown"}, cache={"state": "ok"}), ignore="data*").conclusive
    assert judge(ours(storage={"state": "unknown", "critical": False}, cache={"state": "ok"})).conclusive
    old = ours(database={"state": "unknown"})
    assert not judge(old).conclusive
    old["report"]["process_age_s"] = 3600.0  # it will never answer: nobody waits for it
    assert judge(old).conclusive
    assert verdict("spring_down").conclusive  # UNKNOWN may be for ever there


def test_silenced_checks_keep_a_state_and_tell_nobody() -> None:
    found = verdict("watchpost_error", ignore=["data*", "payments"])
    assert told(found) == {"cache": ("cache.slow", "warning")}
    assert found.parts["database"] is Severity.ERROR
    assert not verdict("watchpost_error", ignore="*").findings


def test_somebody_may_give_a_check_another_weight() -> None:
    found = told(verdict("watchpost_error", severity={"cache*": "critical", "database": "warning"}))
    assert found["cache"] == ("cache.slow", "critical")
    assert found["database"] == ("database.too_many_connections", "warning")
    only = told(verdict("watchpost_error", critical_only=True))
    assert {subject for subject, (_, word) in only.items() if word != "info"} == {"database"}


def test_the_status_counts_more_than_kind_words() -> None:
    [finding] = judge(ours(503, "ok", database={"state": "ok"})).findings
    assert finding.code == "health.failing"
    assert "while its report says that all is well" in finding.sentence
    [whole] = judge(ours(200, "degraded", database={"state": "ok"})).findings
    assert (whole.code, severity_of(whole)) == ("health.degraded", Severity.WARNING)


def test_old_results_are_one_finding_whoever_says_so() -> None:
    aged = {"state": "ok", "age_s": 900.0, "interval_s": 10.0}
    fresh = {"state": "ok", "age_s": 3.0, "interval_s": 10.0}
    agent = {"state": "degraded", "code": "health.stale", "message": "There has been no result for 95 s."}
    [one] = judge(ours(a=aged, b=fresh)).findings
    assert (one.code, one.subject) == ("health.stale", "a")
    [many] = judge(ours(200, "degraded", a=aged, b=fresh, c=agent, d=agent)).findings
    assert (many.code, many.subject, severity_of(many)) == ("health.stale", "results", Severity.WARNING)
    assert "no result of 3 of 4 checks for 900 s (a, c, d)" in many.sentence


def test_a_slow_answer_is_told_beside_what_it_says() -> None:
    assert told(verdict("watchpost_ok", 4210.0, max_ms=1000)) == {"endpoint": ("health.slow", "warning")}
    assert set(told(verdict("dhc3_failing", 4210.0, max_ms=1000))) > {"endpoint", "DatabaseBackend"}


@pytest.mark.parametrize(
    ("failure", "code", "says"),
    [
        (("dns", "nxdomain", "shop.example does not exist"), "dns", "(the name look-up)"),
        (("connect", "refused", "the connection was refused"), "connect", "(connecting)"),
        (("tls", "certificate", "it has expired"), "tls", "(the TLS handshake)"),
        (("wait", "timeout", "no answer came within 10 s"), "timeout", "(waiting for the answer)"),
        (("transfer", "cut", "it ended early"), "reset", "(reading the answer)"),
        (("wait", "protocol", "the server does not answer in HTTP"), "protocol", "(waiting for the answer)"),
    ],
)
def test_no_answer_is_not_a_bad_answer(failure: tuple[str, str, str], code: str, says: str) -> None:
    phase, kind, sentence = failure
    found = judge({"failure": {"phase": phase, "kind": kind, "sentence": sentence, "host": "shop.example"}})
    [finding] = found.findings
    assert finding.code == f"health.unreachable.{code}"
    assert says in finding.sentence
    assert sentence in finding.sentence
    assert not found.parts  # nobody knows how they are


def test_a_refused_token_is_an_error_only_where_it_hides_everything() -> None:
    with_states = facts_of(answer("watchpost_stranger")) | {"token": "refused"}
    found = judge(with_states, token="an-old-token")
    assert told(found)["endpoint"] == ("health.token_refused", "warning")
    assert "database" in told(found)
    assert found.findings[0].sentence.endswith("Why, it does not say: it refuses the monitor's token.")
    for status in (401, 403):
        hidden = judge({"status": status, "bytes": 0, "http": "1.1", "token": "refused"}, token="t" * 20)
        assert told(hidden) == {"endpoint": ("health.token_refused", "error")}
    [without] = judge({"status": 403, "bytes": 0, "http": "1.1", "token": "refused"}).findings
    assert "the monitor has none" in without.sentence


def test_what_cannot_be_read_says_why() -> None:
    for status, kind, word in ((502, "html", "does not answer"), (404, "status", "nothing at this address")):
        facts = {
            "status": status,
            "bytes": 9,
            "http": "1.1",
            "unreadable": {"kind": kind, "why": "with HTML"},
        }
        [finding] = judge(facts).findings
        assert finding.code == "health.unreadable"
        assert word in finding.sentence


def test_every_code_has_a_fix_and_the_shared_ones_belong_to_somebody() -> None:
    inner = {code for code in NAMES if not code.startswith("health.unreachable")}
    assert inner - set(FIXES) == {
        "health.slow", "health.unreadable", "health.token_refused", "health.refused_by_guard",
    }  # fmt: skip
    assert set(catalogue()) >= SHARED


def test_what_explains_comes_before_every_symptom_of_a_page() -> None:
    """An endpoint that does not answer, and settings that bite some day, never lead."""
    site = [entry.rank for code, entry in catalogue().items() if code.startswith("site.")]
    assert max(site) < EXPLAINS
    ranks = {entry.code: entry.rank for entry in CODES}
    for code in ("database.too_many_connections", "cache.stalled", "migrations.pending", "disk.full"):
        assert ranks[code] >= EXPLAINS
    site_down = min(entry.rank for code, entry in catalogue().items() if code.startswith("site.unreachable"))
    for code, rank in ranks.items():
        if code.startswith(("settings.", "health.unreach", "health.unread", "health.slow")):
            assert rank < min(site_down, catalogue()["site.error_status"].rank), code


def test_what_no_page_waits_for_is_never_critical_there_and_heard_of_all_the_same() -> None:
    def bad(code: str) -> dict[str, Any]:
        return {"state": "error", "critical": False, "code": code, "message": "It is gone."}

    facts = ours(200, "degraded", beat=bad("beat.silent"), workers=bad("celery.no_workers"), twice=bad("beat.twice"), mail=bad("mail.unreachable"))  # fmt: skip
    found = judge(facts)
    assert told(found) == {
        "beat": ("beat.silent", "error"),
        "workers": ("celery.no_workers", "error"),
        "twice": ("beat.twice", "warning"),
        "mail": ("mail.unreachable", "warning"),
    }
    assert found.parts["beat"] is Severity.ERROR
    assert told(judge(facts, severity={"workers": "info"}))["workers"] == ("celery.no_workers", "info")
    one = bad("celery.stuck") | {"state": "degraded"}
    assert told(judge(ours(200, "degraded", workers=one)))["workers"] == ("celery.stuck", "warning")


def test_what_fails_is_told_before_what_limps() -> None:
    limps = {"state": "degraded", "message": "The disk is 91 % full."}
    fails = {"state": "error", "critical": False, "message": "Mail is refused."}
    assert [one.subject for one in judge(ours(200, "degraded", disk=limps, mail=fails)).findings] == [
        "mail",
        "disk",
    ]


def test_a_row_of_the_page_has_the_state_of_its_history() -> None:
    """The page said "Down" beside "100 % up, degraded for an hour"."""
    fails = {"state": "error", "critical": False, "message": "Mail is refused."}
    facts = ours(503, "error", mail=fails, database=fails | {"critical": True}, fine={"state": "ok"})
    states = {row.part: row.state for panel in KIND.panels(config(), facts, {}) for row in panel.parts}
    assert states == {"mail": "degraded", "database": "down", "fine": "up"}


def test_a_name_keeps_its_first_letter() -> None:
    said = {
        "state": "error",
        "critical": False,
        "code": "celery.stuck",
        "message": "worker@shop-1 has finished no task",
    }
    (found,) = judge(ours(200, "degraded", workers=said)).findings
    assert found.sentence == "worker@shop-1 has finished no task."


def test_a_report_that_breaks_its_format_is_an_error_that_names_the_check() -> None:
    """With 503, too, nothing is said of a web server without an application: it is the application that answers."""
    body = b'{"status": "ok", "format": "watchpost-health/1", "checks": {"mail": {"state": 7}}}'
    for status in (200, 503):
        found = read(Answer(status, "application/json", body))
        assert not isinstance(found, Report)
        [finding] = judge({"status": status, "unreadable": {"kind": found.kind, "why": found.why}}).findings
        assert finding.code == "health.unreadable"
        assert finding.sentence.endswith(
            "with a report of watchpost-health/1 whose check mail has the state 7, and must have ok, degraded, "
            "error or unknown."
        )
        assert finding.fix.startswith("Correct what writes the report")
