"""Many things break at once: everybody is told, nobody is flooded, and the cost of each stays the same."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db.models.signals import post_init

from tests.kill.harness import free_port
from tests.stories.telling import Story
from watchpost.core.bundle import JOIN_WAIT_S
from watchpost.engine.deliver import send_due
from watchpost.incidents import act, tick
from watchpost.incidents.models import Channel, Delivery, Incident, IncidentMember, IncidentShare
from watchpost.monitors import edit
from watchpost.outbound.mail import Mailer


class Mailbox:
    """A real mail server that keeps what came."""

    def __init__(self) -> None:
        self.letters: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.letters.append(envelope.content.decode())
        return "250 OK"

    @property
    def subjects(self) -> list[str]:
        return [
            line.partition(": ")[2]
            for letter in self.letters
            for line in letter.splitlines()
            if line.startswith("Subject: ")
        ]


@pytest.fixture
def mailbox(story: Story) -> Iterator[Mailbox]:
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    story.courier.mailer = Mailer(f"smtp://127.0.0.1:{port}")
    edit.create_channel({"name": "people", "kind": "email", "to": ["dev@example.com"]}, story.time)
    yield box
    controller.stop()


def deliver(story: Story, sent_at: deque[datetime]) -> None:
    """What the lane of people does until it waits."""
    channel = Channel.objects.get(name="people")
    while send_due(channel.pk, story.courier, lambda: story.time, sent_at) == 0.0:
        pass


def test_relatives_that_fail_with_it_reach_people_in_one_more_mail(story: Story, mailbox: Mailbox) -> None:
    story.webhook()
    pages = [story.monitor(f"Page {i}") for i in range(8)]
    sent_at: deque[datetime] = deque(maxlen=3)
    for page in pages:
        story.fails(page, apart=1)
        deliver(story, sent_at)
    story.deliver()
    assert len(mailbox.letters) == 1
    assert story.events == ["opened"] + ["updated"] * 7
    story.pass_time(JOIN_WAIT_S)
    deliver(story, sent_at)
    assert len(mailbox.letters) == 2
    assert all(f"Page {i}" in mailbox.letters[1] for i in range(8))
    assert story.pending() == 0


def test_the_title_follows_those_who_join_and_those_who_leave(story: Story, mailbox: Mailbox) -> None:
    """Whoever is woken by one page of many must not go after that one page."""
    pages = [story.monitor(f"Page {i}") for i in range(4)]
    for page in pages:
        story.fails(page)
    [incident] = story.incidents()
    assert incident.title.startswith("Page 0: https://shop.example/0 ")
    assert incident.title.endswith(" 3 more at shop.example are down, too")
    story.heals(pages[0])
    [incident] = story.incidents()
    assert incident.title.startswith("Page 1: https://shop.example/1 ")
    assert incident.title.endswith(" 2 more at shop.example are down, too")
    story.heals(pages[1])
    story.heals(pages[2])
    [incident] = story.incidents()
    assert incident.title.startswith("Page 3: https://shop.example/3 ")
    story.heals(pages[3])
    [incident] = story.incidents()
    assert incident.title.startswith("Page 0: https://shop.example/0 ")
    assert incident.title.endswith(" 3 more at shop.example were down, too")
    deliver(story, deque(maxlen=3))
    assert any("3 more at shop.example are down, too" in " ".join(one.split()) for one in mailbox.letters)


def test_sixty_incidents_within_a_minute_are_a_handful_of_mails_that_name_them_all(
    story: Story, mailbox: Mailbox
) -> None:
    sites = [story.monitor(f"Site {i}", host=f"s{i}.example") for i in range(60)]
    sent_at: deque[datetime] = deque(maxlen=3)
    for i, site in enumerate(sites):
        for _ in range(2):  # each at an address of its own
            story.look(site, 502, address=f"198.51.100.{i + 1}")
            story.pass_time(0.5)
        deliver(story, sent_at)
    story.pass_time(10)
    deliver(story, sent_at)
    assert len(mailbox.letters) <= 10
    assert story.pending() == 0
    assert all(any(f"Site {i}:" in letter for letter in mailbox.letters) for i in range(60))
    assert mailbox.subjects[0].startswith("[shop] Down: Site 0")


def test_what_opens_an_incident_costs_the_same_however_many_are_open(story: Story) -> None:
    story.webhook()
    read: list[int] = []

    def count(**_: Any) -> None:
        read[-1] += 1

    post_init.connect(count, sender=IncidentMember, weak=False)
    try:
        for i in range(25):
            site = story.monitor(f"Site {i}", host=f"s{i}.example")
            read.append(0)
            for _ in range(2):
                story.look(site, 502, address=f"198.51.100.{i}")
    finally:
        post_init.disconnect(count, sender=IncidentMember)
    assert read[0] == read[-1] > 0


def test_what_only_time_does_reads_none_for_which_it_is_not_time(story: Story) -> None:
    story.webhook()
    for i in range(5):
        site = story.monitor(f"Site {i}", host=f"s{i}.example", resend="1h" if i == 0 else "4h")
        for _ in range(2):
            story.look(site, 502, address=f"198.51.100.{i}")
    read: list[str] = []

    def count(instance: Incident, **_: Any) -> None:
        read.append(instance.title.partition(":")[0])

    post_init.connect(count, sender=Incident, weak=False)
    try:
        story.tick()
        assert read == []
        story.pass_time(3600)
        tick.pass_time(story.time)
        assert "Site 0" in read
    finally:
        post_init.disconnect(count, sender=Incident)
    story.deliver()
    assert [one["title"].partition(":")[0] for one in story.told if one["event"] == "updated"] == ["Site 0"]


def test_an_incident_that_ended_shares_nothing_any_more(story: Story) -> None:
    home = story.monitor()
    story.fails(home)
    assert IncidentShare.objects.filter(token="host:shop.example").exists()
    story.heals(home)
    assert not IncidentShare.objects.exists()


def test_a_join_in_the_middle_of_a_story_never_holds_up_its_end(story: Story, mailbox: Mailbox) -> None:
    home, about = story.monitor("Home"), story.monitor("About")
    sent_at: deque[datetime] = deque(maxlen=3)
    story.fails(home)
    deliver(story, sent_at)
    story.fails(about)
    story.heals(home)
    story.heals(about)
    deliver(story, sent_at)
    assert ["Down" in subject for subject in mailbox.subjects] == [True, False]
    assert "Resolved" in mailbox.subjects[1]
    assert Delivery.objects.filter(state="delivered").count() == 3


def test_what_waited_is_told_as_it_is_when_it_is_told(story: Story, mailbox: Mailbox) -> None:
    home, about, shop = (story.monitor(name) for name in ("Home", "About", "Shop"))
    sent_at: deque[datetime] = deque(maxlen=3)
    story.fails(home)
    deliver(story, sent_at)
    story.fails(about)
    story.fails(shop)
    story.heals(about)
    story.pass_time(JOIN_WAIT_S)
    deliver(story, sent_at)
    assert len(mailbox.letters) == 2
    affected = [line.strip() for line in mailbox.letters[1].splitlines() if line.startswith("  - ")]
    assert affected == ["- Home (http): down", "- About (http): up", "- Shop (http): down"]


def test_people_hear_once_that_all_are_up_again_while_flapping_holds_it_open(
    story: Story, mailbox: Mailbox
) -> None:
    home, about = story.monitor("Home"), story.monitor("About")
    sent_at: deque[datetime] = deque(maxlen=3)
    for page in (home, about):
        story.look(page)
    story.fails(home)
    deliver(story, sent_at)
    for _ in range(3):
        story.fails(about)
        story.heals(about)
    story.heals(home)  # about flaps
    story.fails(about)
    story.heals(about)
    [incident] = story.incidents()
    assert incident.state == "open"
    story.pass_time(JOIN_WAIT_S)
    deliver(story, sent_at)
    assert len(mailbox.letters) == 2
    last = mailbox.letters[1].replace("=\r\n", "").replace("=\n", "")
    assert "All are up again; the incident is held open until they hold still." in last
    assert "joined" not in last
    for _ in range(2):  # nobody heard of it, so nobody need hear that it is over
        story.fails(about)
        story.heals(about)
        story.pass_time(JOIN_WAIT_S)
        deliver(story, sent_at)
    assert len(mailbox.letters) == 2
    assert story.pending() == 0
    assert incident.timeline.filter(sentence__startswith="people was not told").exists()


def test_a_membership_left_behind_in_an_ended_incident_does_not_stop_the_engine(story: Story) -> None:
    """Somebody resolved it in the very moment the monitor joined it: PostgreSQL lets both go on."""
    home = story.monitor()
    story.fails(home)
    [first] = story.incidents()
    act.resolve(first.pk, "ana@example.com", story.time)
    IncidentMember.objects.update(left_at=None)
    story.heals(home)
    story.pass_time(60)
    story.fails(home)
    assert [incident.state for incident in story.incidents()] == ["resolved", "open"]
    assert story.engine.trouble == ""
