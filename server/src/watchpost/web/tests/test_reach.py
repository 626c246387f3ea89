"""A channel that reaches nobody is loud, and what came back is called what it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.e2e.seed import Seeded, seed

from watchpost.incidents import trial
from watchpost.incidents.models import Channel, Delivery
from watchpost.incidents.untold import failing_channels
from watchpost.registry import Sent
from watchpost.web import channel_pages
from watchpost.web.reach import came_back
from watchpost.web.tests.test_access import enter
from watchpost.web.tests.test_project import words

NOW = datetime.now(UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(NOW)


def sent(channel: Channel, state: str, attempts: int = 1, **more: Any) -> None:
    number = Delivery.objects.count()
    Delivery.objects.create(
        delivery_id=f"r{number}", channel=channel, event="updated", state=state, attempts=attempts,
        created_at=NOW, payload=more.pop("payload", {}), **more,
    )  # fmt: skip


def test_a_broken_channel_is_named_on_every_page(seeded: Seeded) -> None:
    for path in ("/", "/monitors/", "/projects/shop/"):
        assert "old-hook is switched off by an error. Nothing is told there since" in words(
            enter(seeded.admin).get(path)
        )
    Channel.objects.filter(pk=seeded.broken.pk).update(enabled=False)
    assert "old-hook" not in words(enter(seeded.admin).get("/"))


def test_many_broken_channels_are_one_line(seeded: Seeded) -> None:
    for number in range(3):
        Channel.objects.create(
            name=f"hook-{number}", kind="webhook", config={}, broken="404", broken_at=NOW, created_at=NOW
        )
    said = words(enter(seeded.admin).get("/"))
    assert "4 channels reach nobody: hook-0 is switched off by an error, hook-1" in said
    assert "Nothing is told there" not in said


def test_alerting_is_not_green_while_a_channel_reaches_nobody(seeded: Seeded) -> None:
    Channel.objects.filter(pk=seeded.broken.pk).update(broken="", broken_at=None)
    said = '<i class="mark {}" aria-hidden="true"></i><span class="n">{}</span>'
    green = said.format("up", "old-hook, ops-mail")  # by name, whichever was written last
    assert green in enter(seeded.admin).get("/").content.decode()
    sent(seeded.channel, "failed")
    page = enter(seeded.admin).get("/")
    assert green not in page.content.decode()
    assert said.format("warn", "old-hook") in page.content.decode()
    assert "ops-mail keeps failing" in words(page)
    assert "Keeps failing" in words(enter(seeded.admin).get("/channels/"))
    sent(seeded.channel, "delivered")
    assert green in enter(seeded.admin).get("/").content.decode()


def test_one_attempt_that_failed_is_not_a_failing_channel(seeded: Seeded) -> None:
    sent(seeded.channel, "pending", 1)
    assert failing_channels() == frozenset()
    sent(seeded.channel, "pending", 2)
    assert failing_channels() == {seeded.channel.pk}


def test_foreign_channels_are_not_named(seeded: Seeded) -> None:
    from watchpost.monitors.models import Project

    seeded.broken.projects.add(Project.objects.get(slug="billing"))
    assert "old-hook" not in words(enter(seeded.viewer).get("/"))


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("500 kaputt", "The receiver said: 500 kaputt"),
        ("a@b.example: 550 no such user", "The receiver said: a@b.example: 550 no such user"),
        ("our own guard refused to connect: x", "It was not reached: our own guard refused to connect: x"),
        ("no answer within 10 s", "It was not reached: no answer within 10 s"),
    ],
)
def test_only_an_answer_is_something_the_receiver_said(detail: str, expected: str) -> None:
    assert came_back(detail) == expected


def test_a_test_that_failed_is_still_seen_later(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = channel_pages.channels()["webhook"]
    hook = Channel.objects.create(
        name="hook", kind="webhook", config={"url": "https://h.example/"}, created_at=NOW
    )
    answer = Sent(False, "500 kaputt")
    faked = {"webhook": type(kind)(**{**_fields(kind), "send": lambda *_: answer})}
    monkeypatch.setattr(trial, "channels", lambda: faked)
    page = enter(seeded.admin).post(f"/channels/{hook.pk}/test/", follow=True)
    assert "It did not arrive. The receiver said: 500 kaputt" in words(page)
    later = words(enter(seeded.admin).get(f"/channels/{hook.pk}/"))
    assert "Keeps failing" in later
    assert "The receiver said: 500 kaputt" in later
    assert "Never tested" not in later


def _fields(kind: Any) -> dict[str, Any]:
    return {name: getattr(kind, name) for name in kind.__dataclass_fields__}


def test_news_of_one_incident_are_told_apart(seeded: Seeded) -> None:
    for name in ("Basket", "Search"):
        payload = {"title": f"{name} title", "reason": f"{name} joined: it is down."}
        sent(seeded.channel, "delivered", incident=seeded.incident, payload=payload)
    said = words(enter(seeded.admin).get(f"/channels/{seeded.channel.pk}/"))
    for part in (
        "Basket joined: it is down.",
        "Search joined: it is down.",
        f"incident {seeded.incident.pk}",
    ):
        assert part in said
