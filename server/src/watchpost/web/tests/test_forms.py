"""Refusals of the forms stand where they belong, in words of the page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import html
from tests.e2e.seed import Seeded, seed

from watchpost.monitors.models import Monitor
from watchpost.web.tests.test_access import enter
from watchpost.web.tests.test_project import words

NOW = datetime.now(UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(NOW)


def edited(seeded: Seeded, **changes: str) -> Any:
    """The edit form of the home page, sent with these changes."""
    given = {"name": "Home page", "url": "https://shop.example/", "interval": "60s", "timeout": "10s"}
    path = f"/monitors/{seeded.home.pk}/edit/"
    return enter(seeded.admin).post(path, given | {"rest": ""} | changes)


def error_at(page: HttpResponse, name: str) -> str:
    """The words of the error that the input is tied to, empty without one."""
    text = page.content.decode()
    start = text.find(f'id="e-{name}"')
    if start < 0:
        return ""
    at = text.index(f'id="f-{name}"') if f'id="f-{name}"' in text else text.index(f'id="{name}"')
    tag = text[at : text.index(">", at)]
    assert 'aria-invalid="true"' in tag
    assert f"e-{name}" in tag
    return html.strip_tags(text[text.index(">", start) + 1 : text.index("</div>", start)]).strip()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://me:pw@shop.example/", "write it under Basic auth when you edit the monitor"),
        ("http://shop.example:alert(1)/", "its port is not a number from 1 to 65535"),
        ("", "write an address such as"),
        ("mailto:a@b.c", "this is no address of a page"),
        ("javascript:alert(1)", "this is no address of a page"),
        ("x" * 5000 + ".example", "x" * 79 + "…"),
    ],
)
def test_errors_of_adding_stand_at_their_field(seeded: Seeded, url: str, expected: str) -> None:
    page = enter(seeded.admin).post("/add/", {"url": url, "project": "shop"})
    assert page.status_code == 422
    assert expected in error_at(page, "url")
    assert "url:" not in words(page)
    assert "integer value" not in words(page)


def test_a_bare_number_is_seconds(seeded: Seeded) -> None:
    assert edited(seeded, interval="90", timeout="7").status_code == 302
    home = Monitor.objects.get(pk=seeded.home.pk)
    assert (home.interval_s, home.timeout_s) == (90, 7)


@pytest.mark.parametrize("interval", ["8d", "abc", "∞"])
def test_a_wrong_interval_makes_no_error_of_the_timeout(seeded: Seeded, interval: str) -> None:
    page = edited(seeded, interval=interval)
    assert error_at(page, "interval")
    assert error_at(page, "timeout") == ""


def test_numbers_are_refused_in_plain_words(seeded: Seeded) -> None:
    page = edited(seeded, max_body="99999999999", **{"expect.max_ms": "quick"})
    assert "is too large; write 33554432 or less" in error_at(page, "max_body")
    assert "Max body, in bytes" in words(page)
    assert "is not a" in error_at(page, "expect.max_ms")


def test_yaml_says_where_it_goes_wrong(seeded: Seeded) -> None:
    page = edited(seeded, rest="headers:\n  Accept: {a: b\n")
    said = error_at(page, "rest")
    assert said.startswith("this is not YAML: line 3,")
    assert "on each line" in said


@pytest.mark.parametrize("over", ["monitor", "project"])
def test_a_refused_window_keeps_what_was_typed_and_says_what_is_wrong_there(
    seeded: Seeded, over: str
) -> None:
    given = {"starts": "2031-01-02T10:00", "ends": "2031-01-01T10:00", "reason": "a new disk"}
    path = f"/monitors/{seeded.home.pk}/" if over == "monitor" else "/projects/shop/"
    page = enter(seeded.admin).post(f"{path}maintenance/", given)
    assert page.status_code == 422
    text = page.content.decode()
    assert '<details open><summary class="btn">Maintenance' in text
    assert all(f'value="{typed}"' in text for typed in given.values())
    said = text.split('id="e-ends">')[1].split("<")[0]
    assert said == "Until is not after the beginning; write a later time."
    assert "data-live" not in text
    relative = [found for found in re.findall(r'(?:action|href)="([^"]+)"', text) if found[0] not in "/#hd"]
    assert relative == []


def test_what_is_needed_can_be_seen(seeded: Seeded) -> None:
    page = enter(seeded.admin).get("/channels/new/webhook/").content.decode()
    assert 'Name <span class="need">needed</span>' in page
