"""The pages of heartbeats in a browser: both schemes, desk and phone, and a first ping that turns its page."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from watchpost.heartbeats.recipes import RECIPES
from watchpost.monitors.models import Monitor

from .beats import make, ping, seed_beats
from .seed import Seeded, seed
from .test_pages import _context, _faults_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seeded() -> Seeded:
    return seed(datetime.now(UTC))


def _paths(beats: dict[str, Monitor]) -> dict[str, str]:
    hostile = beats["hostile"].pk
    return {
        "beats": "/heartbeats/",
        "beats-none": "/heartbeats/?q=nothing",
        "beat-new-form": "/monitors/new/heartbeat/?project=shop",
        "beat-edit": f"/monitors/{beats['up'].pk}/edit/",
        **{f"beat-{name}": f"/monitors/{one.pk}/" for name, one in beats.items()},
        "beat-how": f"/monitors/{beats['up'].pk}/?how=kubernetes",
        "ping-text": f"/monitors/{hostile}/pings/1/",
        "ping-bytes": f"/monitors/{hostile}/pings/2/",
        "beat-monitors": "/monitors/",
        "beat-project": "/projects/shop/",
        "beat-overview": "/",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_page_of_heartbeats(
    chromium: Any, live_server: Any, seeded: Seeded, settings: Any, size: str, scheme: str
) -> None:
    settings.PING_MAIL_DOMAIN = "ping.example.com"  # with all addresses there can be
    beats = seed_beats(seeded.shop, datetime.now(UTC))
    context = _context(chromium, live_server, seeded.admin, size, scheme)
    page, faults = context.new_page(), list[str]()
    for name, path in _paths(beats).items():
        faults += _faults_of(page, live_server.url + path, name, f"{name}-{size}-{scheme}")
        assert page.title() != "hit", name
    context.close()
    assert faults == []


def test_the_list_without_heartbeats(chromium: Any, live_server: Any, seeded: Seeded) -> None:
    context = _context(chromium, live_server, seeded.admin, "phone", "light")
    assert (
        _faults_of(context.new_page(), live_server.url + "/heartbeats/", "none", "beats-empty-phone-light")
        == []
    )
    context.close()


def test_the_first_ping_turns_its_page(chromium: Any, live_server: Any, seeded: Seeded) -> None:
    now = datetime.now(UTC)
    monitor = make(seeded.shop, "Backup", now)
    context = _context(chromium, live_server, seeded.admin, "desk", "light")
    page = context.new_page()
    page.goto(f"{live_server.url}/monitors/{monitor.pk}/")
    expect(page.locator(".waiting")).to_contain_text("Waiting for the first ping")
    page.get_by_role(
        "link", name="Celery", exact=True
    ).click()  # whoever looks for a snippet must see it, too
    expect(page.locator(".snippet")).to_contain_text("shared_task")
    ping(monitor, datetime.now(UTC))
    expect(page.locator(".waiting")).to_have_count(0, timeout=5_000)
    expect(page.locator(".lead b").first).to_have_text("Up")
    context.close()


def test_a_schedule_shows_its_next_times_as_it_is_typed(
    chromium: Any, live_server: Any, seeded: Seeded
) -> None:
    context = _context(chromium, live_server, seeded.admin, "desk", "light")
    page = context.new_page()
    page.goto(f"{live_server.url}/monitors/new/heartbeat/?project=shop")
    box = page.locator(".preview")
    expect(box).to_have_text("Without a schedule: 1 d after each success.")
    page.locator("#f-schedule").press_sequentially("0 3 * * *")
    expect(box.locator("li")).to_have_count(5)
    expect(box.locator("li").first).to_contain_text("03:00 UTC")
    page.locator("#f-timezone").fill("Asia/Tokyo")
    expect(box.locator("li").first).to_contain_text("03:00 Tokyo")
    expect(box.locator("li").first).to_contain_text("18:00 in Lisbon")
    if folder := os.environ.get("WATCHPOST_SHOTS"):
        page.screenshot(path=f"{folder}/beat-form-typed.png", full_page=True)
    page.locator("#f-schedule").fill("0 25 * * *")
    expect(box).to_contain_text("is no schedule")
    page.locator("#f-schedule").fill("Mon..Fri 08:00")
    expect(box.locator("li").first).to_contain_text("08:00 Tokyo")
    page.locator("#f-name").fill("Backup")
    page.get_by_role("button", name="Make its address").click()
    expect(page.locator(".waiting")).to_be_visible()
    context.close()


def test_an_address_is_copied(chromium: Any, live_server: Any, seeded: Seeded) -> None:
    monitor = make(seeded.shop, "Backup", datetime.now(UTC) - timedelta(hours=1))
    context = _context(chromium, live_server, seeded.admin, "desk", "light")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{live_server.url}/monitors/{monitor.pk}/?how={RECIPES[-1].key}")
    page.locator(".copied button").first.click()
    expect(page.locator(".copied button").first).to_have_text("copied")
    said = page.evaluate("navigator.clipboard.readText()")
    assert said.endswith(f"/ping/{monitor.heartbeat.code}")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.locator(".snippet button").click()
    expect(page.locator(".snippet button")).to_have_text("copied")
    context.close()
