"""Two people, or two tabs, with one form; and a form that outlived its session."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from tests.e2e.seed import Seeded, seed

from watchpost.incidents.models import Channel
from watchpost.monitors.models import Monitor
from watchpost.web.tests.test_access import enter
from watchpost.web.tests.test_project import words

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough one"


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(datetime.now(UTC))


def _opened(client: Client, path: str) -> dict[str, str]:
    return _fields(client.get(path).content.decode())


def _fields(text: str) -> dict[str, str]:
    """What a browser would send of the form unchanged."""
    form = text[text.index('name="made_from"') - 40 :]
    given = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            given[name[1]] = html.unescape(value[1]) if value else ""
    for name, inner in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>([^<]*)<', form):
        given[name] = html.unescape(inner)
    for name, inner in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', form):
        chosen = re.search(r"<option[^>]* selected[^>]*>([^<]*)<", inner)
        given[name] = html.unescape(chosen[1]) if chosen else ""
    return given


def test_the_later_save_does_not_take_back_the_earlier_one(seeded: Seeded) -> None:
    admin, path = enter(seeded.admin), f"/monitors/{seeded.home.pk}/edit/"
    first, second = _opened(admin, path), _opened(admin, path)
    assert admin.post(path, first | {"timeout": "7s"}).status_code == 302
    answer = admin.post(path, second | {"name": "Front page"})
    assert answer.status_code == 409
    assert "Somebody else saved this while you had it open" in words(answer)
    assert "Gives up after is “7s” now." in words(answer)
    again = _fields(answer.content.decode())
    assert (again["name"], again["timeout"]) == ("Front page", "7s")
    assert admin.post(path, again).status_code == 302
    home = Monitor.objects.get(pk=seeded.home.pk)
    assert (home.name, home.timeout_s) == ("Front page", 7)


def test_what_both_typed_is_shown_and_can_be_saved_all_the_same(seeded: Seeded) -> None:
    admin, path = enter(seeded.admin), f"/monitors/{seeded.home.pk}/edit/"
    first, second = _opened(admin, path), _opened(admin, path)
    assert admin.post(path, first | {"name": "Front page"}).status_code == 302
    answer = admin.post(path, second | {"name": "Entrance"})
    assert answer.status_code == 409
    assert "Name is “Front page” now; you typed “Entrance”." in words(answer)
    assert admin.post(path, _fields(answer.content.decode())).status_code == 302
    assert Monitor.objects.get(pk=seeded.home.pk).name == "Entrance"


def test_a_refusal_does_not_forget_what_the_form_was_made_from(seeded: Seeded) -> None:
    admin, path = enter(seeded.admin), f"/monitors/{seeded.home.pk}/edit/"
    first, second = _opened(admin, path), _opened(admin, path)
    refused = admin.post(path, second | {"interval": "abc"})
    assert refused.status_code == 422
    assert admin.post(path, first | {"name": "Front page"}).status_code == 302
    later = _fields(refused.content.decode()) | {"interval": "2m"}
    assert admin.post(path, later).status_code == 409
    assert Monitor.objects.get(pk=seeded.home.pk).name == "Front page"


def test_channels_alike(seeded: Seeded) -> None:
    admin, path = enter(seeded.admin), f"/channels/{seeded.channel.pk}/edit/"
    first, second = _opened(admin, path), _opened(admin, path)
    assert admin.post(path, first | {"min_severity": "critical"}).status_code == 302
    assert admin.post(path, second | {"name": "other-name"}).status_code == 409
    assert Channel.objects.get(pk=seeded.channel.pk).name == seeded.channel.name


def test_a_form_that_outlived_its_session_says_that_nothing_was_saved(seeded: Seeded) -> None:
    seeded.admin.set_password(PASSWORD)
    seeded.admin.save()
    client, path = Client(), f"/monitors/{seeded.home.pk}/edit/"
    door = client.post(path, {"name": "Front page"}, follow=True)
    assert "Your session had ended, so nothing was done or saved" in words(door)
    there = door.redirect_chain[-1][0]
    given = {"login": seeded.admin.email, "password": PASSWORD, "next": f"{path}?unsaved=1"}
    back = client.post(there, given, follow=True)
    assert back.redirect_chain[-1][0] == f"{path}?unsaved=1"
    assert "Your session had ended, so nothing was saved. Do it once more." in words(back)


def test_acknowledging_after_the_session_ended_leads_to_the_incident(seeded: Seeded) -> None:
    seeded.admin.set_password(PASSWORD)
    seeded.admin.save()
    client, page = Client(), f"/incidents/{seeded.incident.pk}/"
    client.post(page + "acknowledge/", follow=True)
    given = {"login": seeded.admin.email, "password": PASSWORD, "next": f"{page}acknowledge/?unsaved=1"}
    back = client.post("/accounts/login/", given, follow=True)
    assert back.redirect_chain[-1][0] == page
    assert "Press the button again" in words(back)
