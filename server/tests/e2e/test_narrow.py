"""What only shows between the desk and the phone, or once a panel is open."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest

from .seed import Seeded, seed
from .test_pages import _context

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seeded() -> Seeded:
    return seed(datetime.now(UTC))


@pytest.fixture
def page(chromium: Any, live_server: Any, seeded: Seeded) -> Any:
    context = _context(chromium, live_server, seeded.admin, "phone", "light")
    yield context.new_page()
    context.close()


def _shot(page: Any, name: str) -> None:
    if folder := os.environ.get("WATCHPOST_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def _sideways(page: Any) -> int:
    found: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found


def test_nothing_in_the_header_covers_anything(page: Any, live_server: Any, seeded: Seeded) -> None:
    page.goto(live_server.url + "/")
    covered = """[...document.querySelectorAll(".top a, .top input")].filter((el) => {
        const box = el.getBoundingClientRect();
        if (!box.width) return false;
        return [box.left + 2, box.right - 2].some((x) =>
            !el.contains(document.elementFromPoint(x, box.top + box.height / 2)));
    }).map((el) => el.textContent || el.id)"""
    for width in (320, 360, 390, 761, 780, 820, 900, 1000, 1081, 1200, 1440):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate(covered) == [], width
        assert _sideways(page) <= 0, width
        assert page.locator(".top").get_by_role("link", name="Settings").count() == 1, width
        if width in (390, 820, 1440):
            _shot(page, f"header-{width}")


def test_the_maintenance_panel_stays_on_the_phone(page: Any, live_server: Any, seeded: Seeded) -> None:
    for name, path in (("monitor", f"/monitors/{seeded.home.pk}/"), ("project", "/projects/shop/")):
        for width in (390, 820, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(live_server.url + path)
            page.get_by_text("Maintenance", exact=True).first.click()
            _shot(page, f"panel-{name}-{width}")
            assert _sideways(page) <= 0, (name, width)
            for field in ("#starts", "#ends", "#reason"):
                box = page.locator(field).bounding_box()
                assert box["x"] >= 0, (name, width, field)
                assert box["x"] + box["width"] <= width, (name, width, field)


def test_every_action_of_an_incident_is_within_reach_of_the_thumb(
    page: Any, live_server: Any, seeded: Seeded
) -> None:
    page.goto(f"{live_server.url}/incidents/{seeded.incident.pk}/")
    labels = [one.inner_text() for one in page.locator(".thumb > *").all()]
    assert len(labels) == 5, labels
    for width in (320, 360, 390):
        page.set_viewport_size({"width": width, "height": 700})
        _shot(page, f"thumb-{width}")
        for one in page.locator(".thumb > *").all():
            box, words = one.bounding_box(), one.locator(".btn").first
            assert box["x"] >= 0, (width, one.inner_text())
            assert box["x"] + box["width"] <= width, (width, one.inner_text())
            assert words.evaluate("el => el.scrollWidth <= el.clientWidth + 1"), (width, one.inner_text())
