"""One thing breaks and takes others with it: one alert that names it, and no word of the rest."""

from __future__ import annotations

import pytest

from tests.stories.telling import Story
from watchpost.incidents.models import Channel, Incident
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor


def mail(story: Story) -> Channel:
    """A channel for people; nobody listens, and what is queued for it is what counts."""
    spec = {"name": "people", "kind": "email", "to": ["ana@example.com"]}
    return edit.create_channel(spec, story.time)


def queued(channel: Channel) -> list[tuple[str, str]]:
    """What people are to be told: events and reasons."""
    return [(row.event, row.payload["reason"]) for row in channel.deliveries.order_by("pk")]


def members(incident: Incident) -> list[str]:
    """Who is in it now."""
    return [row.monitor.name for row in incident.members.filter(left_at=None).order_by("pk")]


def family(story: Story) -> tuple[Monitor, Monitor]:
    router = story.monitor("Router", "router.example")
    shop = story.monitor("Shop", "shop.example", depends_on=["router"])
    for one in (router, shop):
        story.look(one, address="")
    story.pass_time(60)
    return router, shop


def fails(
    story: Story, monitor: Monitor, times: int = 2, status: int = 502, under: Monitor | None = None
) -> None:
    """As in the story, at an address nobody shares. ``under`` is a parent that is down and, asked, says so."""
    for number in range(times):
        story.look(monitor, status, address=f"198.51.100.{monitor.pk % 200}")
        if under is not None and number == 0:
            story.look(under, 502, address="")
        story.pass_time(3)


def test_a_child_that_fails_under_a_parent_that_is_down_is_in_its_incident_and_people_hear_once(
    story: Story,
) -> None:
    router, shop = family(story)
    people, _ = mail(story), story.webhook()
    fails(story, router)
    story.pass_time(3600)  # long after: an explanation knows no five minutes
    fails(story, shop, under=router)
    [incident] = story.incidents()
    assert members(incident) == ["Router", "Shop"]
    assert incident.title.startswith("Router: ")
    assert incident.title.endswith("Shop depends on it and is down, too")
    assert [event for event, _ in queued(people)] == ["opened"]
    assert "1 monitor depends on it and is not told apart while it is down: Shop." in queued(people)[0][1]
    shop.state.refresh_from_db()
    assert shop.state.shown == "down"
    assert "Held back: Router is down, and it depends on that." in shop.state.reason
    story.deliver()
    assert story.events == ["opened", "updated"]  # webhooks hear everything


def test_a_child_that_fails_first_asks_its_parents_and_waits_for_their_answer(story: Story) -> None:
    router, shop = family(story)
    people = mail(story)
    story.engine.prober.put(story.engine.watched[router.pk])
    story.pass_time(0.017)
    assert story.due_s(router) != 0
    story.look(shop, 502, address="")
    assert story.due_s(router) == 0  # asked at once
    story.pass_time(3)
    story.look(shop, 502, address="")
    assert (story.shown(shop), story.incidents()) == ("up", [])  # it would count now, and waits
    story.pass_time(1)
    story.look(router, 502, address="")  # in doubt: still no answer
    assert story.shown(shop) == "up"
    entry, till = story.engine.prober.entries[router.pk], story.monitor("Till", depends_on=["router"])
    story.look(till, 502, address="198.51.100.9")
    assert (story.due_s(router), entry.resolver) == (3, 1)  # its second look is not put off by another child
    story.pass_time(3)
    story.look(router, 502, address="")
    assert (story.shown(router), story.shown(shop)) == ("down", "down")
    [incident] = story.incidents()
    assert members(incident) == ["Router", "Shop"]
    assert incident.title.startswith("Router: ")
    assert [event for event, _ in queued(people)] == ["opened"]
    shop.state.refresh_from_db()
    assert "Its parents were asked first, which took 4.0 s." in shop.state.reason


def test_a_parent_that_is_well_lets_the_child_speak_at_once(story: Story) -> None:
    router, shop = family(story)
    people = mail(story)
    story.look(shop, 502, address="")
    story.look(router, 200, address="")
    story.pass_time(3)
    story.look(shop, 502, address="")
    [incident] = story.incidents()
    assert (story.shown(shop), members(incident)) == ("down", ["Shop"])
    assert [event for event, _ in queued(people)] == ["opened"]


def test_a_parent_that_never_answers_blocks_nobody_for_ever(story: Story) -> None:
    _, shop = family(story)
    fails(story, shop)
    assert story.incidents() == []
    story.pass_time(11)  # fourteen seconds after the second look
    story.tick()
    assert story.incidents() == []
    story.pass_time(1)
    story.tick()
    shop.state.refresh_from_db()
    assert shop.state.shown == "down"
    assert "(It waited 15 s, but Router gave no answer.)" in shop.state.reason
    assert [members(one) for one in story.incidents()] == [["Shop"]]


