"""What happens to stored secrets when SECRET_KEY is replaced."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import override_settings

from watchpost.incidents.models import Channel
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, Project
from watchpost.monitors.sealed import foreign_secrets, old_secrets, rotate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOME: dict[str, Any] = {
    "name": "Home",
    "kind": "page",
    "url": "https://a.example/",
    "headers": {"Key": "old"},
}
HOOK: dict[str, Any] = {"name": "ops", "kind": "hook", "url": "https://hooks.example/", "secret": "first"}
REPLACED = override_settings(SECRET_KEY="another")
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Project:
    return edit.create_project("Shop", NOW)


@pytest.fixture
def monitor(shop: Project) -> Monitor:
    return edit.create_monitor(shop, HOME, NOW)


@pytest.fixture
def channel(shop: Project) -> Channel:
    return edit.create_channel(HOOK, NOW)


def test_a_kept_secret_of_another_key_is_a_field_error(monitor: Monitor, channel: Channel) -> None:
    with REPLACED:
        with pytest.raises(edit.Invalid) as caught:
            edit.update_channel(channel, edit.channel_spec_of(channel), NOW)
        assert [where for where, _ in caught.value.errors] == ["secret"]
        assert "SECRET_KEY_FALLBACKS, or enter the secret again" in str(caught.value)
        with pytest.raises(edit.Invalid, match=r"headers\.Key: was encrypted with another SECRET_KEY"):
            edit.update_monitor(monitor, edit.spec_of(monitor) | {"name": "Front"}, NOW)
        assert foreign_secrets() == ["monitor shop/home: headers.Key", "channel ops: secret"]


def test_a_secret_can_be_entered_anew(monitor: Monitor, channel: Channel) -> None:
    with REPLACED:
        assert edit.update_channel(channel, HOOK | {"secret": "second"}, NOW)
        assert edit.update_monitor(monitor, HOME | {"headers": {"Key": "new"}}, NOW)
        assert edit.channel_config_of(Channel.objects.get()).secret == "second"  # type: ignore[attr-defined]
        assert monitor.revision == 2
        assert foreign_secrets() == []


def test_the_plan_says_that_a_secret_cannot_be_read(monitor: Monitor) -> None:
    with REPLACED:
        wanted = edit.read_monitor(monitor.project, HOME, None, monitor)
        assert edit.differences(monitor, wanted) == [("headers.Key", "(cannot be read)", "***")]


def test_a_channel_that_cannot_be_read_can_be_switched_off(channel: Channel) -> None:
    with REPLACED:
        edit.switch_channel(channel, False, NOW)
    assert not Channel.objects.get().enabled


def test_fallbacks_open_old_secrets_and_rotating_makes_them_needless(
    monitor: Monitor, channel: Channel
) -> None:
    from django.conf import settings

    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[old]):
        assert foreign_secrets() == []
        assert old_secrets() == ["monitor shop/home: headers.Key", "channel ops: secret"]
        assert edit.channel_config_of(channel).secret == "first"  # type: ignore[attr-defined]
        assert rotate().secrets == 2
        assert old_secrets() == []
    with REPLACED:
        assert edit.channel_config_of(Channel.objects.get()).secret == "first"  # type: ignore[attr-defined]
        assert edit.config_of(Monitor.objects.get()).headers == {"Key": "old"}  # type: ignore[attr-defined]


def test_rotating_names_what_no_key_opens(channel: Channel) -> None:
    with REPLACED:
        done = rotate()
    assert (done.secrets, done.left) == (0, ["channel ops: secret"])
    assert edit.channel_config_of(Channel.objects.get()).secret == "first"  # type: ignore[attr-defined]
