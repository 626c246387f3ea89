"""What of a site's answers speaks of its health, and what only looks like it."""

from __future__ import annotations

import pytest

from watchpost.kinds.health import KIND
from watchpost.kinds.health.tests.bodies import GOLDEN, body
from watchpost.registry.site import Answer, Proposal, Site

HOME = "https://shop.example/"
HTML = {"content-type": "text/html; charset=utf-8"}
JSON = {"content-type": "application/json"}


def site(**more: tuple[int, dict[str, str], bytes]) -> Site:
    """Answers by path, ``_`` for a slash; whatever is not named is not there."""
    home = Answer(HOME, HOME, 200, HTML, b"<title>Tea</title>")
    nowhere = Site(home).nowhere
    answers = {nowhere: Answer(nowhere, nowhere, 404, HTML, b"Not found")}
    for path, (status, headers, said) in more.items():
        url = f"{HOME.rstrip('/')}{path.replace('_', '/')}"
        answers[url] = Answer(url, url, status, headers, said)
    return Site(home, answers)


def found(one: Site) -> list[tuple[str, str]]:
    return [(str(p.spec["name"]), str(p.spec["url"]).removeprefix(HOME)) for p in KIND.propose(one)]


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_each_format_is_proposed_well_or_not(name: str) -> None:
    status, kind, *_ = GOLDEN[name]
    one = site(_health_=(status, {"content-type": kind}, body(name)))
    assert found(one) == [("Health", "health/")]
    [proposal] = KIND.propose(one)
    assert proposal.spec["kind"] == "health"
    assert "interval" not in proposal.spec
    assert proposal.every(KIND.interval_s) == "30s"


def test_it_says_what_the_endpoint_lists() -> None:
    [proposal] = KIND.propose(site(_ht_=(500, JSON, body("dhc3_failing"))))
    assert proposal == Proposal(
        {"name": "Health /ht/", "kind": "health", "url": f"{HOME}ht/"},
        "The application lists 5 checks, 4 of which are not well, of itself at /ht/.",
    )


@pytest.mark.parametrize("said", [b"OK", b"ok\n", b'"pong"', b"Healthy."])
def test_a_word_is_enough(said: bytes) -> None:
    assert found(site(_up=(200, {"content-type": "text/plain"}, said))) == [("Health /up", "up")]


def test_the_same_checks_are_proposed_once_and_bare_life_only_where_nothing_says_more() -> None:
    live = (200, JSON, b'{"status": "ok"}')
    all_of_it = (200, JSON, body("watchpost_ok"))
    some = (200, JSON, b'{"status": "ok", "checks": {"database": {"state": "ok"}}}')
    one = site(_health_=all_of_it, _health_ready_=some, _health_live_=live, _health=all_of_it)
    assert found(one) == [("Health", "health/")]
    assert found(site(_health_live_=live)) == [("Health /health/live/", "health/live/")]
    assert found(site(_health_ready_=some, _api_health=(200, JSON, body("spring_up")))) == [
        ("Health /health/ready/", "health/ready/"), ("Health /api/health", "api/health"),
    ]  # fmt: skip


def test_a_page_for_people_of_a_known_package_is_asked_for_json_from_then_on() -> None:
    page = b"<!doctype html><html><head><title>System status</title>"
    assert found(site(_ht_=(200, HTML, page))) == [("Health /ht/", "ht/")]


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (200, HTML, b"<title>Order status | Tea</title>"),
        (404, JSON, b'{"detail": "Not found."}'),
        (401, JSON, b'{"status": "error"}'),
        (200, JSON, b'{"version": "1.2"}'),
        (200, JSON, b"{"),
        (200, {"content-type": "text/plain"}, b"Order 4711 is ok"),
        (503, HTML, b"<html>Maintenance</html>"),
        (503, {"content-type": "text/plain"}, b"Service Unavailable"),
    ],
)
def test_other_pages_are_not_health(status: int, headers: dict[str, str], said: bytes) -> None:
    assert found(site(_status_=(status, headers, said))) == []


def test_a_site_that_says_the_same_to_everything_has_none() -> None:
    one = site(_health_=(200, JSON, b'{"status": "ok"}'))
    same = Answer(one.nowhere, one.nowhere, 200, JSON, b'{"status": "ok"}')
    assert found(Site(one.home, {**one.answers, one.nowhere: same})) == []
