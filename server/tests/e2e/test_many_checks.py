"""The Health page with one check and with two hundred, as it is seen and as it stays when it is refreshed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from .many_checks import seed_checks
from .seed import Seeded, seed
from .test_pages import _context

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)


@pytest.fixture
def seeded() -> Seeded:
    return seed(NOW)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_many_checks_are_a_page_that_can_be_read(
    chromium: Any, live_server: Any, seeded: Seeded, size: str, scheme: str
) -> None:
    context = _context(chromium, live_server, seeded.admin, size, scheme)
    page = context.new_page()
    for count, bad in ((1, 0), (200, 4)):
        monitor = seed_checks(seeded.shop, count, bad, NOW)
        page.goto(f"{live_server.url}/monitors/{monitor.pk}/")
        height = page.evaluate("document.documentElement.scrollHeight")
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0
        assert height < 4000, (count, size)
        if folder := os.environ.get("WATCHPOST_SHOTS"):
            page.screenshot(path=f"{folder}/checks-{count}-{size}-{scheme}.png", full_page=True)
    context.close()


def test_a_fold_stays_as_it_is_and_does_not_stop_the_page_from_being_refreshed(
    chromium: Any, live_server: Any, seeded: Seeded
) -> None:
    monitor = seed_checks(seeded.shop, 30, 0, NOW)
    context = _context(chromium, live_server, seeded.admin, "desk", "light")
    page = context.new_page()
    page.goto(f"{live_server.url}/monitors/{monitor.pk}/")
    page.locator("details.well > summary").click()
    monitor.name = "Renamed"
    monitor.save()
    page.evaluate("document.body.dataset.mark = 'older'")
    expect(page.locator("h1")).to_have_text("Renamed", timeout=20_000)
    expect(page.locator("details.well")).to_have_attribute("open", "")
    context.close()
