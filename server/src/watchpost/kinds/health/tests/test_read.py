"""Every format of the corpus, and what nobody should answer."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest

from watchpost.kinds.health import django
from watchpost.kinds.health.guess import guess
from watchpost.kinds.health.read import Answer, Unreadable, read
from watchpost.kinds.health.report import MOST_CHECKS, MOST_ID, Report
from watchpost.kinds.health.tests.bodies import FOLDER, GOLDEN, answer


@pytest.mark.parametrize("name", sorted(GOLDEN))
@pytest.mark.parametrize("is_told", [False, True])
def test_the_corpus_is_read_as_it_always_was(name: str, is_told: bool) -> None:
    _, _, format_, says, checks = GOLDEN[name]
    found = read(answer(name), format_ if is_told and format_ != "status" else "auto")
    assert isinstance(found, Report)
    assert (found.format, found.says) == (format_, says)
    assert {one.id: [one.state, one.code] for one in found.checks} == checks


def test_no_body_of_the_corpus_is_left_out() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} - {"golden"} == set(GOLDEN)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_format_that_is_demanded_is_not_taken_for_another(name: str) -> None:
    format_ = GOLDEN[name][2]
    for other in ("watchpost", "django-health-check", "watchman", "health+json", "spring"):
        if other != format_:
            assert isinstance(read(answer(name), other), Unreadable)


def test_what_changes_at_every_start_makes_no_new_check() -> None:
    before, after = (
        django.identity("DNS(hostname='web-7f9c', nameservers=['10.0.0.2'])"),
        django.identity("DNS(hostname='web-1a2b', nameservers=['10.0.0.9'], at=<object at 0x7fff>)"),
    )
    assert before == after == "DNS"
    assert django.identity("health_check.checks.Cache(alias='other')") == "Cache.other"
    assert django.identity("Disk(path='/srv/media', hostname='web-1')") == "Disk./srv/media"


def test_details_of_our_own_format_are_kept() -> None:
    found = read(answer("watchpost_error"))
    assert isinstance(found, Report)
    assert (found.agent, found.process, found.told) == ("0.1.0", "web-1, process 4711", True)
    assert "did you mean cache?" in found.problems[0]
    database = found.checks[0]
    assert (database.critical, database.value, database.unit) == (True, 100.0, "connections")
    assert (database.age_s, database.interval_s) == (3.2, 10.0)
    assert database.fix == "Restart the workers; then lower CONN_MAX_AGE."
    assert found.checks[4].critical is False


def test_a_stack_trace_is_not_kept() -> None:
    found = read(answer("watchman_failing"))
    assert isinstance(found, Report)
    assert "secret_path" not in repr(found)


def ours(**checks: Any) -> bytes:
    return json.dumps({"status": "ok", "format": "watchpost-health/1", "checks": checks}).encode()


def test_five_thousand_checks_are_cut_and_the_bad_ones_stay() -> None:
    checks = {f"check{number}": {"state": "ok"} for number in range(5000)} | {"last": {"state": "error"}}
    found = read(Answer(200, "application/json", ours(**checks)))
    assert isinstance(found, Report)
    assert (len(found.checks), found.left_out) == (MOST_CHECKS, 5001 - MOST_CHECKS)
    assert found.checks[0].id == "last"


def test_wrong_words_and_numbers_that_are_none_are_left_out() -> None:
    body = ours(
        a={"state": "ok", "observed": True, "critical": "yes", "age_s": -1, "since": "yesterday"},
        b={"state": "error", "message": ["x"], "code": "rm -rf /", "fix": 7, "unit": {}, "observed": "9"},
    ).replace(b'"observed": true', b'"observed": NaN')
    body = body.replace(b'"age_s": -1', b'"age_s": 1e999')
    found = read(Answer(200, "application/json", body))
    assert isinstance(found, Report)
    good, bad = found.checks
    assert good.to_facts() == {"state": "ok"}
    assert bad.to_facts() == {"state": "error"}


def test_control_characters_and_half_characters_never_reach_a_database() -> None:
    body = ours(
        **{"a\u0000b\n|c": {"state": "error", "message": "x\u0000\u001b[31m\ud800 y\n\n z" + "w" * 9000}}
    )
    found = read(Answer(200, "application/json", body))
    assert isinstance(found, Report)
    [one] = found.checks
    assert (one.id, len(one.message)) == ("a\ufffdb /c", 500)
    assert one.message.startswith("x\ufffd\ufffd[31m\ufffd y z")
    repr(one).encode("utf-8")
    assert one.message.isprintable()


def test_long_names_stay_apart() -> None:
    body = ours(**{"x" * 100 + "1": {"state": "ok"}, "x" * 100 + "2": {"state": "ok"}})
    found = read(Answer(200, "application/json", body))
    assert isinstance(found, Report)
    first, second = (one.id for one in found.checks)
    assert first != second
    assert re.fullmatch(r"x+~[0-9a-f]{6}", first)
    assert len(first) == MOST_ID


@pytest.mark.parametrize(
    ("status", "kind", "body", "says"),
    [
        (200, "text/plain", b"OK", "ok"),
        (200, "text/plain", b"OK - 14 checks passed\n", "ok"),
        (200, "", b"", "ok"),
        (204, "", b"", "ok"),
        (200, "text/plain", b"degraded: queue is long", "degraded"),
        (503, "text/plain", b"", "error"),
        (503, "text/plain", b"Service Unavailable", "error"),
        (500, "text/plain", b"FAIL", "error"),
        (200, "application/json", b'{"version": "1.2.3", "name": "shop"}', "ok"),
        (503, "application/json", b'{"version": "1.2.3"}', "error"),
        (200, "application/json", b'"pong"', "ok"),
        (200, "application/json", b"{}", "ok"),  # claims no format: "a plain 200/503"
        (200, "application/json", b"[1,2,3]", "ok"),
        (503, "application/json", b"null", "error"),
        (200, "application/json", b'{"status": 200, "checks": {"database": "fine"}}', "ok"),
        (200, "application/json", b'{"success": true}', "ok"),
        (200, "application/json", b"\xef\xbb\xbf" + b'{"status": "Healthy"}', "ok"),
    ],
)
def test_plain_answers(status: int, kind: str, body: bytes, says: str) -> None:
    found = read(Answer(status, kind, body))
    assert isinstance(found, Report)
    assert (found.format, found.says, found.checks) == ("status", says, ())


@pytest.mark.parametrize(
    ("status", "kind", "body", "why"),
    [
        (200, "text/html", b"<html><title>Sign in</title>", "html"),
        (200, "application/json", b"<!DOCTYPE html><title>Shop</title>", "html"),
        (502, "text/html", b"<html>502 Bad Gateway</html>", "html"),
        (502, "text/plain", b"Bad Gateway", "status"),
        (404, "application/json", b'{"detail": "Not found."}', "status"),
        (200, "application/json", b"{", "json"),
        (200, "application/json", b"", "json"),
        (200, "application/json", b"\xff\xfe\x00", "json"),
        (200, "application/json", b"[" * 200_000, "json"),
        (200, "application/json", b'{"a":' * 100_000, "json"),
        (200, "application/json", b"1" * 100_000, "json"),
    ],
)
def test_what_cannot_be_read_is_said(status: int, kind: str, body: bytes, why: str) -> None:
    found = read(Answer(status, kind, body))
    assert isinstance(found, Unreadable)
    assert found.kind == why


@pytest.mark.parametrize("state", ["null", "7", "true", '["ok"]', '"fine"', None])
def test_a_state_that_is_none_is_no_report_and_the_check_is_named(state: str | None) -> None:
    bad = {} if state is None else {"state": json.loads(state)}
    report = {"status": "ok", "checks": {"cache:default": {"state": "ok"}, "database:default": bad}}
    for mark in ({"format": "watchpost-health/1"}, {}):
        body = json.dumps(report | mark)
        for wanted in ("auto", "watchpost"):
            found = read(Answer(200, "application/json", body.encode()), wanted)
            assert isinstance(found, Unreadable)
            assert found.kind == "broken"
            assert "database:default has the state" in found.why
            assert "must have ok, degraded, error or unknown" in found.why


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("application/json", '{"status": null, "format": "watchpost-health/1", "checks": {}}', "status is null"),
        ("application/json", '{"status": "ok", "format": "watchpost-health/1"}', "checks are missing"),
        ("application/json", '{"status": "ok", "format": "watchpost-health/1", "checks": []}', "are a list"),
        ("application/json", '{"status": "ok", "format": "watchpost-health/1", "checks": {"a": null}}', "a is null"),
        ("application/health+json", '{"status": null}', "status is null"),
        ("application/health+json", "{}", "status is missing"),
        ("application/json", '{"status": 7, "components": {"db": {"status": "UP"}}}', "status is 7"),
        ("application/vnd.spring-boot.actuator.v3+json", '{"status": "FATAL"}', 'status is "FATAL"'),
        ("application/json", '{"caches": [{"default": {"ok": null}}]}', "caches.default has ok: null"),
        ("application/json", '{"storage": {"ok": true}, "email": {"ok": 1}}', "email has ok: 1"),
        ("application/json", '{"DatabaseBackend": null, "MigrationsHealthCheck": "working"}', "says null"),
    ],
)  # fmt: skip
def test_what_claims_a_format_and_breaks_it_is_never_well(kind: str, body: str, said: str) -> None:
    for status in (200, 503):
        found = read(Answer(status, kind, body.encode()))
        assert isinstance(found, Unreadable)
        assert found.kind == "broken"
        assert said in found.why


def test_a_body_that_was_cut_off_is_not_guessed_at() -> None:
    found = read(Answer(200, "application/json", b'{"status": "ok"', truncated=True))
    assert isinstance(found, Unreadable)
    assert found.kind == "large"


def test_the_status_alone_counts_where_somebody_says_so() -> None:
    for name in ("watchpost_error", "dhc3_failing"):
        found = read(answer(name), "status")
        assert isinstance(found, Report)
        assert (found.says, found.checks) == ("error", ())
    assert isinstance(read(Answer(404, "text/html", b""), "status"), Unreadable)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"C" + "HealthCheck" * 90_000 + "!": "x"}).encode(),
        json.dumps({"A(" + "alias='" * 120_000: "OK"}).encode(),
        json.dumps({"a." * 500_000: "OK"}).encode(),
        b"A" * 1_000_000,
        b" " * 1_000_000 + b"<",
    ],
)
def test_nothing_takes_long_to_read(body: bytes) -> None:
    began = monotonic()
    read(Answer(200, "application/json", body))
    assert monotonic() - began < 1.0


ODD: tuple[Any, ...] = (
    None,
    [],
    {},
    [1],
    {"a": 1},
    {"ok": 1},
    [{"a": {}}],
    "x",
    "",
    7,
    -1.5,
    True,
    10**400,
    [[]],
)


def changed(body: Any, odd: Any) -> Iterator[Any]:
    """The body with each value in turn, at whatever depth, replaced."""
    yield odd
    pairs = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in pairs:
        for other in changed(value, odd):
            copy = dict(body) if isinstance(body, dict) else list(body)
            copy[key] = other
            yield copy


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_no_wrong_type_anywhere_breaks_the_reader(name: str) -> None:
    came = answer(name)
    sys.set_int_max_str_digits(0)
    try:
        for odd in ODD:
            for body in changed(json.loads(came.body), odd):
                for wanted in ("auto", GOLDEN[name][2]):
                    found = read(Answer(came.status, came.content_type, json.dumps(body).encode()), wanted)
                    if isinstance(found, Report):
                        json.dumps([one.to_facts() for one in found.checks], allow_nan=False)
    finally:
        sys.set_int_max_str_digits(4300)


@pytest.mark.parametrize(
    ("name", "message", "is_error", "code"),
    [
        (
            "DatabaseBackend",
            "FATAL: remaining connection slots are reserved",
            True,
            "database.too_many_connections",
        ),
        ("databases.default", "cannot execute INSERT in a read-only transaction", True, "database.read_only"),
        ("Cache backend: default", "unexpected result: Connection Error", True, "cache.down"),
        ("Cache.default", "Unexpected Result: Cache key does not match", True, "cache.wrong_value"),
        ("cache", "slow", False, ""),  # it answers
        ("database:connections", "91 of 100", True, ""),  # as this one does
        ("celery.queue.mail", "312 tasks wait", True, ""),
        ("diskSpace", "", False, "disk.nearly_full"),
        ("dashboard", "x", True, ""),
    ],
)
def test_the_trouble_of_others_is_named_only_where_it_is_certain(
    name: str, message: str, is_error: bool, code: str
) -> None:
    assert guess(name, message, is_error) == code
