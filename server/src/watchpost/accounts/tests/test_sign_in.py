"""One-time links, the first user, and a door that tires."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from watchpost.accounts.links import make_link, make_token
from watchpost.accounts.models import ApiToken, SignInLink, User
from watchpost.config.logs import LinksAreSecret
from watchpost.incidents.models import Channel

NOW = datetime.now(UTC)
pytestmark = pytest.mark.django_db
FIRST = {"email": "ana@example.com", "password": "a long enough one"}


def test_the_first_user_becomes_admin_and_is_told_by_mail() -> None:
    path = f"/signin/{make_link(None, NOW)}/"
    assert Client().get(path).status_code == 200
    client = Client()
    assert client.post(path, FIRST)["Location"] == "/"
    user = User.objects.get()
    assert user.is_superuser
    assert user.check_password(FIRST["password"])
    assert client.get("/").status_code == 200
    assert Channel.objects.get().name == "email-ana"


def test_a_link_works_once() -> None:
    path = f"/signin/{make_link(User.objects.create_user('b@example.com', 'x' * 12), NOW)}/"
    assert Client().get(path).status_code == 200
    assert Client().get(path).status_code == 200  # looking uses nothing up
    assert Client().post(path).status_code == 302
    assert Client().post(path).status_code == 410
    assert Client().get(path).status_code == 410


def test_a_second_first_user_is_refused() -> None:
    one, two = make_link(None, NOW), make_link(None, NOW)
    Client().post(f"/signin/{one}/", FIRST)
    assert Client().post(f"/signin/{two}/", FIRST | {"email": "eve@example.com"}).status_code == 410
    assert User.objects.count() == 1


def test_an_old_link_is_gone() -> None:
    token = make_link(None, NOW, hours=-1)
    assert Client().post(f"/signin/{token}/", FIRST).status_code == 410
    assert not User.objects.exists()


def test_a_weak_password_keeps_the_link() -> None:
    path = f"/signin/{make_link(None, NOW)}/"
    assert Client().post(path, FIRST | {"password": "short"}).status_code == 200
    assert Client().post(path, FIRST).status_code == 302


def test_only_digests_are_kept() -> None:
    link = make_link(None, NOW)
    token = make_token("deploy", None, True, NOW)
    assert link not in str(SignInLink.objects.values_list())
    assert token not in str(ApiToken.objects.values_list())
    assert len(ApiToken.objects.get().digest) == 64


def test_an_invited_person_sets_a_password_first() -> None:
    user = User.objects.create_user("c@example.com")
    path = f"/signin/{make_link(user, NOW)}/"
    assert Client().post(path, {}).status_code == 200
    assert Client().post(path, {"password": "a long enough one"}).status_code == 302
    user.refresh_from_db()
    assert user.check_password("a long enough one")


def test_guessing_passwords_is_slowed_down() -> None:
    cache.clear()
    User.objects.create_user("d@example.com", "the right password")
    client: Any = Client(REMOTE_ADDR="192.0.2.77")
    wrong = {"login": "d@example.com", "password": "wrong"}
    for _ in range(5):
        assert client.post("/accounts/login/", wrong).status_code == 200
    answer = client.post("/accounts/login/", wrong | {"password": "the right password"})
    assert answer.status_code in (200, 429)
    assert "_auth_user_id" not in client.session
    cache.clear()


def test_nobody_signs_up() -> None:
    answer = Client().post("/accounts/signup/", {"email": "e@example.com", "password1": "x" * 12})
    assert answer["Location"] == "/accounts/login/"
    assert not User.objects.exists()


def test_a_link_takes_a_new_password_but_asks_for_none() -> None:
    user = User.objects.create_user("b@example.com", "the forgotten one")
    Client().post(f"/signin/{make_link(user, NOW)}/", {"password": "short"})
    user.refresh_from_db()
    assert user.check_password("the forgotten one")
    Client().post(f"/signin/{make_link(user, NOW)}/", {"password": ""})
    user.refresh_from_db()
    assert user.check_password("the forgotten one")
    client = Client()
    client.post(f"/signin/{make_link(user, NOW)}/", {"password": "a new long one"})
    user.refresh_from_db()
    assert user.check_password("a new long one")
    assert client.get("/").status_code == 200


def behind_proxy(visitor: str) -> Any:
    return Client(REMOTE_ADDR="127.0.0.1", headers={"X-Forwarded-For": f"203.0.113.9, {visitor}"})


def test_a_stranger_behind_the_same_proxy_does_not_lock_everybody_out() -> None:
    cache.clear()
    User.objects.create_user("d@example.com", "the right password")
    stranger = behind_proxy("192.0.2.1")
    for number in range(12):
        stranger.post("/accounts/login/", {"login": f"x{number}@example.com", "password": "wrong"})
    right = {"login": "d@example.com", "password": "the right password"}
    refused = stranger.post("/accounts/login/", right)
    assert b"an admin can let you in" in refused.content or refused.status_code == 429
    assert behind_proxy("192.0.2.2").post("/accounts/login/", right).status_code == 302
    # Whoever is no proxy of ours is counted by his own address, whatever he says.
    liar: Any = Client(REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": "192.0.2.3"})
    assert liar.post("/accounts/login/", right).status_code != 302
    cache.clear()


def test_a_way_in_is_not_written_to_the_log() -> None:
    record = logging.LogRecord(
        "x", 30, "", 0, "Forbidden (%s): %s", ("no cookie", "/signin/abc-DEF_1/"), None
    )
    assert LinksAreSecret().filter(record)
    assert record.getMessage() == "Forbidden (no cookie): /signin/…/"
    signed = logging.LogRecord("x", 30, "", 0, "at /i/eyJ:1abc:x-Y_z/", None, None)
    LinksAreSecret().filter(signed)
    assert signed.getMessage() == "at /i/…/"


def test_signing_in_speaks_as_the_other_pages_do() -> None:
    User.objects.create_user("c@example.com", "a long enough one")
    client = Client()
    door = client.get("/accounts/login/").content.decode()
    assert "Stay signed in" in door
    assert "E-mail address" in door
    assert not any(foreign in door for foreign in ("Remember Me", "placeholder"))
    given = {"login": "c@example.com", "password": "a long enough one"}
    inside = client.post("/accounts/login/", given, follow=True).content.decode()
    assert "You are signed in." in inside
    assert "Successfully" not in inside
    change = client.get("/accounts/password/change/").content.decode()
    assert "New password once more" in change
    outside = client.post("/accounts/logout/", follow=True).content.decode()
    assert "You are signed out." in outside
