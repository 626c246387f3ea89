"""Pings, to the letter of Healthchecks' pinging API; what came of them is read through its management API."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.speaking import MADE_UP, Project, some_slug
from tests.e2e.installation import Installation
from tests.postgres import database_setting

RUN = "728b3763-ea80-4113-9fc0-f49b3adf226a"
ACTIONS = [("", "success"), ("/start", "start"), ("/fail", "fail"), ("/log", "log"), ("/0", "success"),
           ("/1", "fail"), ("/255", "fail")]  # fmt: skip


@pytest.mark.parametrize("method", ["HEAD", "GET", "POST"])
@pytest.mark.parametrize("by_slug", [False, True])
def test_every_signal_by_every_method(shop: Project, method: str, by_slug: bool) -> None:
    check = shop.check(slug=some_slug())
    base = f"/ping/{shop.ping_key}/{check['slug']}" if by_slug else f"/ping/{check['uuid']}"
    for action, _ in ACTIONS:
        answer = shop.ask(method, base + action)
        assert (answer.status, answer.text) == (200, "" if method == "HEAD" else "OK")
    assert shop.types(check) == [sign for _, sign in ACTIONS]
    assert {one["method"] for one in shop.pings(check)} == {method}
    assert {one["scheme"] for one in shop.pings(check)} == {"http"}


def test_other_methods_are_not_rejected(shop: Project) -> None:
    check = shop.check()
    assert shop.ping(check, method="PUT").text == "OK"
    assert shop.types(check) == ["success"]


def test_what_is_said_about_the_answer(shop: Project) -> None:
    answer = shop.ping(shop.check())
    assert answer.headers["ping-body-limit"] == "10000"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"no-cache", "no-store"} <= set(answer.headers["cache-control"].replace(",", " ").split())


def test_exit_codes_end_at_255(shop: Project) -> None:
    check = shop.check()
    for code in ("256", "1000"):
        answer = shop.ping(check, f"/{code}")
        assert (answer.status, answer.text) == (400, "invalid url format")
    assert shop.ping(check, "/-1").status == 404
    assert shop.pings(check) == []


def test_a_code_is_canonical(shop: Project) -> None:
    code = shop.check()["uuid"]
    for path in (f"/ping/{code.upper()}", f"/ping/{code.replace('-', '')}", f"/ping/{MADE_UP}", "/ping/x"):
        answer = shop.ask("GET", path)
        assert (answer.status, answer.text) == (404, "not found"), path


def test_a_run_id_in_any_case(shop: Project) -> None:
    check = shop.check()
    for action, run in (("/start", RUN.upper()), ("", RUN), ("/log", RUN), ("/7", RUN)):
        assert shop.ping(check, f"{action}?rid={run}").status == 200
    assert {one["rid"] for one in shop.pings(check)} == {RUN}
    for wrong in ("1", "", RUN.replace("-", "")):
        answer = shop.ping(check, f"?rid={wrong}")
        assert (answer.status, answer.text) == (400, "invalid uuid format")


def test_slugs_are_small_and_need_not_be_unique(shop: Project) -> None:
    slug = some_slug()
    first = shop.check(slug=slug)
    assert shop.ask("GET", f"/ping/{shop.ping_key}/{slug}").text == "OK"
    answer = shop.ask("GET", f"/ping/{shop.ping_key}/{slug.upper()}")
    assert (answer.status, answer.text) == (400, "invalid url format")
    assert shop.ask("GET", f"/ping/{'k' * 22}/{slug}").status == 404
    twin = shop.check(slug=slug)
    answer = shop.ask("GET", f"/ping/{shop.ping_key}/{slug}")
    assert (answer.status, answer.text) == (409, "ambiguous slug")
    assert (len(shop.pings(first)), len(shop.pings(twin))) == (1, 0)


def test_create_1_makes_a_check(shop: Project) -> None:
    slug = some_slug()
    assert shop.ask("GET", f"/ping/{shop.ping_key}/{slug}?create=0").status == 404
    answer = shop.ask("POST", f"/ping/{shop.ping_key}/{slug}/start?create=1")
    assert (answer.status, answer.text) == (201, "Created")
    assert shop.ask("POST", f"/ping/{shop.ping_key}/{slug}?create=1").text == "OK"
    [made] = shop.api("GET", f"checks/?slug={slug}").json["checks"]
    assert (made["name"], made["slug"], made["timeout"], made["grace"]) == (slug, slug, 86400, 3600)
    assert shop.types(made) == ["start", "success"]
    assert shop.ping({"uuid": uuid4()}, "?create=1").status == 404


def test_limits_hold_for_the_api_and_twice_for_create_1(tmp_path_factory: Any) -> None:
    own = database_setting("limits")
    running = Installation(tmp_path_factory.mktemp("limits"), 9, MAX_HEARTBEATS="2", **own)
    try:
        running.sign_in_link()
        shop = Project.make(running, "Shop")
        first = shop.check(name="first")
        shop.check()
        refused = shop.api("POST", "checks/", {"name": "third"})
        assert (refused.status, refused.body) == (403, b"")
        assert shop.api("POST", "checks/", {"name": "first", "unique": ["name"]}).status == 200
        made = [shop.ask("GET", f"/ping/{shop.ping_key}/s{n}?create=1") for n in range(3)]
        assert [one.status for one in made] == [201, 201, 404]
        assert made[2].text == "not found"
        assert shop.api("DELETE", f"checks/{first['uuid']}").status == 200
        assert shop.ask("GET", f"/ping/{shop.ping_key}/s2?create=1").status == 201
    finally:
        running.close()


def test_of_a_body_ten_thousand_bytes_are_kept(shop: Project) -> None:
    check = shop.check()
    shop.ping(check, method="POST", body=b"ab" * 5000 + b"!")
    shop.ping(check, method="POST", body=b"Hello\x01\x99World")
    binary, long = shop.pings(check)
    assert shop.ask("GET", long["body_url"], headers={"X-Api-Key": shop.key}).body == b"ab" * 5000
    assert shop.ask("GET", binary["body_url"], headers={"X-Api-Key": shop.key}).body == b"Hello\x01\x99World"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("1.2.3.4, 10.0.0.1", "1.2.3.4"),
        ("1.2.3.4:5678", "1.2.3.4"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
    ],
)
def test_who_pinged(shop: Project, said: str, told: str) -> None:
    check = shop.check()
    shop.ping(check, X_Forwarded_For=said, X_Forwarded_Proto="https", User_Agent="a" * 201)
    [ping] = shop.pings(check)
    assert (ping["remote_addr"], ping["scheme"], ping["ua"]) == (told, "https", "a" * 200)
    assert datetime.fromisoformat(ping["date"]).utcoffset() is not None
    assert "+00:00" in ping["date"]


def test_post_only(shop: Project) -> None:
    check = shop.check(methods="POST")
    assert shop.ping(check).text == "OK"
    assert shop.ping(check, "/fail", "HEAD").status == 200
    assert shop.get(check)["status"] == "new"
    assert shop.ping(check, method="POST").text == "OK"
    assert shop.types(check) == ["ign", "ign", "success"]


WORDS = {"filter_http_body": True, "start_kw": "BEGIN", "success_kw": "DONE, FINE", "failure_kw": "ERROR"}


@pytest.mark.parametrize(
    ("body", "action", "fields", "sign"),
    [
        (b"it is DONE", "", {}, "success"),
        (b"it is FINE", "/fail", {}, "success"),  # the words outrank the address
        (b"it is DONE", "/3", {}, "success"),
        (b"DONE with an ERROR", "", {}, "fail"),  # failure first
        (b"DONE, now BEGIN", "", {}, "success"),  # then success
        (b"BEGIN", "/log", {}, "start"),
        (b"done", "", {}, "ign"),  # upper and lower case differ
        (b"", "", {}, "ign"),
        (b"nothing known", "", {"filter_default_fail": True}, "fail"),
        (b"\xff\xfe DONE", "", {}, "success"),  # there: 500
        (b"DONE", "/fail", {"filter_http_body": False, "filter_body": True, "filter_subject": True}, "fail"),
    ],
)
def test_words_in_the_body(
    shop: Project, body: bytes, action: str, fields: dict[str, Any], sign: str
) -> None:
    check = shop.check(**(WORDS | fields))
    assert shop.ping(check, action, "POST", body).text == "OK"
    assert shop.types(check) == [sign]


def test_what_outranks_what(shop: Project) -> None:
    """A pause by hand, then the method, then the words."""
    check = shop.check(methods="POST", manual_resume=True, **WORDS)
    shop.ping(check, method="PUT", body=b"ERROR")
    shop.ping(check, method="POST", body=b"ERROR")
    shop.api("POST", f"checks/{check['uuid']}/pause")
    shop.ping(check, method="POST", body=b"DONE")
    assert shop.types(check) == ["ign", "fail", "ign"]
    assert shop.get(check)["status"] == "paused"
