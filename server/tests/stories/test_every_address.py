"""Two machines behind one name, with real servers at two addresses: one answers 500, one dies, both heal."""

from __future__ import annotations

from typing import Any

from tests.stories.telling import Story
from watchpost.kinds.http import KIND
from watchpost.kinds.http.config import HttpConfig
from watchpost.kinds.http.tests.test_every import LOOPBACK, ONE, TWO, serving
from watchpost.kinds.http.tests.test_probe import Names
from watchpost.monitors.models import Monitor, MonitorState
from watchpost.outbound import Guard, Outbound
from watchpost.outbound.tests.badserver import page
from watchpost.registry import Look

FINE, BROKEN = page(), page(status="500 Internal Server Error")


class Shop:
    """What each address serves now; one that is not named is dead, though its record stands."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.serves: dict[str, bytes | None] = {ONE: FINE, TWO: FINE}
        self.monitor: Monitor = story.monitor(every_address=True, url="http://shop.test/")

    def look(self, times: int = 1, apart: float = 3.0) -> None:
        for _ in range(times):
            watched = self.story.engine.watched[self.monitor.pk]
            seen = self.story.run(self._look(watched))
            self.story.run(self.story._report(watched, seen))
            self.story.pass_time(apart)

    async def _look(self, watched: Any) -> Any:
        assert KIND.probe is not None
        names = Names()
        names.says = {("shop.test", 0): (ONE, TWO), ("shop.test", 1): (ONE, TWO)}
        outbound = Outbound(Guard(LOOPBACK), names)
        async with serving(self.serves) as port:
            told = watched.config.model_dump(by_alias=True) | {"url": f"http://shop.test:{port}/"}
            config = HttpConfig.model_validate(told)
            look = Look(watched.id, watched.revision, config, 20.0)
            seen = await KIND.probe(look, outbound, self.story.time)
        await outbound.close()
        return seen

    @property
    def state(self) -> str:
        return MonitorState.objects.get(monitor=self.monitor).shown


def test_one_of_two_answers_500_and_heals(story: Story) -> None:
    story.webhook()
    shop = Shop(story)
    shop.look(2)
    assert shop.state == "up"
    assert story.incidents() == []

    shop.serves[TWO] = BROKEN
    shop.look(2)
    story.deliver()
    [incident] = story.incidents()
    [member] = incident.members.all()
    assert shop.state == "degraded"
    assert (member.code, member.subject) == ("site.address_down", TWO)
    assert f"{TWO}, one of 2 addresses of shop.test, fails" in member.sentence
    assert "answers 500" in member.sentence

    shop.look(3, apart=60.0)  # the same trouble is not told again and again
    shop.serves[TWO] = FINE
    shop.look(2)
    story.deliver()
    assert shop.state == "up"
    assert story.events == ["opened", "resolved"]


def test_one_of_two_is_dead_then_both_are_then_all_is_well(story: Story) -> None:
    story.webhook()
    shop = Shop(story)
    shop.look(2)
    del shop.serves[TWO]
    shop.look(2)
    [incident] = story.incidents()
    [member] = incident.members.all()
    assert (shop.state, member.code, member.subject) == ("degraded", "site.address_down", TWO)
    assert "the connection was refused" in member.sentence

    shop.serves[ONE] = BROKEN
    shop.look(2)
    assert shop.state == "down"
    codes = {row.code for one in story.incidents() for row in one.members.all()}
    assert {"site.error_status", "site.unreachable.connect"} & codes

    shop.serves = {ONE: FINE, TWO: FINE}
    shop.look(2)
    story.deliver()
    assert shop.state == "up"
    assert {one.state for one in story.incidents()} == {"resolved"}
