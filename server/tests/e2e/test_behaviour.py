"""What the script does: keys, live pages, zoom; and what the pages do without it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import expect

from watchpost.accounts.models import User
from watchpost.incidents import act
from watchpost.monitors.models import Look, MonitorLast, MonitorState

from .seed import Seeded, seed
from .test_pages import _context

pytestmark = pytest.mark.django_db(transaction=True)
FIRST_LOAD_BYTES = 150_000


@pytest.fixture
def seeded() -> Seeded:
    return seed(datetime.now(UTC))


@pytest.fixture
def page(chromium: Any, live_server: Any, seeded: Seeded) -> Any:
    context = _context(chromium, live_server, seeded.admin, "desk", "light")
    yield context.new_page()
    context.close()


def test_keys_go_and_help(page: Any, live_server: Any, seeded: Seeded) -> None:
    page.goto(live_server.url + "/")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/monitors/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tr.here a.name")).to_have_text("Home page")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/monitors/{seeded.home.pk}/")
    page.keyboard.press("/")
    page.keyboard.type("basket")
    page.keyboard.press("Enter")
    page.wait_for_url("**/monitors/?q=basket")


def test_a_acknowledges(page: Any, live_server: Any, seeded: Seeded) -> None:
    page.goto(f"{live_server.url}/incidents/{seeded.incident.pk}/")
    page.keyboard.press("a")
    expect(page.locator("main")).to_contain_text("Ana M. has it")


def test_a_change_shows_without_a_reload(page: Any, live_server: Any, seeded: Seeded) -> None:
    page.goto(live_server.url + "/incidents/")
    expect(page).to_have_title("(2) Incidents · Watchpost")
    page.wait_for_timeout(1500)  # the first poll has remembered where changes stood
    act.resolve(seeded.incident.pk, "Rui", datetime.now(UTC))
    expect(page.locator("h1")).to_have_text("One thing is wrong.", timeout=15_000)
    expect(page).to_have_title("(1) Incidents · Watchpost")


def test_a_waiting_page_turns_live_by_itself(page: Any, live_server: Any, seeded: Seeded) -> None:
    pk = seeded.home.pk
    MonitorLast.objects.filter(monitor=pk).delete()
    MonitorState.objects.filter(monitor=pk).update(shown="new", findings=[])
    Look.objects.filter(monitor_id=pk).delete()
    page.goto(f"{live_server.url}/monitors/{pk}/")
    expect(page.locator("[data-wait]")).to_be_visible()
    MonitorState.objects.filter(monitor=pk).update(shown="up")
    at = int(datetime.now(UTC).timestamp() * 1000)
    MonitorLast.objects.create(monitor_id=pk, at=at, outcome="ok", total_ms=80, phases={}, address="")
    expect(page.locator("[data-wait]")).to_have_count(0, timeout=8_000)


def test_the_chart_zooms_under_the_policy(page: Any, live_server: Any, seeded: Seeded) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{live_server.url}/monitors/{seeded.home.pk}/")
    page.get_by_text("Zoom into percentiles").click()
    expect(page.locator("#zoom canvas")).to_be_visible()
    assert said == []


def test_pages_read_without_javascript(chromium: Any, live_server: Any, seeded: Seeded) -> None:
    context = chromium.new_context(java_script_enabled=False)
    client = Client()
    client.force_login(seeded.admin, backend="allauth.account.auth_backends.AuthenticationBackend")
    context.add_cookies(
        [
            {
                "name": django_settings.SESSION_COOKIE_NAME,
                "value": client.cookies[django_settings.SESSION_COOKIE_NAME].value,
                "url": live_server.url,
            }
        ]
    )
    page = context.new_page()
    for path in ("/", f"/monitors/{seeded.home.pk}/", f"/incidents/{seeded.incident.pk}/"):
        page.goto(live_server.url + path)
        assert "refuses connections" in page.locator("main").inner_text().lower()
    context.close()


def test_the_first_load_is_small(page: Any, live_server: Any, seeded: Seeded) -> None:
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(answer.body())) if answer.status == 200 else None)
    for path in ("/", f"/monitors/{seeded.home.pk}/"):
        sizes.clear()
        page.goto(live_server.url + path)
        page.wait_for_timeout(300)
        assert 0 < sum(sizes) < FIRST_LOAD_BYTES, path


def test_the_empty_installation_teaches(chromium: Any, live_server: Any, tmp_path: Any) -> None:
    admin = User.objects.create_user("ana@example.com", "x" * 12, is_superuser=True)
    context = _context(chromium, live_server, admin, "phone", "dark")
    page = context.new_page()
    page.goto(live_server.url + "/")
    page.get_by_label("Address").fill("shop.example.com")
    page.get_by_role("button", name="Look around").click()
    page.get_by_role("button", name="Watch what is ticked").click()
    expect(page.locator("body")).to_contain_text("first result")
    page.locator("table.list a.name").first.click()
    expect(page.locator("[data-wait]")).to_contain_text("Waiting for the first look")
    context.close()
