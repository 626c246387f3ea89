"""Checks made, listed, read, changed and deleted through Healthchecks' management API."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.contract.speaking import Project, some_slug

ALL = {
    "name": "Foo", "tags": "bar,baz", "desc": "description goes here", "timeout": 3600, "grace": 60,
    "start_kw": "START", "success_kw": "SUCCESS", "failure_kw": "FAILURE", "filter_subject": True,
    "filter_body": True, "filter_http_body": True, "filter_default_fail": True, "manual_resume": True,
    "methods": "POST",
}  # fmt: skip
LOOKED = {
    "name", "slug", "tags", "desc", "grace", "n_pings", "status", "started", "last_ping", "next_ping",
    "manual_resume", "methods", "subject", "subject_fail", "start_kw", "success_kw", "failure_kw",
    "filter_subject", "filter_body", "filter_http_body", "filter_default_fail", "badge_url",
}  # fmt: skip
ADDRESSES = {"uuid", "ping_url", "update_url", "pause_url", "resume_url", "channels"}


@pytest.mark.parametrize("v", [1, 2, 3])
def test_all_that_is_given_comes_back(shop: Project, v: int) -> None:
    made = shop.api("POST", "checks/", ALL, v=v)
    assert (made.status, made.headers["content-type"]) == (201, "application/json")
    told = made.json
    assert set(told) == LOOKED | ADDRESSES | {"timeout"}
    assert {key: told[key] for key in ALL} == ALL
    assert (told["subject"], told["subject_fail"]) == ("SUCCESS", "FAILURE")
    assert (told["last_ping"], told["next_ping"], told["n_pings"]) == (None, None, 0)
    assert (told["status"], told["started"]) == ("new", False)
    assert told["slug"] == ("" if v == 3 else "foo")
    site = shop.running.url
    assert told["ping_url"] == f"{site}/ping/{told['uuid']}"
    assert told["update_url"] == f"{site}/api/v{v}/checks/{told['uuid']}"
    assert told["pause_url"] == told["update_url"] + "/pause"
    assert told["resume_url"] == told["update_url"] + "/resume"
    assert told["badge_url"].startswith(f"{site}/b/2/")
    assert UUID(told["badge_url"][len(site) + 5 : -4]) != UUID(told["uuid"])
    assert shop.api("GET", f"checks/{told['uuid']}", v=v).json == told
    assert shop.ask("POST", told["ping_url"], b"SUCCESS").text == "OK"


def test_the_defaults(shop: Project) -> None:
    told = shop.api("POST", "checks/", {}).json
    empty = {"name": "", "slug": "", "tags": "", "desc": "", "methods": "", "start_kw": "", "subject": ""}
    assert {key: told[key] for key in empty} == empty
    assert (told["timeout"], told["grace"]) == (86400, 3600)
    assert not any(told[key] for key in told if key.startswith("filter_") or key == "manual_resume")
    assert "schedule" not in told
    assert "tz" not in told
    assert shop.api("POST", "checks/").status == 201  # nothing at all is the same


def test_a_schedule_outranks_a_timeout(shop: Project) -> None:
    told = shop.check(schedule="5 * * * *", tz="Europe/Riga", grace=60, timeout=120)
    assert (told["schedule"], told["tz"], told["grace"]) == ("5 * * * *", "Europe/Riga", 60)
    assert "timeout" not in told
    path = f"checks/{told['uuid']}"
    told = shop.api("POST", path, {"schedule": "12:34"}).json
    assert (told["schedule"], told["tz"]) == ("12:34", "Europe/Riga")
    told = shop.api("POST", path, {"timeout": 7200}).json
    assert told["timeout"] == 7200
    assert "schedule" not in told
    several = shop.check(schedule="Mon 12:34\nFri 1:00")
    assert several["schedule"] == "Mon 12:34\nFri 1:00"


@pytest.mark.parametrize(
    ("old", "new"), [("Europe/Kiev", "Europe/Kyiv"), ("UCT", "Etc/UTC"), ("CET", "Europe/Brussels")]
)
def test_old_names_of_zones(shop: Project, old: str, new: str) -> None:
    assert shop.check(schedule="* * * * *", tz=old)["tz"] == new


def test_slugs_follow_names_until_v3(shop: Project) -> None:
    for v, slug in ((1, "hello-world"), (2, "hello-world"), (3, "custom")):
        told = shop.check(name="A", slug="custom", v=v)
        assert shop.api("POST", f"checks/{told['uuid']}", {"name": "Hello World"}, v=v).json["slug"] == slug
    told = shop.check(name="Ä", v=3)
    assert shop.api("POST", f"checks/{told['uuid']}", {"slug": "own"}, v=3).json["slug"] == "own"
    assert shop.api("POST", f"checks/{told['uuid']}", {"slug": ""}, v=3).json["slug"] == ""


def test_what_a_check_stands_on(shop: Project) -> None:
    """Ours alone: Healthchecks passes it over."""
    parent, child = some_slug(), some_slug()
    shop.check(name=parent, slug=parent)
    whole = {"slug": child, "unique": ["slug"]}

    def parents() -> Any:
        looked = shop.ask("GET", f"/v1/monitors?project={shop.slug}&limit=1000", headers=bearer).json["items"]
        return next(one["spec"].get("depends_on", []) for one in looked if one["slug"] == child)

    bearer = {"Authorization": f"Bearer {shop.key}"}
    assert shop.api("POST", "checks/", whole | {"name": child, "depends_on": [parent]}).status == 201
    assert parents() == [parent]
    assert shop.api("POST", "checks/", whole | {"grace": 90}).status == 200
    assert parents() == [parent]
    refused = shop.api("POST", "checks/", whole | {"depends_on": [f"{parent}-2"]})
    assert refused.status == 400
    words = f"json validation error: depends_on there is no monitor {parent}-2; did you mean {parent}?"
    assert refused.error == words
    assert shop.api("POST", "checks/", whole | {"depends_on": []}).status == 200
    assert parents() == []


def test_an_update_touches_only_what_is_given(shop: Project) -> None:
    made = shop.check(**(ALL | {"slug": some_slug()}))
    path = f"checks/{made['uuid']}"
    assert shop.api("POST", path, {}).json == made
    assert shop.api("POST", path, {"unknown": 1, "desc": "new"}).json == made | {"desc": "new"}
    cleared = {"name": "", "tags": "", "methods": "", "success_kw": "", "manual_resume": False}
    told = shop.api("POST", path, cleared).json
    assert told == made | cleared | {"desc": "new", "subject": ""}
    assert shop.get(made) == told


def test_an_update_changes_what_counts_at_once(shop: Project) -> None:
    made = shop.check(timeout=3600)
    shop.ping(made)
    before = shop.get(made)
    told = shop.api("POST", f"checks/{made['uuid']}", {"timeout": 7200}).json
    assert (told["last_ping"], told["status"]) == (before["last_ping"], "up")
    assert told["next_ping"] > before["next_ping"]


def test_the_deprecated_subjects(shop: Project) -> None:
    path = f"checks/{shop.check()['uuid']}"
    told = shop.api("POST", path, {"subject": "SUCCESS,COMPLETE"}).json
    assert (told["filter_subject"], told["success_kw"]) == (True, "SUCCESS,COMPLETE")
    told = shop.api("POST", path, {"subject_fail": "FAILED"}).json
    assert (told["filter_subject"], told["failure_kw"], told["subject"]) == (
        True,
        "FAILED",
        "SUCCESS,COMPLETE",
    )
    told = shop.api("POST", path, {"subject": "", "subject_fail": ""}).json
    assert (told["filter_subject"], told["success_kw"]) == (False, "")
    told = shop.api("POST", path, {"subject": "SUCCESS", "filter_subject": False}).json
    assert (told["filter_subject"], told["success_kw"], told["subject"]) == (False, "SUCCESS", "")


@pytest.mark.parametrize(
    ("fields", "unique"),
    [
        ({"name": "unique name"}, ["name"]),
        ({"slug": "unique-slug"}, ["slug"]),
        ({"tags": "unique tags"}, ["tags"]),
        ({"timeout": 12345}, ["timeout"]),
        ({"grace": 12345}, ["grace"]),
        ({"name": "several", "tags": "of them", "timeout": 777}, ["name", "tags", "timeout"]),
    ],
)
def test_unique_updates_what_is_there(shop: Project, fields: dict[str, Any], unique: list[str]) -> None:
    first = shop.api("POST", "checks/", fields)
    again = shop.api("POST", "checks/", fields | {"desc": "second", "unique": unique})
    assert (first.status, again.status) == (201, 200)
    assert again.json == first.json | {"desc": "second"}
    assert shop.api("POST", "checks/", fields | {"unique": []}).status == 201


@pytest.mark.parametrize("name", ["name", "slug", "tags", "timeout", "grace"])
def test_unique_by_what_is_not_given_matches_nothing(shop: Project, name: str) -> None:
    shop.api("POST", "checks/", {})
    assert shop.api("POST", "checks/", {"unique": [name]}).status == 201


def test_unique_under_way_twice_makes_one(shop: Project) -> None:
    wanted = {"name": "only one", "unique": ["name"]}
    with ThreadPoolExecutor(8) as many:
        found = [one.result() for one in [many.submit(shop.api, "POST", "checks/", wanted) for _ in range(8)]]
    assert sorted(one.status for one in found) == [200] * 7 + [201]
    assert len({one.json["uuid"] for one in found}) == 1


def test_lists_by_tag_and_slug(running: Any) -> None:
    lists = Project.make(running, "Lists")
    one = lists.check(name="one", tags="a1-tag a1-more", slug="one")
    two = lists.check(name="two", tags="a2-tag  a1-tag a2-tag")
    for query, names in (
        ("", {"one", "two"}),
        ("?tag=a1-tag", {"one", "two"}),
        ("?tag=a1-tag&tag=a1-more", {"one"}),
        ("?tag=tag", set()),
        ("?tag=nobody-has-it", set()),
        ("?slug=one", {"one"}),
        ("?slug=one&tag=a2-tag", set()),
    ):
        found = lists.api("GET", f"checks/{query}")
        assert {check["name"] for check in found.json["checks"]} == names, query
    assert lists.api("GET", "checks/").json["checks"] == [one, two]
    assert two["tags"] == "a2-tag a1-tag"


def test_a_key_for_looking_sees_no_address_to_ping(shop: Project) -> None:
    made = shop.check(name="looked at")
    key = hashlib.sha1(UUID(made["uuid"]).hex[:16].encode()).hexdigest()
    for path in (f"checks/{made['uuid']}", f"checks/{key}"):
        looked = shop.api("GET", path, key=shop.looking)
        assert set(looked.json) == LOOKED | {"unique_key", "timeout"}
        assert looked.json["unique_key"] == key
        assert made["uuid"] not in looked.text
    assert made["uuid"] not in shop.api("GET", "checks/", key=shop.looking).text
    assert shop.api("GET", f"checks/{key}").json == made
    for v in (1, 2):
        shop.ping(made, "/start")
        assert shop.api("GET", f"checks/{key}", v=v).json["status"] == ("started" if v == 1 else "new")


@pytest.mark.parametrize(("v", "status"), [(1, "started"), (2, "new"), (3, "new")])
def test_a_deleted_check_is_told_as_it_was(shop: Project, v: int, status: str) -> None:
    made = shop.check(v=v)
    shop.ping(made, "/start", "POST", b"hello")
    deleted = shop.api("DELETE", f"checks/{made['uuid']}", v=v)
    assert (deleted.status, deleted.json["status"], deleted.json["started"]) == (200, status, True)
    assert deleted.json["uuid"] == made["uuid"]
    for method in ("GET", "POST", "DELETE"):
        assert shop.api(method, f"checks/{made['uuid']}", v=v).status == 404
    assert shop.ping(made).status == 404
    assert made["uuid"] not in shop.api("GET", "checks/", v=v).text


def test_checks_are_monitors(shop: Project) -> None:
    """What is written here is seen by the pages, the engine and the other API, and the other way round."""
    made = shop.check(name="Seen elsewhere", timeout=7200, tags="db web")
    bearer = {"Authorization": f"Bearer {shop.key}", "Content-Type": "application/json"}
    monitors = shop.ask("GET", "/v1/monitors?kind=heartbeat&limit=200", headers=bearer).json["items"]
    [monitor] = [one for one in monitors if one["name"] == "Seen elsewhere"]
    changed = shop.ask(
        "PATCH", f"/v1/monitors/{monitor['id']}", b'{"period": "3h", "description": "by us"}', bearer
    )
    assert changed.status == 200
    assert shop.get(made) == made | {"timeout": 10800, "desc": "by us"}
    shop.api("POST", f"checks/{made['uuid']}/pause")
    assert shop.ask("GET", f"/v1/monitors/{monitor['id']}", headers=bearer).json["spec"]["paused"] is True
    shop.api("DELETE", f"checks/{made['uuid']}")
    assert shop.ask("GET", f"/v1/monitors/{monitor['id']}", headers=bearer).status == 404


def test_nothing_is_stored_of_what_is_refused(shop: Project) -> None:
    made = shop.check()
    path = f"checks/{made['uuid']}"
    for wrong in (
        {"timeout": 0},
        {"channels": "abc"},
        {"name": "a\x00b"},
        {"desc": "a\x00b"},
        {"name": "\x07"},
    ):
        answer = shop.api("POST", path, {"tags": "new", "name": "New"} | wrong)
        assert answer.status == 400, wrong
        assert answer.error
    assert shop.get(made) == made
    before = len(shop.api("GET", "checks/").json["checks"])
    assert shop.api("POST", "checks/", {"name": str(uuid4()), "channels": "abc"}).status == 400
    assert len(shop.api("GET", "checks/").json["checks"]) == before
