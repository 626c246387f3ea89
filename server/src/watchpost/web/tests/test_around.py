"""The first question on the pages: look around, untick, watch. Against a real site on loopback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.e2e.seed import Seeded, seed
from tests.serving import Handler, Serving

from watchpost.discovery.tests.world import HOME
from watchpost.monitors.models import Monitor, Project
from watchpost.web import add_pages
from watchpost.web.tests.test_access import enter
from watchpost.web.tests.test_forms import error_at
from watchpost.web.tests.test_project import words

pytestmark = pytest.mark.django_db


class Shop(Handler):
    def do_GET(self) -> None:
        pages = {"/": (HOME, "text/html"), "/health/": ('{"status": "ok"}', "application/json")}
        body, kind = pages.get(self.path, ("", ""))
        self.answer(200 if body else 404, body.encode(), {"Content-Type": kind or "text/plain"})


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(datetime.now(UTC))


@pytest.fixture
def site() -> Iterator[str]:
    serving = Serving(Shop)
    yield serving.url
    serving.close()


def hidden(page: Any) -> dict[str, str]:
    """What the page with the proposals sends along."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode()))


def test_what_is_found_is_shown_and_what_stays_ticked_is_watched(seeded: Seeded, site: str) -> None:
    admin = enter(seeded.admin)
    page = admin.post("/add/around/", {"url": site, "project": "shop"})
    assert page.status_code == 200
    said = words(page)
    assert "3 things around 127.0.0.1 are worth watching" in said
    assert "“Tea and Biscuits of Lisbon” stands on it" in said
    before = Monitor.objects.count()
    answer = admin.post("/add/take/", hidden(page) | {"take": ["0", "1"]})
    assert answer.status_code == 302, words(answer)
    assert answer["Location"] == "/projects/shop/"
    made = Monitor.objects.order_by("pk")[before:]
    assert [(one.kind, one.project.slug) for one in made] == [("http", "shop"), ("assets", "shop")]
    assert made[0].config["expect"] == {"body_contains": ["Tea and Biscuits of Lisbon"]}
    again = words(admin.post("/add/around/", {"url": site, "project": "shop"}))
    assert "1 thing around 127.0.0.1 is worth watching" in again
    assert "Watched already" in again


def test_words_of_ones_own_replace_those_that_were_found(seeded: Seeded, site: str) -> None:
    admin = enter(seeded.admin)
    page = admin.post("/add/around/", {"url": site, "project": "shop", "contains": "Fresh"})
    admin.post("/add/take/", hidden(page) | {"take": ["0"]})
    assert Monitor.objects.latest("pk").config["expect"] == {"body_contains": ["Fresh"]}


def test_a_new_project_is_made_with_them_or_not_at_all(seeded: Seeded, site: str) -> None:
    admin = enter(seeded.admin)
    page = admin.post("/add/around/", {"url": site, "project": "+", "new_project": "Tea"})
    assert not Project.objects.filter(name="Tea").exists()
    assert admin.post("/add/take/", hidden(page)).status_code == 422  # nothing ticked
    assert not Project.objects.filter(name="Tea").exists()
    assert admin.post("/add/take/", hidden(page) | {"take": "0"})["Location"] == "/projects/tea/"


def test_what_was_changed_on_the_way_is_refused(seeded: Seeded) -> None:
    answer = enter(seeded.admin).post("/add/take/", {"url": "x", "found": "W10:forged", "take": "0"})
    assert answer.status_code == 422
    assert "look around once more" in error_at(answer, "url")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "no host"),
        ("http://a b/", "not a valid host"),
        ("ftp://a/", "http"),
        ("https:eyeshop.com", "this is no address of a page"),
        ("javascript:alert(1)", "this is no address of a page"),
        ("mailto:a@b.c", "this is no address of a page"),
        ("eyeshop.com:99999/", "its port is not a number"),
    ],
)
def test_what_is_no_address_is_said_at_the_field(seeded: Seeded, url: str, why: str) -> None:
    answer = enter(seeded.admin).post("/add/around/", {"url": url, "project": "shop"})
    assert answer.status_code == 422
    assert why in error_at(answer, "url")


def test_more_than_two_at_once_wait(seeded: Seeded, site: str) -> None:
    with add_pages._AT_ONCE, add_pages._AT_ONCE:
        answer = enter(seeded.admin).post("/add/around/", {"url": site, "project": "shop"})
        assert "try again in ten seconds" in error_at(answer, "url")


def test_who_may_only_look_does_not_look_around(seeded: Seeded, site: str) -> None:
    assert enter(seeded.viewer).post("/add/around/", {"url": site}).status_code == 403
    assert enter(seeded.viewer).post("/add/take/", {"found": "x"}).status_code == 403
    assert enter(seeded.admin).get("/add/around/").status_code == 302
