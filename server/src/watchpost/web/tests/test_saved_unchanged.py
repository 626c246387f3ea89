"""A form that is opened and saved again changes nothing, whatever the monitor asks."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.utils.datastructures import MultiValueDict

from watchpost import clock
from watchpost.accounts.models import User
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor
from watchpost.web.tests.test_access import enter

pytestmark = pytest.mark.django_db

SPECS: list[dict[str, Any]] = [
    {},
    {"expect": {"body_contains": ["Hello, world", "two"], "status": [200, "3xx"], "p95_window": "6h", "https": True}},
    {"expect": {"json": [{"path": "a[0]", "op": ">", "value": 3}], "headers": {"x": "~^y"}, "phase_ms": {"dns": 5}}},
    {"basic_auth": {"username": "probe", "password": "p@ss, word"}, "headers": {"X-Key": "secret"}, "method": "POST",
     "body": "line one\nline two", "cookies": {"a": "b"}},
    {"follow_redirects": False, "verify_tls": False, "max_body": 5000, "connect_timeout": "1500ms", "ip": "both",
     "interval": "90s", "timeout": "2500ms", "confirm": 1, "recover": 5, "resend": "1d", "tags": ["a b", "c"]},
]  # fmt: skip


class Form(HTMLParser):
    """What a browser would send of the page's main form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: MultiValueDict[str, str] = MultiValueDict()
        self.area = self.choice = ""
        self.options: list[tuple[str, bool]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            self.sent.appendlist(name, given.get("value") or "")
        elif tag == "textarea":
            self.area, self.text = name, ""
        elif tag == "select":
            self.choice, self.options = name, []
        elif tag == "option":
            self.options.append(("", "selected" in given))
            self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.sent.appendlist(self.area, self.text.removeprefix("\n"))
        elif tag == "option":
            self.options[-1] = (self.text, self.options[-1][1])
        elif tag == "select":
            chosen = [text for text, selected in self.options if selected] or [self.options[0][0]]
            self.sent.appendlist(self.choice, chosen[0])


@pytest.mark.parametrize("more", SPECS)
def test_what_is_saved_unchanged_stays_as_it_was(more: dict[str, Any]) -> None:
    now = clock.now()
    project = edit.create_project("shop", now)
    spec = {"name": "Home", "kind": "http", "url": "https://shop.example/", **more}
    monitor = edit.create_monitor(project, spec, now)
    before = (edit.config_of(monitor), edit.spec_of(monitor), monitor.revision)
    client = enter(User.objects.create_user("ada@example.com", "x" * 12, is_superuser=True))
    page = f"/monitors/{monitor.pk}/edit/"
    answer = client.post(page, dict(Form(client.get(page).content.decode()).sent.lists()))
    assert answer.status_code == 302, answer.content.decode()
    after = Monitor.objects.get(pk=monitor.pk)
    assert (edit.config_of(after), edit.spec_of(after), after.revision) == before


COUNTED: list[list[Any]] = [
    ["b", "a"],
    [{"monitor": "b", "weight": 1}, {"monitor": "a", "weight": 2.5}],
    ["a", {"monitor": "b", "weight": 0.5}],
]


@pytest.mark.parametrize("of", COUNTED)
@pytest.mark.parametrize("interval", [{}, {"interval": "5m", "confirm": 3}])
def test_a_composite_saved_unchanged_stays_as_it_was(of: list[Any], interval: dict[str, Any]) -> None:
    now = clock.now()
    project = edit.create_project("shop", now)
    for name in ("a", "b", "c"):
        edit.create_monitor(project, {"name": name, "kind": "http", "url": "https://shop.example/"}, now)
    monitor = edit.create_monitor(project, {"name": "All", "kind": "composite", "of": of, **interval}, now)
    before = (edit.config_of(monitor), edit.spec_of(monitor), monitor.revision)
    client = enter(User.objects.create_user("ada@example.com", "x" * 12, is_superuser=True))
    page = f"/monitors/{monitor.pk}/edit/"
    answer = client.post(page, dict(Form(client.get(page).content.decode()).sent.lists()))
    assert answer.status_code == 302, answer.content.decode()
    after = Monitor.objects.get(pk=monitor.pk)
    assert (edit.config_of(after), edit.spec_of(after), after.revision) == before
