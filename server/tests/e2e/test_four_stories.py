"""The four stories of a new user, against the real processes, a real site, real mail and Chromium.

One installation is carried through them in order, as a user would.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import Installation, Mailbox, Site, wait_for

CODE = """
version: 1
projects:
  - name: Shop
    slug: shop
    monitors:
      - { name: Front, kind: http, url: "%(url)s", interval: 5s, timeout: 3s, expect: { body_contains: Add to basket } }
channels:
  - { name: hook, kind: webhook, url: "%(url)shook", secret: "a-long-secret-of-ours" }
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    running = Site()
    yield running
    running.close()


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    running = Mailbox()
    yield running
    running.close()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[Installation]:
    running = Installation(tmp_path_factory.mktemp("installation"), mailbox.port)
    yield running
    running.close()


@pytest.fixture(scope="module")
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    yield opened
    context.close()


def test_1_from_the_sign_in_link_to_the_first_result(installed: Installation, site: Site, page: Any) -> None:
    page.goto(installed.sign_in_link())
    page.get_by_label("E-mail address").fill("ana@example.com")
    page.get_by_label("Password").fill("a rather long password")
    page.get_by_role("button", name="Begin").click()
    page.goto(f"{installed.url}/add/")
    page.locator("main #url").fill(site.url)
    page.locator("#contains").fill("Add to basket")
    page.locator("#name").fill("Home page")
    page.get_by_role("button", name="Watch this page alone").click()
    page.get_by_role("heading", name="Home page").wait_for()
    page.get_by_text("Up", exact=False).first.wait_for()
    wait_for(lambda: "The first look was good" in page.content() or "Up " in page.inner_text("main"), 15)


def test_2_the_same_in_a_terminal_and_as_code(installed: Installation, site: Site, tmp_path: Path) -> None:
    added = installed.command(
        "add", site.url, "--project", "Terminal", "--contains", "Add to basket", "--yes"
    )
    assert added.returncode == 0, added.stderr
    file = tmp_path / "shop.yaml"
    file.write_text(CODE % {"url": site.url})
    assert installed.command("apply", str(file)).returncode == 0
    again = installed.command("apply", str(file))
    assert again.returncode == 0
    assert "othing" in again.stdout
    exported = installed.command("export")
    assert "a-long-secret-of-ours" not in exported.stdout
    file.write_text(file.read_text().replace("interval: 5s", "intervall: 5s"))
    refused = installed.command("plan", str(file))
    assert refused.returncode == 2
    assert "shop.yaml:7" in refused.stderr
    assert "interval" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_3_break_it_be_told_take_it_heal_it(
    installed: Installation, site: Site, mailbox: Mailbox, page: Any
) -> None:
    wait_for(lambda: "up" in installed.command("status", "--json").stdout, 20)
    time.sleep(6)  # the monitor of the file has had its first look by its own interval
    broke = time.monotonic()
    site.status, site.body = 502, b"bad gateway"
    # Three monitors of three projects look at this page; this is the story of the one of the file.
    wait_for(lambda: _told(site, "opened"), 5 + 10)
    assert time.monotonic() - broke < 15
    opened = _told(site, "opened")[0]
    assert "502 Bad Gateway" in opened["title"]
    _check_signature(site.hook_headers[0])
    wait_for(lambda: any("502" in mail for mail in mailbox.mails), 10)

    page.goto(f"{installed.url}/incidents/{opened['id']}/")
    page.get_by_role("button", name="Acknowledge").click()
    wait_for(lambda: _told(site, "acknowledged"), 10)
    page.locator("summary", has_text="Note").click()
    page.get_by_label("What you know").fill("Looking at gunicorn")
    page.get_by_role("button", name="Write it down").click()
    page.get_by_text("Looking at gunicorn").first.wait_for()

    site.status, site.body = 200, b"<h1>Add to basket</h1>"
    wait_for(lambda: _told(site, "resolved"), 90)
    explained = installed.command("explain", "shop/front")
    assert explained.returncode == 0, explained.stderr
    assert "502" in explained.stdout
    assert len(_told(site, "opened")) == 1


def _told(site: Site, event: str) -> list[dict[str, Any]]:
    return [hook for hook in site.hooks if (hook["event"], hook["project"]) == (event, "shop")]


def _check_signature(headers: dict[str, str]) -> None:
    parts = dict(part.split("=", 1) for part in headers["X-Watchpost-Signature"].split(","))
    signed = f"{parts['t']}.{headers['raw']}".encode()
    assert parts["v1"] == hmac.new(b"a-long-secret-of-ours", signed, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_4_open_the_monitor(installed: Installation, page: Any, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{installed.url}/monitors/")
    page.get_by_role("link", name="Front").first.click()
    page.get_by_role("heading", name="Front").wait_for()
    text = page.inner_text("main")
    for word in ("p50", "p95", "p99", "DNS", "Wait"):
        assert word in text
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
