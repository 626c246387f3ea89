"""The database runs out of connections: the page answers 500 and the health endpoint says why. One incident."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from django.test import Client

from tests.serving import Handler, Serving
from tests.stories.telling import Story
from watchpost.accounts.models import User
from watchpost.cli.command import Out
from watchpost.cli.commands import explain
from watchpost.engine.keep import forget, roll_up
from watchpost.engine.parts import MOST_ABSENT
from watchpost.engine.values import STEP_MS
from watchpost.kinds.health import KIND
from watchpost.monitors import edit
from watchpost.monitors.looks import last_looks
from watchpost.monitors.models import Monitor, Transition, Value
from watchpost.outbound import Guard, Outbound
from watchpost.registry import Look

FULL = "The database default refuses connections: 100 of 100 are taken."


class Shop(Serving):
    """A shop's health endpoint as django-watchpost answers it; ``checks`` is what the story says."""

    def __init__(self) -> None:
        self.checks: dict[str, dict[str, Any]] = {}
        self.is_gone = False
        shop = self

        class Health(Handler):
            def do_GET(self) -> None:
                if shop.is_gone:
                    return self.answer(502, b"<html>502 Bad Gateway</html>", {"Content-Type": "text/html"})
                states = {one["state"] for one in shop.checks.values()}
                status = next((word for word in ("error", "degraded") if word in states), "ok")
                said = {"status": status, "format": "watchpost-health/1", "checks": shop.checks}
                kind = {"Content-Type": "application/json"}
                return self.answer(503 if status == "error" else 200, json.dumps(said).encode(), kind)

        super().__init__(Health, "/health/")
        self.heal()

    def heal(self) -> None:
        ok = {"state": "ok", "critical": True, "interval_s": 10.0, "age_s": 2.0}
        self.checks = {"database": ok | {"observed": 1.8, "unit": "ms"}, "cache": dict(ok), "disk": dict(ok)}

    def breaks(self, check: str, state: str, code: str, message: str) -> None:
        self.checks[check] = self.checks[check] | {"state": state, "code": code, "message": message}


@pytest.fixture
def shop() -> Iterator[Shop]:
    found = Shop()
    yield found
    found.close()


def look(story: Story, monitor: Monitor, times: int = 1) -> None:
    """The real probe asks the real endpoint, and the story's engine hears of it."""
    watched = story.engine.watched[monitor.pk]

    async def probe() -> Any:
        outbound = Outbound(Guard((ip_network("127.0.0.1/32"),)))
        try:
            assert KIND.probe is not None
            asked = Look(monitor.pk, watched.revision, watched.config, 5.0)
            return await KIND.probe(asked, outbound, story.time)
        finally:
            await outbound.close()

    for _ in range(times):
        story.run(story._report(watched, story.run(probe())))
        story.pass_time(3)


def watch(story: Story, shop: Shop) -> tuple[Monitor, Monitor]:
    """The page and the health endpoint of one host."""
    page = story.monitor("Home page", host="127.0.0.1")
    health = story.monitor("Health", kind="health", url=shop.url, interval="30s")
    story.webhook()
    story.look(page, address="127.0.0.1")
    look(story, health)
    return page, health


