"""Pages and API when SECRET_KEY was replaced: the field says so, and takes the secret anew."""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client, override_settings

from watchpost.accounts.links import make_token
from watchpost.accounts.models import User
from watchpost.incidents.models import Channel
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor

NOW = datetime.now(UTC)
SENTENCE = "was encrypted with another SECRET_KEY; put the old key into SECRET_KEY_FALLBACKS"
HOOK: dict[str, Any] = {
    "name": "ops", "kind": "webhook", "url": "https://hooks.example.com/x", "secret": "a-long-secret-of-ours",
}  # fmt: skip
HOME: dict[str, Any] = {
    "name": "Home", "kind": "http", "url": "https://a.example.com/", "headers": {"Authorization": "Bearer x"},
}  # fmt: skip
pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    return edit.create_channel(HOOK, NOW)


@pytest.fixture
def monitor() -> Monitor:
    return edit.create_monitor(edit.create_project("Shop", NOW), HOME, NOW)


def enter() -> Client:
    """Somebody who signed in after the key was replaced."""
    admin = User.objects.create_user("ana@example.com", "x" * 12, is_superuser=True)
    client = Client()
    client.force_login(admin, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def words(answer: Any) -> str:
    return html.unescape(answer.content.decode())


@override_settings(SECRET_KEY="another")
def replace_key_and_post(path: str, given: dict[str, str]) -> tuple[Any, Any, Any]:
    client = enter()
    shown = client.get(path)
    return client, shown, client.post(path, given)


def test_the_channel_page_takes_the_secret_anew(channel: Channel) -> None:
    path, given = (
        f"/channels/{channel.pk}/edit/",
        {"name": "ops", "url": HOOK["url"], "min_severity": "warning"},
    )
    client, shown, kept = replace_key_and_post(path, given | {"secret": "${OPS_SECRET}"})
    assert (shown.status_code, kept.status_code) == (200, 422)
    assert SENTENCE in words(shown)
    assert SENTENCE in words(kept)
    with override_settings(SECRET_KEY="another"):
        assert SENTENCE in words(client.get(f"/channels/{channel.pk}/"))
        assert client.post(path, given | {"secret": "another-long-secret-of-ours"}).status_code == 302
        config: Any = edit.channel_config_of(Channel.objects.get())
        assert "another-long-secret" in str(config.secret)


def test_a_channel_that_cannot_be_read_is_switched_off_tested_and_deleted(channel: Channel) -> None:
    with override_settings(SECRET_KEY="another"):
        client = enter()
        assert client.post(f"/channels/{channel.pk}/switch/", {"enabled": "0"}).status_code == 302
        assert SENTENCE in words(client.post(f"/channels/{channel.pk}/test/", follow=True))
        assert client.post(f"/channels/{channel.pk}/delete/").status_code == 302


def test_the_monitor_page_takes_the_secret_anew(monitor: Monitor) -> None:
    path = f"/monitors/{monitor.pk}/edit/"
    given = {"name": "Home", "url": HOME["url"], "interval": "60s", "timeout": "10s"}
    client, shown, kept = replace_key_and_post(
        path, given | {"rest": "headers: {Authorization: '${SHOP_HOME_HEADERS_AUTHORIZATION}'}"}
    )
    assert (shown.status_code, kept.status_code) == (200, 422)
    assert SENTENCE in words(shown)
    assert SENTENCE in words(kept)
    with override_settings(SECRET_KEY="another"):
        assert client.get(f"/monitors/{monitor.pk}/").status_code == 200
        anew = client.post(path, given | {"rest": "headers: {Authorization: Bearer y}"})
        assert anew.status_code == 302


def test_the_api_names_the_field(monitor: Monitor, channel: Channel) -> None:
    bearer = {"Authorization": f"Bearer {make_token('t', None, False, NOW)}"}
    with override_settings(SECRET_KEY="another"):
        for path, field in (
            (f"/v1/monitors/{monitor.pk}", "headers.Authorization"),
            (f"/v1/channels/{channel.pk}", "secret"),
        ):
            assert Client().get(path, headers=bearer).status_code == 200
            refused = Client().patch(path, {"name": "other"}, content_type="application/json", headers=bearer)
            assert refused.status_code == 422
            assert refused.json()["errors"][0]["field"] == field
            assert SENTENCE in refused.json()["errors"][0]["message"]


def test_with_the_old_key_as_fallback_people_stay_signed_in_and_links_stay_good() -> None:
    admin = User.objects.create_user("ana@example.com", "x" * 12, is_superuser=True)
    client = Client()
    client.force_login(admin, backend="allauth.account.auth_backends.AuthenticationBackend")
    signed = signing.dumps({"incident": 1}, salt="incident-action")
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY="another"):
        assert client.get("/").status_code == 302
    client.force_login(admin, backend="allauth.account.auth_backends.AuthenticationBackend")
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[old]):
        assert client.get("/").status_code == 200
        assert signing.loads(signed, salt="incident-action") == {"incident": 1}
