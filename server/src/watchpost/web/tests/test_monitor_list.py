"""The list of monitors: paged both ways, counted in words, found by tag."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.e2e.seed import Seeded, seed
from tests.e2e.storm import seed_storm

from watchpost.web.tests.test_access import enter
from watchpost.web.tests.test_project import words

NOW = datetime.now(UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(db: Any) -> Seeded:
    found = seed(NOW)
    seed_storm(found.shop, found.channel, NOW)
    return found


def test_pages_lead_both_ways_and_say_where_one_is(seeded: Seeded) -> None:
    admin = enter(seeded.admin)
    first = admin.get("/monitors/")
    assert "1–100 of 135 Next" in words(first)
    assert b'href="/monitors/?page=2"' in first.content
    second = admin.get("/monitors/?page=2&project=shop")
    assert "Previous 101–132 of 132" in words(second)
    assert b'href="/monitors/?project=shop"' in second.content
    assert "101–135 of 135" in words(admin.get("/monitors/?page=99"))


@pytest.mark.parametrize(
    ("asked", "headline"),
    [
        ("", "135 monitors"),
        ("?q=team-3", "1 of 135 monitors matches"),
        ("?q=TEAM", "1 of 135 monitors matches"),
        ("?q=flip/7", "11 of 135 monitors match"),
        ("?q=nothing-like-it", "0 of 135 monitors match"),
        ("?tag=paid", "1 of 135 monitors matches"),
        ("?tag=pai", "0 of 135 monitors match"),
        ("?environment=staging", "0 of 135 monitors match"),
        ("?state=down", "36 of 135 monitors match"),
        ("?state=new", "0 of 135 monitors match"),
        ("?project=shop", "132 of 135 monitors match"),
        ("?project=shop&state=down&q=flip/7", "1 of 135 monitors matches"),
    ],
)
def test_the_headline_counts_what_matches(seeded: Seeded, asked: str, headline: str) -> None:
    said = words(enter(seeded.admin).get(f"/monitors/{asked}"))
    assert f" {headline} Add a site" in said


def test_a_search_with_signs_of_an_address_is_kept_on_the_next_page(seeded: Seeded) -> None:
    page = enter(seeded.admin).get("/monitors/", {"q": "p://127.0.0.8:9100/flip/1"})
    assert page.status_code == 200
    page = enter(seeded.admin).get("/monitors/", {"q": "http://127.0.0.8:9100/flip/"})
    assert b"?q=http%3A%2F%2F127.0.0.8%3A9100%2Fflip%2F&amp;page=2" in page.content
