"""The database runs out of connections: the page answers 500 and the health endpoint says why. One incident."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from tests.serving import Handler, Serving
from tests.stories.telling import Story
from watchpost.kinds.health import KIND
from watchpost.monitors.models import Monitor
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
    assert incident.title == "2 monitors at 127.0.0.1 are down: Home page and Health"


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
