"""A page that is not up to date says so, and catches up by itself."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from watchpost.incidents import act
from watchpost.monitors.models import MonitorLast

from .seed import Seeded, seed
from .test_pages import _context

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seeded() -> Seeded:
    return seed(datetime.now(UTC))


@pytest.fixture
def page(chromium: Any, live_server: Any, seeded: Seeded) -> Any:
    context = _context(chromium, live_server, seeded.admin, "phone", "dark")
    yield context.new_page()
    context.close()


def test_a_page_without_its_server_says_since_when_and_catches_up(
    page: Any, live_server: Any, seeded: Seeded
) -> None:
    page.goto(live_server.url + "/incidents/")
    expect(page.locator("#stale")).to_be_empty()
    page.context.set_offline(True)
    words = re.compile(r"Not up to date since \d\d:\d\d:\d\d: the server does not answer. Trying again.")
    expect(page.locator("#stale")).to_have_text(words, timeout=15_000)
    expect(page).to_have_title("Not up to date · (2) Incidents · Watchpost")
    if folder := os.environ.get("WATCHPOST_SHOTS"):
        page.screenshot(path=f"{folder}/stale-phone-dark.png")
    act.resolve(seeded.incident.pk, "Rui", datetime.now(UTC))
    page.context.set_offline(False)
    expect(page.locator("h1")).to_have_text("One thing is wrong.", timeout=5_000)
    expect(page.locator("#stale")).to_be_empty()
    expect(page).to_have_title("(1) Incidents · Watchpost")


def test_a_change_before_the_first_question_is_not_lost(page: Any, live_server: Any, seeded: Seeded) -> None:
    page.goto(live_server.url + "/incidents/", wait_until="commit")
    act.resolve(seeded.incident.pk, "Rui", datetime.now(UTC))
    expect(page.locator("h1")).to_have_text("One thing is wrong.", timeout=7_000)


def test_who_was_signed_out_is_told_so(page: Any, live_server: Any, seeded: Seeded) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(live_server.url + "/incidents/?state=resolved")
    Session.objects.all().delete()
    expect(page.locator("#stale")).to_contain_text("You are signed out.", timeout=8_000)
    link = page.locator("#stale a")
    assert link.get_attribute("href") == "/accounts/login/?next=%2Fincidents%2F%3Fstate%3Dresolved"
    assert said == []


def test_looks_alone_keep_the_overview_true(page: Any, live_server: Any, seeded: Seeded) -> None:
    MonitorLast.objects.update(at=int((datetime.now(UTC).timestamp() - 600) * 1000))
    page.goto(live_server.url + "/")
    expect(page.locator("main")).to_contain_text("Last look 10 min ago")
    MonitorLast.objects.update(at=int(datetime.now(UTC).timestamp() * 1000))
    expect(page.locator("main")).not_to_contain_text("Last look 10 min ago", timeout=17_000)


def test_times_are_in_the_persons_zone_and_a_zone_is_offered(
    chromium: Any, live_server: Any, seeded: Seeded
) -> None:
    context = _context(chromium, live_server, seeded.admin, "desk", "dark", timezone_id="Asia/Tokyo")
    page = context.new_page()
    page.goto(f"{live_server.url}/monitors/{seeded.home.pk}/")
    page.get_by_text("Zoom into percentiles").click()
    expect(page.locator("#zoom canvas")).to_be_visible()
    page.locator("#zoom .u-over").hover()
    zone = ZoneInfo(seeded.admin.zone)
    said = page.locator("#zoom .u-legend .u-value").first
    expect(said).to_have_text(re.compile(r"\d+ \w{3}, \d\d:\d\d$"))
    hour = int(said.inner_text()[-5:-3])
    near = (datetime.now(zone) - timedelta(hours=12)).hour
    assert min((hour - near) % 24, (near - hour) % 24) <= 3
    if folder := os.environ.get("WATCHPOST_SHOTS"):
        page.screenshot(path=f"{folder}/zoom-desk-dark.png")
    type(seeded.admin).objects.update(zone="")
    page.goto(f"{live_server.url}/settings/")
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#zone")).to_have_value("Asia/Tokyo")
    context.close()
