"""A token endpoint that fails is left alone for a while; what it said is told meanwhile, and recovery is seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
import pytest_asyncio

from watchpost.kinds.http.pauses import Limited, Pauses
from watchpost.kinds.http.tests.tokenserver import AT, LONG_S, SECRET, Api, Instead, answering, run_api
from watchpost.outbound import Failure
from watchpost.outbound.tests.badserver import page

NO = answering("401 Unauthorized", '{"error": "invalid_client"}')
GONE = Failure("token", "server", "it answers 502 Bad Gateway")


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Api]:
    async with run_api() as made:
        yield made


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock of the pauses on; that of sockets stays."""
    moved = [0.0]
    real = Pauses.kept, Pauses.note
    monkeypatch.setattr(
        Pauses, "kept", lambda self, key, left_s, now: real[0](self, key, left_s, now + moved[0])
    )
    monkeypatch.setattr(
        Pauses,
        "note",
        lambda self, key, found, given, at, now: real[1](self, key, found, given, at, now + moved[0]),
    )

    def move(seconds: float) -> None:
        moved[0] += seconds

    return move


async def test_looks_in_a_pause_say_the_same_and_since_when(api: Api, later: Callable[[float], None]) -> None:
    api.endpoint.instead = NO
    _, (first,) = await api.look()
    assert first.sentence.endswith("it answers 401 Unauthorized, invalid_client.")
    later(3.0)  # the look that confirms is a question of its own
    _, (second,) = await api.look()
    assert len(api.endpoint.asked) == 2
    told = [(await api.look())[1][0] for _ in range(10)]
    assert len(api.endpoint.asked) == 2
    assert {one.sentence for one in told} == {second.sentence}
    assert second.sentence.endswith("invalid_client; like this since 2026-01-01 00:00 UTC.")
    assert {(one.code, one.fix, one.joins) for one in (first, second, *told)} == {
        (first.code, first.fix, first.joins)
    }


async def test_it_recovers_with_the_next_question(api: Api, later: Callable[[float], None]) -> None:
    api.endpoint.instead = NO
    for _ in range(8):
        await api.look()
        later(60.0)
    asked = len(api.endpoint.asked)
    assert asked == 8, "looks a minute apart are never kept from asking"
    api.endpoint.instead = None
    assert (await api.look())[1] == ()
    api.endpoint.instead = answering("500 Odd", "{}")
    _, (anew,) = await api.look(oauth2={"scope": "x"})
    assert "since" not in anew.sentence


async def test_another_configuration_is_not_held_back(api: Api) -> None:
    api.endpoint.client = ("watch:post", "another")
    for _ in range(3):
        await api.look()
    assert len(api.endpoint.asked) == 1
    api.endpoint.client = ("watch:post", SECRET)
    assert (await api.look(oauth2={"auth": "body"}))[1] == ()


async def test_many_looks_ask_a_hanging_endpoint_once_and_the_patient_one_again(api: Api) -> None:
    api.endpoint.hold = asyncio.Event()
    for _ in range(2):
        _, (finding,) = await api.look(deadline_s=0.5)
        assert "no answer came within 0.5 s" in finding.sentence
    assert len(api.endpoint.asked) == 1
    api.endpoint.hold.set()
    assert (await api.look(deadline_s=LONG_S))[1] == ()


def limits(seconds: str) -> Instead:
    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter, _said: str) -> None:
        writer.write(page(b"{}", "429 Too Many", Retry_After=seconds))

    return respond


async def test_its_own_wish_counts_from_the_second_time_on(api: Api, later: Callable[[float], None]) -> None:
    api.endpoint.instead = limits("120")
    for wait_s, asked in ((0.0, 1), (3.0, 2), (100.0, 2), (21.0, 3)):
        later(wait_s)
        await api.look()
        assert len(api.endpoint.asked) == asked, wait_s


def test_the_pauses_double_and_end() -> None:
    pauses, now, lasted = Pauses(), 1000.0, []
    for _ in range(9):
        pauses.note("k", GONE, 10.0, AT, now)
        began = now
        while pauses.kept("k", 10.0, now) is not None:
            now += 1.0
        lasted.append(now - began)
    assert lasted == [2, 5, 10, 20, 40, 50, 50, 50, 50]
    assert pauses.kept("other", 10.0, now) is None


@pytest.mark.parametrize(("wish_s", "pause_s"), [(0.0, 5), (4.0, 5), (30.0, 30), (86_400.0, 300)])
def test_a_wish_has_its_bounds(wish_s: float, pause_s: float) -> None:
    pauses = Pauses()
    for _ in range(2):
        pauses.note("k", Limited("token", "limited", "it answers 429", wish_s), 10.0, AT, 0.0)
    assert pauses.kept("k", 10.0, pause_s - 0.1) is not None
    assert pauses.kept("k", 10.0, pause_s) is None


def test_a_trouble_of_long_ago_is_another_one() -> None:
    pauses = Pauses()
    pauses.note("k", GONE, 10.0, AT, 0.0)
    said = pauses.note("k", GONE, 10.0, AT + timedelta(hours=1), 3600.0)
    assert "since" not in said.sentence
    assert pauses.kept("k", 10.0, 3603.0) is None


@pytest.mark.parametrize("phase", [("proxy", "refused"), ("token", "refused_by_guard")])
def test_what_is_no_fault_of_the_endpoint_makes_no_pause(phase: tuple[str, str]) -> None:
    pauses = Pauses()
    for _ in range(3):
        pauses.note("k", Failure(*phase, "no"), 10.0, AT, 0.0)
    assert pauses.kept("k", 10.0, 0.0) is None