@pytest.mark.parametrize("is_page_first", [True, False])
def test_the_page_and_its_cause_are_one_incident_with_the_sentence_of_the_cause(
    story: Story, shop: Shop, is_page_first: bool
) -> None:
    page, health = watch(story, shop)
    assert (story.shown(page), story.shown(health)) == ("up", "up")
    shop.breaks("database", "error", "database.too_many_connections", FULL)
    shop.breaks("cache", "degraded", "cache.slow", "The cache default took 420 ms.")
    if is_page_first:
        story.fails(page, 500)
        look(story, health, 2)
    else:
        look(story, health, 2)
        story.fails(page, 500)
    story.deliver()
    [incident] = story.incidents()
    assert incident.title == f"Health: {FULL} Home page is down, too"
    assert [cause["code"] for cause in incident.causes] == [
        "database.too_many_connections", "cache.slow", "site.error_status",
    ]  # fmt: skip
    assert incident.causes[0]["sentence"] == FULL
    assert "pg_stat_activity" in incident.causes[0]["fix"]
    assert story.told[-1]["causes"][0]["sentence"] == FULL
    assert story.events == ["opened", *["updated"] * (len(story.events) - 1)]

    shop.heal()
    look(story, health, 2)
    story.heals(page)
    story.deliver()
    [incident] = story.incidents()
    assert (incident.state, story.events[-1]) == ("resolved", "resolved")
    assert (story.shown(page), story.shown(health)) == ("up", "up")


def test_an_application_that_is_gone_is_told_by_the_page(story: Story, shop: Shop) -> None:
    """The endpoint that does not answer either is no explanation."""
    page, health = watch(story, shop)
    shop.is_gone = True
    look(story, health, 2)
    story.fails(page, 502)
    [incident] = story.incidents()
    assert [cause["code"] for cause in incident.causes] == ["site.error_status", "health.unreadable"]
    assert incident.title.startswith("Home page: https://127.0.0.1/0 answers 502")
    assert incident.title.endswith(" Health at 127.0.0.1 is down, too")


def test_an_incident_that_is_over_names_what_it_was_not_who_recovered_last(story: Story, shop: Shop) -> None:
    page, health = watch(story, shop)
    shop.is_gone = True
    look(story, health, 2)
    story.fails(page, 502)
    story.heals(page)
    [incident] = story.incidents()
    assert [cause["code"] for cause in incident.causes] == ["health.unreadable"]  # all that is left
    shop.is_gone = False
    look(story, health, 2)
    story.deliver()
    [incident] = story.incidents()
    assert incident.state == "resolved"
    assert [cause["code"] for cause in incident.causes] == ["site.error_status", "health.unreadable"]
    assert story.told[-1]["causes"] == incident.causes
    assert incident.causes[0]["sentence"] in incident.title


def test_what_followed_from_the_cause_does_not_take_its_place_at_the_end(story: Story, shop: Shop) -> None:
    """The broker was full, so the workers fell silent; they are heard again some seconds after it has room."""
    _, health = watch(story, shop)
    shop.breaks("cache", "degraded", "redis.full", "Redis (broker) is full.")
    look(story, health, 2)
    shop.heal()
    shop.breaks("database", "error", "celery.no_workers", "No worker is left.")
    look(story, health, 2)
    [incident] = story.incidents()
    assert [cause["code"] for cause in incident.causes] == ["celery.no_workers"]  # as things are now
    shop.heal()
    look(story, health, 2)
    story.deliver()
    [incident] = story.incidents()
    assert incident.state == "resolved"
    assert [cause["code"] for cause in incident.causes] == ["redis.full", "celery.no_workers"]
    assert incident.title == "Health: Redis (broker) is full."
    assert story.told[-1]["title"] == incident.title


def test_a_warning_that_is_no_reason_never_leads(story: Story, shop: Shop) -> None:
    page, health = watch(story, shop)
    shop.breaks("disk", "degraded", "settings.debug", "DEBUG is on.")
    look(story, health, 2)
    assert story.shown(health) == "degraded"
    story.fails(page, 500)
    [incident] = story.incidents()
    assert incident.causes[0]["code"] == "site.error_status"


def test_a_restart_of_the_application_neither_heals_nor_alarms(story: Story, shop: Shop) -> None:
    """A worker that just began has no results yet: that says nothing."""
    _, health = watch(story, shop)
    shop.breaks("database", "error", "database.unreachable", "The database default cannot be reached.")
    look(story, health, 2)
    assert story.shown(health) == "down"
    shop.checks = {name: {"state": "unknown", "critical": True} for name in shop.checks}
    look(story, health, 3)
    assert story.shown(health) == "down"
    assert [one.state for one in story.incidents()] == ["open"]
    shop.heal()
    look(story, health, 2)
    assert story.shown(health) == "up"
    shop.checks = {name: {"state": "unknown", "critical": True} for name in shop.checks}
    look(story, health, 3)
    assert story.shown(health) == "up"
    assert [one.state for one in story.incidents()] == ["resolved"]