def test_a_child_still_down_when_its_parent_is_up_again_is_told_by_itself(story: Story) -> None:
    router, shop = family(story)
    people = mail(story)
    fails(story, router)
    fails(story, shop, under=router)
    story.pass_time(60)
    story.heals(router)
    assert story.due_s(shop) <= 0  # looked at as soon as its parent is up
    assert [one.state for one in story.incidents()] == ["open"]
    fails(story, shop)
    first, second = story.incidents()
    assert (first.state, members(first)) == ("resolved", [])
    assert (second.state, members(second)) == ("open", ["Shop"])
    assert second.began_at < first.resolved_at
    assert [event for event, _ in queued(people)] == ["opened", "resolved", "opened"]
    assert queued(people)[2][1].startswith("Still down, and nothing it depends on is: ")
    story.heals(shop)
    assert [one.state for one in story.incidents()] == ["resolved", "resolved"]


def test_a_child_that_recovers_after_its_parent_is_never_told(story: Story) -> None:
    router, shop = family(story)
    people = mail(story)
    fails(story, router)
    fails(story, shop, under=router)
    story.heals(router)
    fails(story, shop, 1)
    story.heals(shop)
    assert [event for event, _ in queued(people)] == ["opened", "resolved"]
    assert [one.state for one in story.incidents()] == ["resolved"]


def test_what_stands_behind_a_parent_survives_a_restart(story: Story) -> None:
    router, shop = family(story)
    fails(story, router)
    fails(story, shop, under=router)
    story.restart()
    assert story.engine.watched[shop.pk].track.behind == (router.pk,)
    story.heals(router)
    fails(story, shop)
    assert [members(one) for one in story.incidents()] == [[], ["Shop"]]


def test_a_grandparent_explains_the_whole_line(story: Story) -> None:
    router, shop = family(story)
    till = story.monitor("Till", "till.example", depends_on=["shop"])
    people = mail(story)
    story.look(till, address="")
    story.pass_time(60)
    for _ in range(2):
        for one in (till, shop, router):
            fails(story, one, 1)
    story.tick()
    [incident] = story.incidents()
    assert sorted(members(incident)) == ["Router", "Shop", "Till"]
    assert incident.title.startswith("Router: ")
    assert incident.title.endswith("2 that depend on it are down, too: Shop and Till")
    assert [event for event, _ in queued(people)] == ["opened"]
    assert story.engine.watched[till.pk].track.behind == (router.pk,)


def test_a_child_that_was_down_before_its_parent_keeps_its_own_incident(story: Story) -> None:
    router, shop = family(story)
    story.look(router, address="")
    fails(story, shop)
    story.look(router, address="")
    story.pass_time(3600)
    fails(story, router)
    fails(story, shop)
    assert [members(one) for one in story.incidents()] == [["Shop"], ["Router"]]


@pytest.mark.parametrize("overlay", ["paused", "maintenance"])
def test_only_a_paused_parent_explains_nothing(story: Story, overlay: str) -> None:
    """Down when a window began it is most likely down still; nobody looks at a paused one, perhaps for months."""
    router, shop = family(story)
    fails(story, router)
    if overlay == "paused":
        edit.set_paused(router, True, story.time)
    else:
        edit.create_window(
            story.project, [router], story.time, story.time.replace(hour=23), "move", "ana", story.time
        )
    story.take_changes()
    story.tick()
    assert story.shown(router) == overlay
    fails(story, shop, under=router)
    behind = story.engine.watched[shop.pk].track.behind
    assert (story.shown(shop), behind) == ("down", (router.pk,) if overlay == "maintenance" else ())


def test_a_parent_that_is_only_degraded_explains_nothing(story: Story) -> None:
    router = story.monitor("Router", "router.example", expect={"max_ms": 20})
    shop = story.monitor("Shop", "shop.example", depends_on=["router"])
    fails(story, router, status=200)
    fails(story, shop)
    story.look(router, 200, address="")
    story.tick()
    assert (story.shown(router), story.shown(shop)) == ("degraded", "down")
    assert story.engine.watched[shop.pk].track.behind == ()


def test_an_incident_resolved_by_hand_swallows_no_child(story: Story) -> None:
    from watchpost.incidents import act

    router, shop = family(story)
    people = mail(story)
    fails(story, router)
    assert act.resolve(story.incidents()[0].pk, "ana@example.com", story.time).ok
    fails(story, shop, under=router)
    assert [members(one) for one in story.incidents()] == [[], ["Shop"]]
    assert [event for event, _ in queued(people)] == ["opened", "resolved", "opened"]


def test_a_parent_that_is_deleted_frees_its_children(story: Story) -> None:
    router, shop = family(story)
    fails(story, router)
    fails(story, shop, under=router)
    edit.delete_monitor(router, story.time)
    story.take_changes()
    fails(story, shop)
    story.tick()
    assert [members(one) for one in story.incidents() if one.state == "open"] == [["Shop"]]
    assert story.engine.watched[shop.pk].track.behind == ()


def test_a_thousand_children_ask_one_parent_once_in_a_while(story: Story) -> None:
    router = story.monitor("Router", "router.example")
    children = [
        story.monitor(f"Shop {number}", f"shop{number}.example", depends_on=["router"])
        for number in range(20)
    ]
    story.look(router, address="")
    story.pass_time(60)
    for child in children:
        story.pass_time(0.1)
        story.look(child, 502, address="")
        if child is children[0]:
            story.look(router, 200, address="")  # the answer
    assert 2.9 < story.due_s(router) < 4.9  # asked again for the later ones, five seconds after
