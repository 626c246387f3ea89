"""Every page, both colour schemes, desk and phone: no console error, no CSP report, no sideways scroll,
no axe finding.

Set WATCHPOST_SHOTS to a folder to keep screenshots.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import signing
from django.test import Client

from tests.serving import Serving
from watchpost.accounts.links import make_link
from watchpost.monitors.models import Monitor
from watchpost.reports.letter import stop_token
from watchpost.web.tests.test_around import Shop

from .seed import Seeded, seed
from .storm import seed_storm

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
SIZES = {"desk": {"width": 1440, "height": 1000}, "phone": {"width": 390, "height": 844}}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seeded() -> Seeded:
    return seed(datetime.now(UTC))


def _paths(seeded: Seeded) -> dict[str, str]:
    pk, incident, channel = seeded.home.pk, seeded.incident.pk, seeded.channel.pk
    return {
        "overview": "/",
        "add": "/add/",
        "monitor-kinds": "/monitors/new/",
        "monitor-new": "/monitors/new/tls/",
        "composite-new": "/monitors/new/composite/?project=shop",
        "monitors": "/monitors/",
        "monitor": f"/monitors/{pk}/",
        "monitor-edit": f"/monitors/{pk}/edit/",
        "monitor-delete": f"/monitors/{pk}/delete/",
        "incidents": "/incidents/",
        "incidents-over": "/incidents/?state=resolved",
        "incident": f"/incidents/{incident}/",
        "calendar": "/calendar/",
        "weekly": "/reports/weekly/",
        "channels": "/channels/",
        "channel": f"/channels/{channel}/",
        "channel-broken": f"/channels/{seeded.broken.pk}/",
        "channel-new": "/channels/new/webhook/",
        "channel-edit": f"/channels/{channel}/edit/",
        "project": "/projects/shop/",
        "project-empty": "/projects/intranet/",
        "settings": "/settings/",
        "password": "/accounts/password/change/",
        "missing": "/nothing/",
    }


def _open_paths(seeded: Seeded) -> dict[str, str]:
    token = signing.dumps({"incident": seeded.incident.pk, "do": "acknowledge"}, salt="incident-action")
    link = make_link(seeded.viewer, datetime.now(UTC))
    return {
        "login": "/accounts/login/",
        "reset": "/accounts/password/reset/",
        "signed": f"/i/{token}/",
        "signed-old": "/i/nonsense/",
        "weekly-stop": f"/reports/stop/{stop_token(seeded.viewer.pk)}/",
        "signin": f"/signin/{link}/",
        "signin-used": "/signin/nonsense/",
    }


def _context(chromium: Any, live_server: Any, user: Any, size: str, scheme: str, **more: Any) -> Any:
    context = chromium.new_context(viewport=SIZES[size], color_scheme=scheme, bypass_csp=False, **more)
    if user is not None:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        context.add_cookies(
            [
                {
                    "name": django_settings.SESSION_COOKIE_NAME,
                    "value": client.cookies[django_settings.SESSION_COOKIE_NAME].value,
                    "url": live_server.url,
                }
            ]
        )
    return context


def _faults_of(page: Any, url: str, name: str, shot: str) -> list[str]:
    """Whatever is wrong with one page, as sentences."""
    said: list[str] = []

    def listen(message: Any) -> None:
        if message.type in ("error", "warning"):
            said.append(f"{name}: console: {message.text}")

    page.on("console", listen)
    answer = page.goto(url)
    expected = {"missing": 404, "signed-old": 410, "signin-used": 410}.get(name, 200)
    faults = [] if answer.status == expected else [f"{name}: answered {answer.status}"]
    faults += _faults_here(page, name, shot)
    page.remove_listener("console", listen)
    return faults + [line for line in said if expected == 200 or "status of 4" not in line]


def _faults_here(page: Any, name: str, shot: str) -> list[str]:
    """Whatever is wrong with the page as it stands."""
    faults = []
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        faults.append(f"{name}: scrolls sideways")
    if folder := os.environ.get("WATCHPOST_SHOTS"):
        page.screenshot(path=f"{folder}/{name}-{shot}.png", full_page=True)
    page.evaluate(AXE.read_text() + "; undefined")
    for violation in page.evaluate("axe.run()")["violations"]:
        nodes = "; ".join(
            f"{node['html'][:90]} ({node['failureSummary'][:160]})" for node in violation["nodes"][:3]
        )
        faults.append(f"{name}: axe {violation['id']}: {nodes}")
    return faults


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_page_is_sound(chromium: Any, live_server: Any, seeded: Seeded, size: str, scheme: str) -> None:
    faults: list[str] = []
    for user, paths in ((seeded.admin, _paths(seeded)), (None, _open_paths(seeded))):
        context = _context(chromium, live_server, user, size, scheme)
        page = context.new_page()
        for name, path in paths.items():
            faults += _faults_of(page, live_server.url + path, name, f"{size}-{scheme}")
        context.close()
    assert faults == []


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_refused_form_leads_to_its_first_error(
    chromium: Any, live_server: Any, seeded: Seeded, size: str
) -> None:
    context = _context(chromium, live_server, seeded.admin, size, "light")
    page = context.new_page()
    page.goto(live_server.url + "/add/")
    page.fill("#url", "http://shop.example:alert(1)/")
    page.click("main button.first")
    assert page.evaluate("document.activeElement.id") == "url"
    page.goto(f"{live_server.url}/monitors/{seeded.home.pk}/edit/")
    page.fill("#f-interval", "8d")
    page.fill("#f-rest", "a: {b: c")
    page.click("main button.first")
    assert page.evaluate("document.activeElement.id") == "f-rest"  # what cannot be read at all comes first
    page.fill("#f-rest", "")
    page.click("main button.first")
    assert page.evaluate("document.activeElement.id") == "f-interval"
    page.evaluate(AXE.read_text() + "; undefined")
    assert page.evaluate("axe.run()")["violations"] == []
    if folder := os.environ.get("WATCHPOST_SHOTS"):
        page.screenshot(path=f"{folder}/refused-{size}.png", full_page=True)
    context.close()


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_what_is_found_around_an_address_is_unticked_and_watched(
    chromium: Any, live_server: Any, seeded: Seeded, size: str, scheme: str
) -> None:
    site = Serving(Shop)
    context = _context(chromium, live_server, seeded.admin, size, scheme)
    page = context.new_page()
    page.goto(live_server.url + "/add/?project=intranet")
    page.fill("#url", site.url)
    page.click("main button.first")
    page.wait_for_selector("table.around")
    assert _faults_here(page, "around", f"{size}-{scheme}") == []
    page.uncheck("input[name=take][value='2']")
    page.click("main button.first")
    page.wait_for_url("**/projects/intranet/")
    assert _faults_here(page, "around-taken", f"{size}-{scheme}") == []
    kinds = Monitor.objects.filter(project__slug="intranet").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["http", "assets"]
    context.close()
    site.close()


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_an_evil_day_is_sound_and_not_endless(
    chromium: Any, live_server: Any, seeded: Seeded, size: str
) -> None:
    storm = seed_storm(seeded.shop, seeded.channel, datetime.now(UTC))
    paths = {
        "storm-overview": "/",
        "storm-incidents": "/incidents/",
        "storm-incident": f"/incidents/{storm.pk}/",
        "storm-monitors": "/monitors/",
        "storm-project": "/projects/shop/",
        "storm-channel": f"/channels/{seeded.channel.pk}/",
    }
    context = _context(chromium, live_server, seeded.admin, size, "dark" if size == "phone" else "light")
    page = context.new_page()
    faults: list[str] = []
    heights: dict[str, int] = {}
    for name, path in paths.items():
        faults += _faults_of(page, live_server.url + path, name, size)
        heights[name] = page.evaluate("document.documentElement.scrollHeight")
        if name == "storm-monitors" and size == "desk":
            assert page.evaluate("document.querySelector('td.why').clientWidth") > 250
    context.close()
    assert faults == []
    assert heights["storm-incident"] < (3500 if size == "desk" else 6000)