def history(monitor: Monitor, part: str) -> list[tuple[str, str]]:
    rows = Transition.of_parts.filter(monitor=monitor, track=f"local|{part}").order_by("pk")
    return list(rows.values_list("before", "after"))


def test_each_check_has_a_history_of_its_own_and_the_monitor_keeps_its_own(story: Story, shop: Shop) -> None:
    _, health = watch(story, shop)
    shop.breaks("database", "error", "database.slow", "The database default took 1840 ms.")
    look(story, health, 2)
    shop.breaks("cache", "degraded", "cache.slow", "The cache default took 420 ms.")
    look(story, health, 2)
    shop.heal()
    look(story, health, 2)
    assert history(health, "database") == [("new", "up"), ("up", "down"), ("down", "up")]
    assert history(health, "cache") == [("new", "up"), ("up", "degraded"), ("degraded", "up")]
    assert history(health, "disk") == [("new", "up")]
    assert story.transitions(health) == [("new", "up"), ("up", "down"), ("down", "up")]
    assert health.transitions.count() == 3  # pages and reports count these alone
    row = Transition.of_parts.get(monitor=health, track="local|database", after="down")
    assert "The database default took 1840 ms." in row.reason
    assert row.handled_at is not None


def test_a_restart_of_the_watcher_forgets_no_check(story: Story, shop: Shop) -> None:
    _, health = watch(story, shop)
    shop.breaks("database", "error", "database.unreachable", "The database default cannot be reached.")
    look(story, health, 2)
    story.restart()
    look(story, health, 2)
    assert history(health, "database") == [("new", "up"), ("up", "down")]


def test_a_check_that_is_gone_is_forgotten_but_not_at_once(story: Story, shop: Shop) -> None:
    """A deploy took it away; while it runs, old and new processes answer in turn."""
    _, health = watch(story, shop)
    known = story.engine.watched[health.pk].parts
    disk = shop.checks.pop("disk")
    for _ in range(MOST_ABSENT):
        look(story, health)
        shop.checks["disk"] = disk
        look(story, health)
        del shop.checks["disk"]
    assert set(known) == {"local|database", "local|cache", "local|disk"}
    assert history(health, "disk") == [("new", "up")]
    look(story, health, MOST_ABSENT)
    assert set(known) == {"local|database", "local|cache"}
    health.state.refresh_from_db()
    assert set(health.state.tracks) == {"main", "local|database", "local|cache"}


def test_values_are_kept_by_the_quarter_of_an_hour_and_go_with_the_looks(story: Story, shop: Shop) -> None:
    _, health = watch(story, shop)
    for value in (2.0, 7.4, 1.2):
        shop.checks["database"]["observed"] = value
        look(story, health)
    story.pass_time(900)
    look(story, health)
    rows = list(Value.objects.filter(monitor_id=health.pk).order_by("start"))
    first, second = [(row.part, row.n, row.low, row.high, round(row.total, 1), row.last) for row in rows]
    assert first == ("database", 4, 1.2, 7.4, 12.4, 1.2)  # 1.8 came with the first look
    assert second == ("database", 1, 1.2, 1.2, 1.2, 1.2)
    assert rows[1].start - rows[0].start == STEP_MS
    story.pass_time(3 * 86_400)
    look(story, health)
    while roll_up(int(story.time.timestamp() * 1000)):
        pass
    forget(story.time, 86_400, 400 * 86_400, 0)
    assert [row.n for row in Value.objects.filter(monitor_id=health.pk)] == [1]
    edit.delete_monitor(health, story.time)
    assert not Value.objects.exists()
    assert not Transition.of_parts.exists()


