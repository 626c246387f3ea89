"""Receivers that hang or refuse, with the real threads that deliver: nobody else notices."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from tests.stories.telling import Receiver, Story
from watchpost.engine.deliver import Lanes
from watchpost.incidents.models import Channel, Delivery
from watchpost.monitors.models import Look, Monitor
from watchpost.outbound.mail import Mailer

SOON_S = 4.0  # far below the ten and twenty seconds a hanging receiver is given


class Hanging:
    """Accepts everybody and says nothing: neither HTTP nor SMTP."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.taken: list[socket.socket] = []
        self.over = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                self.taken.append(self.listener.accept()[0])
            except OSError:
                return
            if self.over:  # one that came while the others were let go
                self.taken[-1].close()

    def release(self) -> None:
        self.over = True
        with suppress(OSError):  # closing alone does not wake who waits in accept
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for taken in self.taken:
            taken.close()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    receiver = Hanging()
    yield receiver
    receiver.release()


@pytest.fixture
def loud(story: Story, hanging: Hanging) -> Iterator[Story]:
    """The story with the lanes of the product."""
    story.engine.lanes = Lanes(story.courier, lambda: story.time)
    yield story
    story.engine.lanes.close()
    hanging.release()
    wait_for(lambda: not lanes(), 30.0)


def lanes() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("channel-")]


def wait_for(true: Callable[[], Any], within_s: float = SOON_S) -> None:
    until = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until, "it did not happen soon"
        time.sleep(0.005)


def hang_by_hook(story: Story, hanging: Hanging, name: str = "hangs") -> Channel:
    return story.webhook(name, url=f"http://127.0.0.1:{hanging.port}/hook")


def hang_by_mail(story: Story, hanging: Hanging) -> Channel:
    from watchpost.monitors import edit

    story.courier.mailer = Mailer(f"smtp://127.0.0.1:{hanging.port}")
    return edit.create_channel({"name": "mail", "kind": "email", "to": "ana@example.com"}, story.time)


def took(function: Callable[[], object]) -> float:
    before = time.monotonic()
    function()
    return time.monotonic() - before


@pytest.mark.parametrize("hang", [hang_by_hook, hang_by_mail])
def test_a_receiver_that_never_answers_holds_up_nobody_else(loud: Story, hanging: Hanging, hang: Any) -> None:
    home, stuck, _ = loud.monitor(), hang(loud, hanging), loud.webhook("fine")
    loud.look(home)
    loud.pass_time(60)
    loud.fails(home)
    wait_for(lambda: hanging.taken and loud.events == ["opened"])
    assert took(lambda: loud.look(home, 502)) < 1
    assert took(loud.tick) < 1
    loud.pass_time(3)
    loud.heals(home)
    wait_for(lambda: loud.events == ["opened", "resolved"])
    assert Look.objects.filter(monitor_id=home.pk).count() == 6
    assert Delivery.objects.filter(channel=stuck, state="pending").count() == 2


def test_the_lanes_close_at_once_while_a_receiver_hangs_and_their_rows_stay(
    loud: Story, hanging: Hanging
) -> None:
    home, stuck, _ = loud.monitor(), hang_by_hook(loud, hanging), loud.webhook("fine")
    loud.fails(home)
    wait_for(lambda: hanging.taken and loud.events)
    assert took(loud.engine.lanes.close) < 1
    wait_for(lambda: [lane.name for lane in lanes()] == [f"channel-{stuck.pk}"])
    hanging.release()
    wait_for(lambda: not lanes())
    assert Delivery.objects.filter(channel=stuck, state="pending").count() == 1


def test_a_receiver_that_asks_for_patience_gets_it_and_the_others_do_not_wait(loud: Story) -> None:
    home, _ = loud.monitor(), loud.webhook("fine")
    busy = Receiver()
    busy.answer = lambda: (429, {"Retry-After": "120"})
    asked = loud.webhook("busy", url=busy.url)
    try:
        loud.fails(home)
        wait_for(lambda: loud.events and Delivery.objects.get(channel=asked).attempts == 1)
        row = Delivery.objects.get(channel=asked)
        assert row.next_attempt_at is not None
        assert row.next_attempt_at >= loud.time + timedelta(seconds=110)
        loud.heals(home)
        wait_for(lambda: loud.events == ["opened", "resolved"])
        loud.engine.lanes.poke([asked.pk])
        assert Delivery.objects.filter(channel=asked).order_by("id")[0].attempts == 1
        busy.answer = lambda: (200, {})
        loud.pass_time(130)
        loud.engine.lanes.poke([asked.pk])
        wait_for(lambda: len(busy.got) == 2)
    finally:
        busy.close()


def test_a_monitor_that_fails_while_a_channel_hangs_is_looked_at_and_judged_as_ever(
    loud: Story, hanging: Hanging
) -> None:
    hang_by_hook(loud, hanging)
    monitors: list[Monitor] = [loud.monitor(f"M{n}", f"m{n}.example") for n in range(4)]
    for n, monitor in enumerate(monitors):
        for _ in range(2):
            assert took(lambda: loud.look(monitor, 502, address=f"203.0.113.{n}")) < 1  # noqa: B023
            loud.pass_time(3)
    assert {loud.shown(monitor) for monitor in monitors} == {"down"}
    assert len(loud.incidents()) == 4
