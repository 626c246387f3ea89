"""Who is looked at besides: when trouble begins, and when it ends."""

from __future__ import annotations

from typing import Any

from tests.stories.telling import Story
from watchpost.monitors import edit
from watchpost.monitors.ask import look_now
from watchpost.monitors.models import Monitor

NAMES = ["shop.example", "www.shop.example"]


def certificate(host: str = "shop.example") -> dict[str, Any]:
    return {
        "certificate": {
            "host": host,
            "not_after": "2027-01-02T03:04:05+00:00",
            "issuer": "CN=R11",
            "names": NAMES,
            "fingerprint": "f1",
        }
    }


def rare(story: Story, name: str, host: str = "shop.example", **more: Any) -> Monitor:
    """Looked at every quarter of an hour, and not before ten minutes from now."""
    row = story.monitor(name, host, interval="15m", **more)
    story.look(row, address=f"203.0.113.{row.pk}")
    push_off(story, row)
    return row


def push_off(story: Story, *monitors: Monitor) -> None:
    for one in monitors:
        story.engine.prober.look_soon(story.engine.watched[one.pk], 600.0)


def test_when_one_recovers_the_others_of_its_incident_are_looked_at_at_once(story: Story) -> None:
    home, other, well = story.monitor(), rare(story, "API"), rare(story, "Well")
    story.fails(home)
    story.fails(other)
    [incident] = story.incidents()
    assert incident.members.count() == 2
    push_off(story, other, well)
    story.heals(home)
    assert story.due_s(other) < 1
    assert story.due_s(well) > 500, "who is well needs no look"

    push_off(story, other)
    story.look(other)
    assert story.due_s(other) == 3, "the look that confirms it is on its way and must not be put off"
    story.pass_time(3)
    story.look(other)
    incident.refresh_from_db()
    assert incident.state == "resolved"


def breaks(story: Story, monitor: Monitor, address: str, status: int = 502) -> None:
    for _ in range(2):
        story.look(monitor, status, address=address)
        story.pass_time(3)


def test_members_that_share_nothing_with_whom_recovers_are_looked_at_too(story: Story) -> None:
    """One shares an address with the second, which shares its host with the third: one incident, and the
    first has nothing in common with the third."""
    first, second = story.monitor("First", "a.example"), rare(story, "Second", "b.example")
    third = rare(story, "Third", "b.example")
    breaks(story, first, "203.0.113.50")
    breaks(story, second, "203.0.113.50")
    breaks(story, third, "203.0.113.60")
    [incident] = story.incidents()
    assert incident.members.count() == 3
    push_off(story, second, third)
    breaks(story, first, "203.0.113.50", status=200)
    assert max(story.due_s(second), story.due_s(third)) < 1


def test_what_depends_on_whom_recovers_is_looked_at_too(story: Story) -> None:
    home = story.monitor("Home", "a.example")
    api = rare(story, "API", "b.example", depends_on=[home.slug])
    shop = rare(story, "Shop", "c.example", depends_on=[api.slug])
    for number, one in enumerate((home, api, shop)):
        breaks(story, one, f"203.0.113.{50 + number}")
    push_off(story, api, shop)
    breaks(story, home, "203.0.113.50", status=200)
    assert max(story.due_s(api), story.due_s(shop)) < 1


def test_nobody_is_looked_at_more_often_than_every_half_minute_for_others(story: Story) -> None:
    first, second, rest = story.monitor("A"), story.monitor("B"), rare(story, "Rest")
    for one in (first, second, rest):
        story.fails(one)
    story.heals(first)
    push_off(story, rest)
    story.pass_time(10)
    story.heals(second)
    assert 1 < story.due_s(rest) <= 20, "it is made up for when the half minute is over"


def test_the_other_names_of_a_certificate_are_looked_at_when_one_falls(story: Story) -> None:
    home = story.monitor()
    by_name = rare(story, "Certificate of www", "www.shop.example")
    by_key, stranger = rare(story, "Mail", "mail.example"), rare(story, "Stranger", "other.example")
    story.look(home, facts=certificate())
    story.look(by_key, facts=certificate("mail.example"), address="203.0.113.9")
    push_off(story, by_name, by_key, stranger)
    story.fails(home)
    assert max(story.due_s(by_name), story.due_s(by_key)) < 1
    assert story.due_s(stranger) > 500


def test_whoever_asks_for_a_look_gets_it_once_in_ten_seconds(story: Story) -> None:
    home, other = rare(story, "Home"), rare(story, "Other", "other.example")
    story.take_changes()
    push_off(story, home, other)
    assert look_now([home], story.time).ok
    story.take_changes_but_keep()
    assert (story.due_s(home) <= 0, story.due_s(other) > 500) == (True, True)
    push_off(story, home)
    again = look_now([home], story.time)
    assert (again.ok, again.soon) == (False, True)
    both = look_now([home, other], story.time)
    assert (both.ok, both.sentence) == (True, "Looking at Other now; the result shows in a moment.")
    story.pass_time(10)
    assert look_now([home, other], story.time).sentence.startswith("Looking at 2 monitors now")
    edit.set_paused(home, True, story.time)
    assert "paused" in look_now([home], story.time).sentence
