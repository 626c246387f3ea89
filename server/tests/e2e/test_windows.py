"""Maintenance that recurs, in a real browser: set without JavaScript, refused at its field, shown in both
zones, and sound to axe at desk and phone, light and dark."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest

from watchpost.monitors import edit
from watchpost.monitors.models import MaintenanceWindow

from .seed import Seeded, seed
from .test_pages import AXE, _context, _faults_of

pytestmark = pytest.mark.django_db(transaction=True)
ALL_HOWS = ("once", "weekly", "cron")
NIGHTLY: dict[str, Any] = {
    "weekly": {"days": ["mon", "thu"], "at": "23:30"},
    "for": "90m",
    "timezone": "Asia/Tokyo",
}


@pytest.fixture
def seeded() -> Seeded:
    return seed(datetime.now(UTC))


def _shot(page: Any, name: str) -> None:
    if folder := os.environ.get("WATCHPOST_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def _unsound(page: Any) -> list[str]:
    page.evaluate(AXE.read_text() + "; undefined")
    found = [violation["id"] for violation in page.evaluate("axe.run()")["violations"]]
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*found, "scrolls sideways"] if wide else found


def _open(page: Any, url: str) -> None:
    page.goto(url)
    page.get_by_text("Maintenance", exact=True).first.click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_the_form_and_the_list_are_sound(
    chromium: Any, live_server: Any, seeded: Seeded, size: str, scheme: str
) -> None:
    now = datetime.now(UTC)
    edit.create_series(
        seeded.shop, NIGHTLY | {"name": "Backup of the database", "monitors": ["home-page"]}, "a", now
    )
    series = edit.create_series(
        seeded.shop,
        {"cron": "0 3 1 * *", "for": "45m", "reason": "Patches; ask Rui", "last_day": "2040-01-01"},
        "a",
        now,
    )
    edit.create_series(
        seeded.shop, {"cron": "* * * * *", "for": "59s"} | {"for": "5h", "cron": "0 */6 * * *"}, "a", now
    )
    edit.create_series(seeded.shop, NIGHTLY | {"name": "At rest", "paused": True}, "a", now)
    context = _context(chromium, live_server, seeded.admin, size, scheme)
    page = context.new_page()
    shot, base = f"{size}-{scheme}", f"{live_server.url}/windows/{series.pk}"
    for name, path in (("monitor", f"/monitors/{seeded.home.pk}/"), ("project", "/projects/shop/")):
        _open(page, live_server.url + path)
        for how in ALL_HOWS:
            page.check(f"input[value={how}]")
            shown = {one for one in ALL_HOWS if page.locator(f".w-{one}:visible").count()}
            assert how in shown
            assert page.locator("#starts").is_visible() == (how == "once")
            assert page.locator("#at").is_visible() == (how == "weekly")
            assert page.locator("#cron").is_visible() == (how == "cron")
            assert _unsound(page) == [], (name, how)
            _shot(page, f"window-{name}-{how}-{shot}")
        page.get_by_text("Maintenance", exact=True).first.click()
        _shot(page, f"windows-{name}-{shot}")
    faults = _faults_of(page, f"{base}/edit/", "window-edit", shot)
    faults += _faults_of(page, f"{base}/delete/", "window-delete", shot)
    context.close()
    assert faults == []


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_series_is_tried_and_set_without_javascript(
    chromium: Any, live_server: Any, seeded: Seeded, size: str
) -> None:
    context = _context(chromium, live_server, seeded.admin, size, "light", java_script_enabled=False)
    page = context.new_page()
    _open(page, f"{live_server.url}/monitors/{seeded.home.pk}/")
    page.check("input[value=weekly]")
    page.check("input[name=days][value=wed]", force=True)
    page.uncheck("input[name=days][value=sun]", force=True)
    page.fill("#at", "01:15")
    page.fill("#for", "0")
    page.fill("#zone", "New York")
    page.fill("#reason", "Moving the disks")
    page.click("text=Set the window")
    assert page.inner_text("#e-for") == "0s is not possible; write 60s to 30d."
    assert page.inner_text("#e-zone") == "There is no zone New York; did you mean America/New_York?"
    _shot(page, f"window-refused-{size}")
    page.fill("#for", "2h")
    page.fill("#zone", "America/New_York")
    page.click("text=Show the next three")
    page.wait_for_selector(".window-form .nexts li")
    listed = page.locator(".window-form .nexts li").all_inner_texts()
    assert len(listed) == 3
    assert all(
        line.startswith("Wed ") and " 01:15 to 03:15 (" in line and "in Lisbon" in line for line in listed
    )
    assert not MaintenanceWindow.objects.filter(starts_at=None).exists()
    _shot(page, f"window-tried-{size}")
    page.click("text=Set the window")
    row = MaintenanceWindow.objects.get(starts_at=None)
    assert (row.name, row.days, row.at, row.zone) == (
        "Moving the disks",
        ["wed"],
        "01:15",
        "America/New_York",
    )
    assert "Every Wednesday 01:15 to 03:15 America/New_York: Moving the disks" in page.inner_text("main")
    assert [one.slug for one in row.monitors.all()] == ["home-page"]
    context.close()


def test_a_refused_form_leads_to_its_first_error(chromium: Any, live_server: Any, seeded: Seeded) -> None:
    context = _context(chromium, live_server, seeded.admin, "desk", "light")
    page = context.new_page()
    _open(page, f"{live_server.url}/projects/shop/")
    page.check("input[value=cron]")
    page.fill("#cron", "0 2 30 2 *")
    page.fill("#last_day", "2020-01-01")
    page.click("text=Set the window")
    assert page.evaluate("document.activeElement.id") == "cron"
    assert "never comes" in page.inner_text("#e-cron")
    assert _unsound(page) == []
    page.fill("#cron", "0 2 * * *")
    page.click("text=Set the window")
    assert page.evaluate("document.activeElement.id") == "last_day"
    page.fill("#last_day", "")
    page.click("text=Set the window")
    assert page.url.endswith("/projects/shop/")
    page.get_by_label("Pause At 02:00").click()
    assert "paused" in page.inner_text(".line.wide")
    page.get_by_label("Delete At 02:00").click()
    page.click("text=Delete >> nth=-1")
    assert not MaintenanceWindow.objects.filter(starts_at=None).exists()
    context.close()
