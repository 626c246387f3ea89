"""A certificate's life, with real handshakes: renewed at one of two addresses, and one that nobody renews."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.stories.telling import Story
from watchpost.kinds.tls import KIND
from watchpost.kinds.tls.config import TlsConfig
from watchpost.kinds.tls.tests.looking import GUARD, Names, serving
from watchpost.kinds.tls.tests.zoo import LINK, NAME, ROOT, Made, make
from watchpost.monitors import edit
from watchpost.monitors.accept import accept_finding, acceptable
from watchpost.monitors.models import Monitor, MonitorState
from watchpost.outbound import Outbound
from watchpost.registry import Look

HERE, THERE = "127.0.0.1", "127.0.0.2"
WWW = f"www.{NAME}"


class Shop:
    """What each address serves now, and the monitors that look at it."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.serves: dict[str, Sequence[Made]] = {}

    def new(self, **more: Any) -> Sequence[Made]:
        return make(NAME, LINK, sans=[NAME, WWW], now=self.story.time, **more), LINK

    def watch(self, name: str, host: str = NAME) -> Monitor:
        spec = {"name": name, "kind": "tls", "host": host, "ca_pem": ROOT.pem, "interval": "15m"}
        row = edit.create_monitor(self.story.project, spec, self.story.time)
        self.story.changed(("monitor", str(row.pk)))
        return row

    def look(self, *monitors: Monitor) -> None:
        for monitor in monitors:
            watched = self.story.engine.watched[monitor.pk]
            seen = self.story.run(self._look(watched))
            self.story.run(self.story._report(watched, seen))

    async def _look(self, watched: Any) -> Any:
        assert KIND.probe is not None
        names = Names({NAME: tuple(self.serves), WWW: tuple(self.serves)})
        outbound = Outbound(GUARD, names)
        async with serving(*self.serves.items()) as port:
            config = TlsConfig.model_validate(watched.config.model_dump() | {"port": port})
            look = Look(watched.id, watched.revision, config, 5.0)
            seen = await KIND.probe(look, outbound, self.story.time)
        await outbound.close()
        await asyncio.sleep(0)
        return seen

    def state(self, monitor: Monitor) -> str:
        return MonitorState.objects.get(monitor=monitor).shown


def test_renewed_on_one_of_two_addresses_only(story: Story) -> None:
    shop = Shop(story)
    story.webhook()
    old = shop.new(days=(-60, 30))
    shop.serves = {HERE: old, THERE: old}
    certificate = shop.watch("Certificate")
    shop.look(certificate)
    assert shop.state(certificate) == "up"

    story.pass_time(900)
    new = shop.new(days=(0, 90))
    shop.serves[HERE] = new
    shop.look(certificate)
    story.pass_time(1800)
    shop.look(certificate)
    assert (shop.state(certificate), story.incidents()) == ("up", [])  # a renewal takes its time

    story.pass_time(1800)
    shop.look(certificate)
    story.deliver()
    [incident] = story.incidents()
    assert shop.state(certificate) == "degraded"
    [member] = incident.members.all()
    assert (member.code, member.lasting) == ("tls.differs_between_addresses", True)
    assert f"{THERE} has one until" in member.sentence
    assert "reload nginx" in member.fix

    for _ in range(3):  # the same trouble is not told again and again
        story.pass_time(900)
        shop.look(certificate)
    shop.serves[THERE] = new
    for _ in range(2):
        story.pass_time(3)
        shop.look(certificate)
    story.deliver()
    assert shop.state(certificate) == "up"
    assert story.events == ["opened", "resolved"]


def test_one_certificate_that_nobody_renews_is_one_alert_for_all_its_names(story: Story) -> None:
    shop = Shop(story)
    story.webhook()
    shop.serves = {HERE: shop.new(days=(-60, 30))}
    both = shop.watch("Certificate"), shop.watch("Certificate of www", WWW)
    for _ in range(31):
        shop.look(*both)
        story.pass_time(86_400)
    shop.look(*both)
    story.deliver()
    slow, outage = story.incidents()
    members = {(row.code, row.monitor_id) for row in slow.members.all()}
    assert members == {("tls.expires_soon", monitor.pk) for monitor in both}
    assert {row.code for row in outage.members.all()} == {"tls.expired"}
    assert outage.members.count() == 2
    assert (slow.state, outage.state) == ("resolved", "open")  # what has expired no longer expires soon

    shop.serves = {HERE: shop.new(days=(0, 90))}
    for _ in range(2):
        story.pass_time(3)
        shop.look(*both)
    assert {incident.state for incident in story.incidents()} == {"resolved"}
    assert [shop.state(monitor) for monitor in both] == ["up", "up"]


def test_a_key_of_another_kind_is_told_until_somebody_expects_it(story: Story) -> None:
    shop = Shop(story)
    shop.serves = {HERE: shop.new(days=(-60, 30))}
    certificate = shop.watch("Certificate")
    shop.look(certificate)
    shop.serves = {HERE: shop.new(days=(0, 90), key=rsa.generate_private_key(65537, 2048))}
    for _ in range(2):
        story.pass_time(3)
        shop.look(certificate)
    [incident] = story.incidents()
    assert [member.code for member in incident.members.all()] == ["tls.changed_key"]
    assert acceptable(certificate) == {("tls.changed_key", NAME): ()}
    accept_finding(certificate, "tls.changed_key", NAME, story.time)
    story.take_changes()
    for _ in range(2):
        story.pass_time(3)
        shop.look(certificate)
    assert story.incidents()[0].state == "resolved"
    assert shop.state(certificate) == "up"
