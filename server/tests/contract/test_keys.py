"""Who may do what with which key, and the answers to browsers."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.contract.speaking import MADE_UP, Project

UNIQUE_KEY = "a" * 40
# method, path, whether a read-only key will do
PATHS = [
    ("GET", "checks/", True),
    ("POST", "checks/", False),
    ("GET", f"checks/{MADE_UP}", True),
    ("GET", f"checks/{UNIQUE_KEY}", True),
    ("POST", f"checks/{MADE_UP}", False),
    ("DELETE", f"checks/{MADE_UP}", False),
    ("POST", f"checks/{MADE_UP}/pause", False),
    ("POST", f"checks/{MADE_UP}/resume", False),
    ("GET", f"checks/{MADE_UP}/pings/", False),
    ("GET", f"checks/{MADE_UP}/pings/1/body", False),
    ("GET", f"checks/{MADE_UP}/flips/", True),
    ("GET", f"checks/{UNIQUE_KEY}/flips/", True),
    ("GET", "channels/", False),
    ("GET", "badges/", True),
]


@pytest.mark.parametrize("v", [1, 2, 3])
@pytest.mark.parametrize(("method", "path", "for_looking"), PATHS)
def test_without_a_key_with_a_wrong_one_and_with_one_for_looking(
    shop: Project, method: str, path: str, for_looking: bool, v: int
) -> None:
    for key, words in (
        ("", "missing api key"),
        ("X" * 31, "missing api key"),
        ("X" * 32, "wrong api key"),
        ("hcw_" + "x" * 28, "wrong api key"),
    ):
        answer = shop.api(method, path, key=key, v=v)
        assert (answer.status, answer.error) == (401, words)
        assert answer.headers["access-control-allow-origin"] == "*"
    looked = shop.api(method, path, key=shop.looking, v=v)
    if for_looking:
        assert looked.status == (404 if MADE_UP in path or UNIQUE_KEY in path else 200)
    else:
        assert (looked.status, looked.error) == (401, "wrong api key")


@pytest.mark.parametrize(("method", "path", "_for_looking"), PATHS)
def test_browsers_of_any_site_may_ask(shop: Project, method: str, path: str, _for_looking: bool) -> None:
    answer = shop.ask("OPTIONS", f"/api/v3/{path}")
    assert (answer.status, answer.body) == (204, b"")
    assert method in answer.headers["access-control-allow-methods"].split(", ")
    assert answer.headers["access-control-allow-headers"] == "X-Api-Key"
    refused = shop.api("PATCH", path)
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (405, "*")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"checks/{UNIQUE_KEY}"),
        ("GET", f"checks/{MADE_UP}/pause"),
        ("GET", f"checks/{MADE_UP}/resume"),
        ("POST", f"checks/{MADE_UP}/pings/"),
        ("POST", f"checks/{MADE_UP}/pings/1/body"),
        ("POST", f"checks/{MADE_UP}/flips/"),
        ("POST", "channels/"),
        ("POST", "badges/"),
        ("DELETE", "checks/"),
        ("HEAD", "checks/"),
    ],
)
def test_other_methods_are_405(shop: Project, method: str, path: str) -> None:
    assert shop.api(method, path).status == 405


def test_the_key_may_stand_in_the_body(shop: Project) -> None:
    made = shop.api("POST", "checks/", {"api_key": shop.key, "name": "by body"}, key="")
    assert made.status == 201
    path = f"checks/{made.json['uuid']}"
    for way in ("/pause", "/resume", ""):
        assert shop.api("POST", path + way, {"api_key": shop.key}, key="").status == 200
    assert shop.api("POST", path, {"api_key": 7}, key="").error == "missing api key"
    assert shop.api("POST", path, {"api_key": shop.looking}, key="").error == "wrong api key"
    # One in the header counts more.
    assert shop.api("POST", path, {"api_key": shop.key}, key="Y" * 32).error == "wrong api key"


def test_a_key_for_all_projects_is_told_what_to_do(shop: Project) -> None:
    answer = shop.api("GET", "checks/", key=shop.all_projects)
    assert answer.status == 401
    assert "watchpost token create" in answer.error


def test_bodies_are_read_before_keys(shop: Project) -> None:
    for path in ("checks/", f"checks/{MADE_UP}", f"checks/{MADE_UP}/pause", f"checks/{MADE_UP}/resume"):
        for body, words in (
            (b"this is not json", "could not parse request body"),
            (b"\xff\xff", "could not parse request body"),
            (b"[" * 100_000, "could not parse request body"),
            (b"[1,2,3]", "json validation error: value is not an object"),
            (b"123", "json validation error: value is not an object"),
        ):
            answer = shop.api("POST", path, body, key="")
            assert (answer.status, answer.error) == (400, words)
    assert shop.api("POST", "checks/", b"", key="").error == "missing api key"


def test_what_belongs_to_others_is_403_and_what_is_not_there_404(shop: Project, other: Project) -> None:
    theirs = other.check()["uuid"]
    for method, more in (("GET", ""), ("POST", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"),
                         ("GET", "/pings/"), ("GET", "/pings/1/body"), ("GET", "/flips/")):  # fmt: skip
        assert shop.api(method, f"checks/{theirs}{more}").status == 403, more
        assert shop.api(method, f"checks/{uuid4()}{more}").status == 404, more
        assert shop.api(method, f"checks/not-a-uuid{more}").status == 404, more
    assert other.api("GET", f"checks/{theirs}").status == 200
    looked = other.api("GET", "checks/", key=other.token("--project", other.slug, "--read-only"))
    [found] = looked.json["checks"]
    assert shop.api("GET", f"checks/{found['unique_key']}").status == 404
    assert shop.api("GET", f"checks/{found['unique_key']}/flips/").status == 404


def test_status_needs_no_key(shop: Project) -> None:
    for v in (1, 2, 3):
        answer = shop.api("GET", "status/", key="", v=v)
        assert (answer.status, answer.text) == (200, "OK")