def test_what_every_check_says_is_stored_once_and_not_with_each_look(story: Story, shop: Shop) -> None:
    _, health = watch(story, shop)
    shop.breaks("disk", "degraded", "disk.nearly_full", "The disk / is 93 % full.")
    look(story, health, 3)
    newest = last_looks(health.pk, 1)[0]
    assert newest.detail is not None
    assert [one["code"] for one in newest.detail["findings"]] == ["disk.nearly_full"]
    assert "checks" not in newest.detail["facts"]
    assert newest.detail["facts"]["report"]["says"] == "degraded"
    health.refresh_from_db()
    assert set(health.last.facts["checks"]) == {"database", "cache", "disk"}


def page_of(monitor: Monitor) -> str:
    admin = User.objects.filter(email="ana@example.com").first()
    client = Client()
    client.force_login(admin or User.objects.create_user("ana@example.com", "x" * 20, is_superuser=True))
    return str(client.get(f"/monitors/{monitor.pk}/").content.decode())


def test_the_page_shows_each_check_with_its_last_day(
    story: Story, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchpost.clock.now", lambda: story.time)
    _, health = watch(story, shop)
    story.pass_time(3600)
    shop.breaks("database", "error", "database.too_many_connections", FULL + " <b>")
    shop.checks["database"] |= {"observed": 100, "unit": "connections"}
    look(story, health, 2)
    story.pass_time(3600)
    page = page_of(health)
    part = page.partition("<h2>Health</h2>")[2].partition("<h2>")[0]  # in trouble, then the fold of the rest
    rows = [row for row in re.findall(r"<tr>(.*?)</tr>", part, re.DOTALL) if 'class="name"' in row]
    assert [re.findall(r'class="name">(.*?)<', row) for row in rows] == [["database"], ["cache"], ["disk"]]
    database, cache = rows[0], rows[1]
    assert "Down" in database
    assert "for 1 h" in database
    assert f"{FULL} &lt;b&gt;" in database
    assert "critical · database.too_many_connections · result was 2 s old" in database
    assert re.search(r"[\d.]+ % up, down 1 h", database)
    assert '<rect class="d"' in database
    assert "100 connections" in database
    assert "1.8 to 100 connections in the last 24 hours" in database
    assert "100 % up" in cache
    assert "Says" in page
    assert "django-watchpost" in page


def test_the_page_of_an_endpoint_that_never_answered_has_no_rows(story: Story, shop: Shop) -> None:
    shop.is_gone = True
    health = story.monitor("Health", kind="health", url=shop.url)
    look(story, health, 2)
    page = page_of(health)
    assert "<h2>Health</h2>" not in page
    assert "502 Bad Gateway with an HTML page" in page


def test_explain_and_the_api_tell_the_checks_inside(story: Story, shop: Shop) -> None:
    _, health = watch(story, shop)
    shop.breaks("database", "error", "database.too_many_connections", FULL)
    look(story, health, 2)
    health = Monitor.objects.select_related("project", "state", "last").get(pk=health.pk)
    data = explain.collect(health, 5)
    database, cache, disk = data["parts"]
    assert (database["part"], database["state"], database["says"]) == ("database", "down", FULL)
    assert (database["value"], database["unit"]) == (1.8, "ms")
    assert (cache["state"], disk["state"]) == ("up", "up")
    assert (database["last_change"]["before"], database["last_change"]["after"]) == ("up", "down")
    assert FULL in database["last_change"]["reason"]
    said = "\n".join(explain._lines(json.loads(json.dumps(data)), story.time, Out()))
    assert "It has 3 parts:" in said
    assert re.search(r"database: down .*1\.8 ms \(critical, database\.too_many_connections", said)
    assert re.search(rf"up -> down: .*{re.escape(FULL)}", said)
