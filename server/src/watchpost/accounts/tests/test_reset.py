"""A forgotten password, with a real mail server and without one."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client

from watchpost.accounts.models import User
from watchpost.channels.email.tests.conftest import Sink
from watchpost.channels.email.tests.conftest import sink as sink  # a fixture

RESET = "/accounts/password/reset/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_limits() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def server(sink: Callable[..., Sink], settings: Any) -> Sink:
    running = sink()
    settings.EMAIL_BACKEND = "watchpost.accounts.mail.OperatorsServer"  # pytest puts its own in place
    settings.WATCHPOST = django_settings.WATCHPOST | {"EMAIL_URL": f"smtp://127.0.0.1:{running.port}"}
    settings.SITE_URL = "https://watch.example.com"
    return running


def arrived(server: Sink, count: int) -> list[Any]:
    deadline = time.monotonic() + 5
    while len(server.got) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return server.got


def test_a_link_comes_by_mail_and_sets_a_new_password(server: Sink) -> None:
    user = User.objects.create_user("ana@example.com", "the forgotten one")
    assert Client().post(RESET, {"email": "Ana@example.com"})["Location"] == f"{RESET}done/"
    [(to, letter)] = arrived(server, 1)
    assert to == ["ana@example.com"]
    assert (letter["Subject"], letter["Auto-Submitted"]) == (
        "Set a new password for Watchpost",
        "auto-generated",
    )
    found = re.search(r"https://watch\.example\.com(/\S+)", letter.get_content())
    assert found is not None
    client = Client()
    form = client.get(found[1], follow=True)
    assert form.status_code == 200
    given = {"password1": "a new long one", "password2": "a new long one"}
    assert client.post(form.redirect_chain[-1][0], given).status_code == 302
    user.refresh_from_db()
    assert user.check_password("a new long one")
    assert b"does not work any more" in Client().get(found[1], follow=True).content  # once


def test_the_host_of_the_request_is_not_in_the_link(server: Sink) -> None:
    User.objects.create_user("ana@example.com", "x" * 12)
    Client().post(RESET, {"email": "ana@example.com"}, HTTP_HOST="127.0.0.1")
    [(_, letter)] = arrived(server, 1)
    assert "//127.0.0.1" not in letter.get_content()


def test_strangers_get_the_same_answer_and_no_mail(server: Sink) -> None:
    User.objects.create_user("ana@example.com", "x" * 12)
    known = Client().post(RESET, {"email": "ana@example.com"})
    unknown = Client().post(RESET, {"email": "eve@example.com"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert len(arrived(server, 2)[:2]) == 1


def test_asking_too_often_is_refused_in_words(server: Sink) -> None:
    answers = [Client().post(RESET, {"email": "ana@example.com"}) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [302] * 5 + [429] * 2
    assert b"That was too often" in answers[-1].content


def test_a_mail_server_that_says_no_is_in_the_log(
    sink: Callable[..., Sink], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    running = sink(data="554 5.7.1 no")
    settings.EMAIL_BACKEND = "watchpost.accounts.mail.OperatorsServer"
    settings.WATCHPOST = django_settings.WATCHPOST | {"EMAIL_URL": f"smtp://127.0.0.1:{running.port}"}
    User.objects.create_user("ana@example.com", "x" * 12)
    assert Client().post(RESET, {"email": "ana@example.com"}).status_code == 302
    deadline = time.monotonic() + 5
    while "554" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "554 5.7.1 no" in caplog.text


def test_without_a_mail_server_the_page_says_who_helps() -> None:
    for answer in (Client().get(RESET), Client().post(RESET, {"email": "ana@example.com"})):
        said = html.unescape(answer.content.decode())
        assert answer.status_code == 200
        assert "watchpost user link" in said
        assert 'name="email"' not in said
