"""What the endpoint answers, to whom, and how."""

from __future__ import annotations

import json

import pytest

MINE = "tests.checks_of_mine"
TOKEN = "a-token-that-is-long-enough"


def test_it_answers_whatever_the_host_and_before_the_redirect_to_https(ask, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine"])
    assert ask("/", HTTP_HOST="10.0.0.7").status_code == 400, "the host is not allowed, as in production"
    for host in ("10.0.0.7", "evil.example:99999", "\xff\xfe", "a" * 5000):
        answer = ask(HTTP_HOST=host)
        assert (answer.status_code, json.loads(answer.content)["status"]) == (200, "ok")


@pytest.mark.parametrize(
    "path", ["/health/", "/health", "/health/ready/", "/health/ready", "/health/live/", "/health/live"]
)
def test_paths_with_and_without_slash(ask, watch, path):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine"])
    assert ask(path).status_code == 200


def test_what_is_not_ours_passes(ask):
    for path in ("/healthy/", "/health/other/", "//health/", "/HEALTH/"):
        assert ask(path).status_code != 200


@pytest.mark.parametrize(
    ("checks", "status", "word"),
    [
        (["Fine"], 200, "ok"),
        (["Fine", "Slow"], 200, "degraded"),
        (["Fine", "Broken"], 503, "error"),
        (["Fine", "Raises"], 503, "error"),
        (["Fine", "Exits"], 503, "error"),
        (["Fine", "Nonsense"], 503, "error"),
    ],
)
def test_what_checks_come_to(ask, watch, checks, status, word):
    watch(HEALTH_CHECKS=[f"{MINE}.{one}" for one in checks])
    answer = ask()
    assert (answer.status_code, json.loads(answer.content)["status"]) == (status, word)
    assert answer["Cache-Control"] == "no-store"


def test_the_text_of_a_content_check_stands_there_only_when_all_is_well(ask, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine", f"{MINE}.Slow"], HEALTH_TOKEN=TOKEN)
    for answer in (ask(), ask(HTTP_AUTHORIZATION=f"Bearer {TOKEN}")):
        assert b'"status": "ok"' not in answer.content
        assert b'"fine": {"state": "ok"' in answer.content
    watch(HEALTH_CHECKS=[f"{MINE}.Fine"], HEALTH_TOKEN=TOKEN)
    for answer in (ask(), ask(HTTP_AUTHORIZATION=f"Bearer {TOKEN}"), ask("/health/live/")):
        assert answer.content.count(b'"status": "ok"') == 1


def test_a_check_that_is_not_critical_leaves_the_application_in_service(ask, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Broken"], HEALTH_OVERRIDES={"broken": {"critical": False}})
    assert (ask().status_code, json.loads(ask().content)["status"]) == (200, "degraded")


def test_strangers_see_names_and_states_alone(ask, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine", f"{MINE}.Broken"], HEALTH_TOKEN=TOKEN)
    known = {"status": "error", "checks": {"fine": {"state": "ok"}, "broken": {"state": "error"}}}
    for headers in (
        {},
        {"HTTP_AUTHORIZATION": "Bearer wrong"},
        {"HTTP_AUTHORIZATION": f"Basic {TOKEN}"},
        {"HTTP_AUTHORIZATION": "Bearer \udcff"},
    ):
        assert json.loads(ask(**headers).content) == known
    assert "invalid_token" in ask(HTTP_AUTHORIZATION="Bearer wrong")["WWW-Authenticate"]


def test_who_brings_the_token_sees_all(ask, watch):
    watch(
        HEALTH_CHECKS=[f"{MINE}.Fine", f"{MINE}.Broken"], HEALTH_TOKEN=["another-token-while-rotating", TOKEN]
    )
    body = json.loads(ask(HTTP_AUTHORIZATION=f"bearer {TOKEN}").content)
    fine, broken = body["checks"]["fine"], body["checks"]["broken"]
    assert (fine["observed"], fine["unit"], fine["details"]) == (12.5, "ms", {"where": "here"})
    assert fine["interval_s"] == 30.0
    assert 0 <= fine["age_s"] < 5
    assert fine["at"].endswith("Z")
    assert (broken["message"], broken["code"], broken["fix"]) == ("It is broken.", "shop.broken", "Mend it.")
    assert body["format"] == "watchpost-health/1"


def test_without_a_token_in_the_settings_no_token_opens(ask, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine"])
    for sent in ("Bearer ", "Bearer None", "Bearer"):
        assert json.loads(ask(HTTP_AUTHORIZATION=sent).content)["checks"] == {"fine": {"state": "ok"}}


def test_head_has_the_headers_and_no_body(ask, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine"])
    head, get = ask(method="HEAD"), ask()
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Length"] == get["Content-Length"] == str(len(get.content))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_other_methods_are_refused(ask, method):
    answer = ask(method=method)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_forms_by_accept(ask, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine", f"{MINE}.Slow"], HEALTH_TOKEN=TOKEN)
    plain = ask(HTTP_ACCEPT="text/plain")
    assert plain.content == b"degraded\nfine: ok\nslow: degraded\n"
    assert ask("/health/?format=text").content == plain.content
    draft = ask(HTTP_ACCEPT="application/health+json", HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
    assert draft["Content-Type"] == "application/health+json"
    body = json.loads(draft.content)
    assert (body["status"], draft.status_code) == ("warn", 200)
    assert body["checks"]["fine"][0]["observedValue"] == 12.5
    assert body["checks"]["slow"][0]["output"] == "It is slow."
    browser = ask(HTTP_ACCEPT="text/html,application/xhtml+xml,*/*;q=0.8")
    assert browser["Content-Type"] == "application/json"


def test_groups(ask, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine", f"{MINE}.Broken"])
    assert set(json.loads(ask("/health/ready/").content)["checks"]) == {"fine"}
    assert ask("/health/").status_code == 503
    watch(HEALTH_CHECKS=[f"{MINE}.Fine", f"{MINE}.Broken"], HEALTH_GROUPS={"ready": ["br*"]})
    assert ask("/health/ready/").status_code == 503


def test_paths_can_be_moved_and_closed(ask, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine"], HEALTH_PATHS={"all": "/internal/up/", "ready": None})
    assert ask("/internal/up/").status_code == 200
    assert ask("/health/live/").status_code == 200
    assert ask("/health/ready/").status_code != 200
    assert ask("/health/").status_code != 200


def test_a_503_is_not_mailed_to_the_admins_at_every_probe(ask, watch, caplog):
    watch(HEALTH_CHECKS=[f"{MINE}.Broken"])
    assert ask().status_code == 503
    assert "Service Unavailable" not in caplog.text


def test_secrets_stay_inside(ask, watch, settings):
    watch(HEALTH_CHECKS=[f"{MINE}.Raises"], HEALTH_TOKEN=TOKEN)
    body = ask(HTTP_AUTHORIZATION=f"Bearer {TOKEN}").content.decode()
    assert "refused" in body
    assert "hunter2" not in body


def test_what_one_check_says_never_hides_the_others(ask, watch):
    """Half a character or a lazy translation in one of them once made the whole answer a 200 "degraded"."""
    watch(HEALTH_CHECKS=[f"{MINE}.Odd", f"{MINE}.Broken"], HEALTH_TOKEN=TOKEN)
    for accept in ("application/json", "application/health+json", "text/plain"):
        answer = ask(HTTP_AUTHORIZATION=f"Bearer {TOKEN}", HTTP_ACCEPT=accept)
        assert answer.status_code == 503
    answer = ask(HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
    odd = json.loads(answer.content, parse_constant=pytest.fail)["checks"]["odd"]
    assert odd["message"] == "caf?.txt is there."
    assert odd["fix"] == "Rename it, and not by password=[hidden]"
    assert odd["details"] == {"ratio": "nan", "file": "caf?.txt"}
    assert "observed" not in odd
