"""A registration's bad days, asked of a real RDAP server on loopback whose answer changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.stories.telling import Story
from watchpost.incidents.models import Channel
from watchpost.kinds.domain import KIND
from watchpost.kinds.domain.tests.registry import GUARD, LOCK, Registry, domain, registry
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, MonitorState
from watchpost.outbound import Outbound
from watchpost.registry import Look


class Owner:
    """Who has a domain, what its registry says, and the monitor that looks at it every six hours."""

    def __init__(self, story: Story, server: Registry, name: str = "example.com") -> None:
        self.story, self.server, self.name = story, server, name
        spec = {"name": f"Domain {name}", "kind": "domain", "domain": f"www.{name}", "rdap": server.url}
        self.monitor: Monitor = edit.create_monitor(story.project, spec, story.time)
        story.changed(("monitor", str(self.monitor.pk)))
        if not Channel.objects.exists():
            story.webhook()

    def says(self, days: float, *statuses: str, **more: Any) -> None:
        """The registration ends in so many days from now."""
        ends = (self.story.time + timedelta(days=days)).isoformat()
        path = f"/domain/{self.name}"
        self.server.say(domain(ends, statuses or (LOCK,), **more), path=path)

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.story.pass_time(3)
            watched = self.story.engine.watched[self.monitor.pk]
            seen = self.story.run(self._look(watched))
            self.story.run(self.story._report(watched, seen))
        self.story.deliver()

    async def _look(self, watched: Any) -> Any:
        assert KIND.probe is not None
        outbound = Outbound(GUARD)
        try:
            look = Look(watched.id, watched.revision, watched.config, 20.0)
            return await KIND.probe(look, outbound, self.story.time)
        finally:
            await outbound.close()

    @property
    def state(self) -> str:
        return MonitorState.objects.get(monitor=self.monitor).shown

    def open_codes(self) -> set[str]:
        found = [one for one in self.story.incidents() if one.state == "open"]
        return {member.code for one in found for member in one.members.filter(left_at=None)}


@pytest.fixture
def server() -> Iterator[Registry]:
    with registry() as found:
        yield found


def test_a_domain_falls_into_redemption_and_is_restored(story: Story, server: Registry) -> None:
    owner = Owner(story, server)
    owner.says(200)
    owner.look()
    assert (owner.state, story.incidents()) == ("up", [])

    story.pass_time(6 * 3600)
    owner.says(-5, "redemption period")
    owner.look(2)
    assert owner.state == "down"
    assert "domain.redemption" in owner.open_codes()
    [incident] = [one for one in story.incidents() if one.state == "open"]
    assert "example.com is in redemption" in str(incident.members.get(code="domain.redemption").sentence)
    assert story.events == ["opened"]

    story.pass_time(6 * 3600)
    owner.look()
    assert story.events == ["opened"]  # told once, not with each look

    story.pass_time(86_400)
    owner.says(365)
    owner.look(2)
    assert owner.state == "up"
    assert owner.open_codes() == set()
    assert story.events == ["opened", "resolved"]


def test_a_domain_that_nobody_renews_is_told_also_while_the_registry_is_silent(
    story: Story, server: Registry
) -> None:
    owner = Owner(story, server)
    owner.says(40)
    owner.look()
    assert owner.state == "up"

    server.say(b"busy", status=429, Retry_After="60")
    for days, state, code in (
        (0, "up", ""),  # nothing is learned, and nothing is wrong: a note, no alarm
        (12, "degraded", "domain.expires_soon"),
        (22, "down", "domain.expires_soon"),
        (7, "down", "domain.expired"),
    ):
        story.pass_time(days * 86_400)
        owner.look(2)
        assert owner.state == state, days
        assert owner.open_codes() == ({code} if code else set()), days

    owner.says(365)
    owner.look(2)
    assert owner.state == "up"
    assert owner.open_codes() == set()


def test_another_registrar_and_a_lock_that_is_gone_wait_for_somebody_to_say_so(
    story: Story, server: Registry
) -> None:
    owner = Owner(story, server)
    owner.says(200)
    owner.look()
    owner.says(200, "active", registrar="999")
    owner.look(2)
    assert owner.open_codes() == {"domain.registrar_changed", "domain.transfer_lock_gone"}
    sentence = next(
        m.sentence for one in story.incidents() for m in one.members.filter(code="domain.registrar_changed")
    )
    assert "Registrar 999" in sentence
    assert "Registrar 376" in sentence
    owner.says(200)
    owner.look(2)
    assert owner.open_codes() == set()


def test_two_domains_of_one_registry_have_nothing_in_common(story: Story, server: Registry) -> None:
    one, other = Owner(story, server), Owner(story, server, "example.net")
    for owner in (one, other):
        owner.says(200, ldhName=owner.name)
        owner.look()
    for owner in (one, other):
        owner.says(-5, "redemption period", ldhName=owner.name)
        owner.look(2)
    assert [len(found.members.all()) for found in story.incidents()] == [1, 1]
