"""The weekly report: a real week of looks, a real mail server, a clock that moves, engines that die."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from tests.stories.telling import Story
from watchpost.accounts.models import Membership, User
from watchpost.channels.email.tests.conftest import sink  # noqa: F401  a fixture
from watchpost.engine import keep, weekly
from watchpost.engine.weekly import tick
from watchpost.monitors.models import AliveSpan, MonitorLast
from watchpost.outbound.mail import Mailer
from watchpost.reports import post
from watchpost.reports.models import WeeklyLetter
from watchpost.reports.week import last_week
from watchpost.reports.weekly import Figures

MONDAY = datetime(2026, 11, 9, 8, 0, tzinfo=UTC)


class Killed(BaseException):
    """kill -9, as far as one process can play it: nothing after it runs."""


@pytest.fixture
def server(sink: Callable[..., Any], story: Story, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: F811
    server = sink()
    url = f"smtp://127.0.0.1:{server.port}"
    story.courier.mailer = Mailer(url)
    monkeypatch.setitem(settings.WATCHPOST, "EMAIL_URL", url)
    return server


def reader(story: Story, email: str = "maria@example.com", **more: Any) -> User:
    fields = {"date_joined": story.time, "last_login": story.time} | more
    user = User.objects.create_user(email, "x" * 12, **fields)
    Membership.objects.create(user=user, project=story.project, role="viewer")
    return user


def go(story: Story) -> int:
    return tick(story.courier, lambda: story.time)


def until(story: Story, at: datetime) -> None:
    story.time = at


def alive(story: Story, days: float = 30) -> None:
    AliveSpan.objects.create(started_at=story.time, alive_at=story.time + timedelta(days=days))


def text_of(letter: Any) -> str:
    return str(letter.get_body(("plain",)).get_content())


def test_monday_morning_brings_last_week_in_words_a_manager_can_read(story: Story, server: Any) -> None:
    alive(story)
    user = reader(story)
    home, search = story.monitor("Home page"), story.monitor("Search", host="search.shop.example")
    ends = (MONDAY + timedelta(days=12, hours=1)).isoformat()
    known = {"host": "shop.example", "fingerprint": "f1", "not_after": ends, "issuer": "O=Let's Encrypt"}
    for monitor in (home, search):
        for _ in range(12):
            story.look(monitor, facts={"certificate": known | {"host": monitor.config["url"].split("/")[2]}})
            story.pass_time(60)
    story.fails(home)
    story.pass_time(42 * 60)
    story.heals(home)
    for _ in range(10):
        story.look(search)
        story.pass_time(60)
    until(story, datetime(2026, 11, 9, 7, 59, 30, tzinfo=UTC))
    while keep.roll_up(int(story.time.timestamp() * 1000)):
        pass
    assert (go(story), WeeklyLetter.objects.count()) == (0, 0)
    until(story, MONDAY)
    assert go(story) == 1
    [(to, letter)] = server.got
    assert to == [user.email]
    said = text_of(letter)
    for part in (
        "42 min of downtime, 1 incident and 1 thing ends within 60 days.",
        "2 to 8 November 2026: 2 monitors in shop.",
        "Home page (shop): down for 42 min",
        "lasted 42 min",
        "Certificate of shop.example (shop): in 12 days. On Sat 21 Nov, 09:00; issued by Let's Encrypt",
        "Search (shop): 95 of 100 answers within 51 ms. The week before is not known",
    ):
        assert part in said, (part, said)
    assert "Home page (shop): 95 of" not in said  # of a dozen looks a p95 says nothing
    page = letter.get_body(("html",)).get_content()
    assert "down for 42 min" in page
    assert "<script" not in page
    assert re.search(r"\[shop\] Week of 2 to 8 November 2026: 99\.\d+ % up, 1 incident", letter["Subject"])
    assert MonitorLast.objects.count() == 2


def test_a_quiet_week_is_one_short_mail(story: Story, server: Any) -> None:
    alive(story)
    reader(story)
    home = story.monitor()
    for _ in range(30):
        story.look(home)
        story.pass_time(60)
    until(story, MONDAY)
    keep.roll_up(int(story.time.timestamp() * 1000))
    assert go(story) == 1
    [(_, letter)] = server.got
    said = text_of(letter)
    assert "A quiet week: nothing was down, and nothing ends soon." in said
    assert "The slowest page was Home page: 95 of 100 answers within 51 ms" in said
    assert "100 % up. 1 monitor, never down" in said
    assert "Incidents" not in said
    assert letter["Subject"] == "[shop] A quiet week, 2 to 8 November 2026"


def test_once_a_week_whatever_restarts(story: Story, server: Any) -> None:
    reader(story)
    story.monitor()
    until(story, MONDAY)
    for _ in range(3):
        go(story)
        story.restart()
        story.pass_time(600)
    until(story, MONDAY + timedelta(days=1, hours=23))
    go(story)
    assert len(server.got) == 1
    until(story, MONDAY + timedelta(days=7))
    go(story)
    assert len(server.got) == 2
    assert len({letter["Message-ID"] for _, letter in server.got}) == 2


def test_a_death_before_the_mail_server_has_it_loses_nothing_and_doubles_nothing(
    story: Story, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader(story)
    story.monitor()
    until(story, MONDAY)
    with monkeypatch.context() as dying:
        dying.setattr(post, "letter_for", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            go(story)
    assert go(story) == 0  # the claim still holds: whoever made it may be alive
    story.pass_time(601)
    assert go(story) == 1
    story.pass_time(3600)
    assert go(story) == 0
    assert len(server.got) == 1


def test_a_death_after_it_sends_the_same_letter_under_the_same_id(
    story: Story, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader(story)
    story.monitor()
    until(story, MONDAY)
    with monkeypatch.context() as dying:
        dying.setattr(post, "_record", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            go(story)
    story.pass_time(601)
    go(story)
    assert len({letter["Message-ID"] for _, letter in server.got}) == 1
    assert WeeklyLetter.objects.get().state == "delivered"


def test_two_engines_at_once_send_one(story: Story, server: Any) -> None:
    for number in range(4):
        reader(story, f"p{number}@example.com")
    story.monitor()
    until(story, MONDAY)

    def engine(_: int) -> int:
        try:
            return go(story)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as engines:
        assert sum(engines.map(engine, range(3))) == 4
    assert sorted(to[0] for to, _ in server.got) == [f"p{number}@example.com" for number in range(4)]


@pytest.mark.parametrize(("late", "letters"), [(timedelta(hours=47), 1), (timedelta(hours=49), 0)])
def test_who_was_down_on_monday_sends_it_late_but_not_after_two_days(
    story: Story, server: Any, late: timedelta, letters: int
) -> None:
    reader(story)
    story.monitor()
    until(story, MONDAY + late)
    go(story)
    assert (len(server.got), WeeklyLetter.objects.count()) == (letters, letters)


def test_a_mail_server_that_is_away_is_tried_again_until_two_days_have_passed(
    story: Story, server: Any
) -> None:
    reader(story)
    story.monitor()
    server.data = "451 come back later"
    until(story, MONDAY)
    assert go(story) == 1
    assert go(story) == 0  # not at once
    story.pass_time(3600)
    server.data = "250 queued"
    server.got.clear()
    go(story)
    assert len(server.got) == 1
    until(story, MONDAY + timedelta(days=7))
    server.data = "451 come back later"
    go(story)
    until(story, MONDAY + timedelta(days=9, hours=1))
    go(story)
    row = WeeklyLetter.objects.get(week=(MONDAY + timedelta(days=7)).date())
    assert (row.state, row.answer) == ("failed", "it could not be sent within two days")


def test_it_is_monday_at_eight_where_the_person_is(story: Story, server: Any) -> None:
    reader(story, "tokyo@example.com", zone="Asia/Tokyo")
    reader(story, "lima@example.com", zone="America/Lima")
    reader(story, "odd@example.com", zone="Nowhere/Land")
    story.monitor()
    sent = []
    for at in (
        MONDAY - timedelta(hours=9, seconds=1),
        MONDAY - timedelta(hours=9),
        MONDAY,
        MONDAY + timedelta(hours=5),
    ):
        until(story, at)
        go(story)
        sent.append([to[0].split("@")[0] for to, _ in server.got])
    assert sent == [[], ["tokyo"], ["tokyo", "odd"], ["tokyo", "odd", "lima"]]


def test_strangers_and_those_who_said_no_are_not_written_to(story: Story, server: Any) -> None:
    reader(story, "never@example.com", last_login=None)
    reader(story, "unvouched@example.com", vouched=False)
    reader(story, "gone@example.com", is_active=False)
    post.set_wish(reader(story, "no@example.com").pk, False)
    Membership.objects.filter(user=reader(story, "nothing@example.com")).delete()
    story.monitor()
    until(story, MONDAY)
    reader(story, "late@example.com", date_joined=MONDAY + timedelta(seconds=1))
    story.pass_time(5)
    assert go(story) == 0


def test_the_letter_stops_with_one_click_and_no_sign_in(
    story: Story, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.courier.site_url = "https://watch.a-rather-long-name.example.com"
    user = reader(story)
    story.monitor()
    until(story, MONDAY)
    go(story)
    [(_, letter)] = server.got
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = re.fullmatch(
        r"<https://watch\.a-rather-long-name\.example\.com(/reports/stop/\S+/)>", letter["List-Unsubscribe"]
    )
    assert address
    raw = post.letter_for(user, last_week(story.time, UTC), story.courier, story.time, Figures()).as_bytes()
    assert b"=?utf-8?q?=3Chttps" not in raw
    assert max(map(len, raw.split(b"\n"))) < 998
    assert address[1] in text_of(letter)
    client = Client(enforce_csrf_checks=True)
    assert "Stop them" in client.get(address[1]).content.decode()  # scanners look at everything
    assert post.wants(user)
    answer = client.post(address[1], {"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, answer.cookies.get(settings.SESSION_COOKIE_NAME)) == (200, None)
    assert not post.wants(user)
    broken = address[1][:-3] + "xx/"
    assert (client.get(broken).status_code, client.post(broken).status_code) == (410, 410)
    until(story, MONDAY + timedelta(days=7))
    assert go(story) == 0


def test_who_says_no_while_it_waits_gets_nothing(story: Story, server: Any) -> None:
    user = reader(story)
    story.monitor()
    server.data = "451 come back later"
    until(story, MONDAY)
    go(story)
    post.set_wish(user.pk, False)
    server.got.clear()
    server.data = "250 queued"
    story.pass_time(3600)
    assert go(story) == 0
    assert server.got == []


def test_everybody_is_told_of_their_own_projects_alone(story: Story, server: Any) -> None:
    from watchpost.monitors import edit

    other = edit.create_project("secret", story.time)
    reader(story)
    story.monitor()
    story.monitor("Hidden", host="hidden.example", project=other)
    until(story, MONDAY)
    go(story)
    [(_, letter)] = server.got
    assert "secret" not in letter.as_string()
    assert "Hidden" not in letter.as_string()


def test_hostile_names_stay_text(story: Story, server: Any) -> None:
    reader(story)
    story.project.name = "a\nBcc: x@example.com <b>"
    story.project.save()
    story.monitor("<script>alert(1)</script>")
    until(story, MONDAY)
    go(story)
    [(to, letter)] = server.got
    assert to == ["maria@example.com"]
    assert "Bcc" not in letter
    assert "<script" not in letter.get_body(("html",)).get_content()


def test_without_a_mail_server_nothing_is_queued_and_it_follows_once_there_is_one(
    story: Story, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader(story)
    story.monitor()
    until(story, MONDAY)
    with monkeypatch.context() as without:
        without.setitem(settings.WATCHPOST, "EMAIL_URL", "")
        assert (go(story), WeeklyLetter.objects.count()) == (0, 0)
    story.pass_time(86_400)
    assert go(story) == 1


def test_the_engines_own_thread_sends_it_and_ends(
    story: Story, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader(story)
    story.monitor()
    until(story, MONDAY)
    monkeypatch.setattr(weekly, "EVERY_S", 0.01)
    own = weekly.Weekly(story.courier, lambda: story.time)
    thread = own.start()
    try:
        sent_by = time.monotonic() + 30
        while not WeeklyLetter.objects.filter(state="delivered").exists() and time.monotonic() < sent_by:
            time.sleep(0.02)
    finally:
        own.close()
        thread.join(30)
    assert not thread.is_alive()
    assert len(server.got) == 1
