"""Whether the fault is ours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from watchpost.core.types import OwnFault
from watchpost.engine.selfcheck import ResolversSilent, SelfCheck

THREE = ("a", "b", "c")


def check_of(ask: Callable[[str], Awaitable[bool]], **more: object) -> SelfCheck:
    return SelfCheck(THREE, ask, **({"deadline_s": 0.1} | more))  # type: ignore[arg-type]


async def silent(_: str) -> bool:
    return False


async def hang(_: str) -> bool:
    await asyncio.Event().wait()
    return True


async def break_down(_: str) -> bool:
    raise OSError("no such thing")


async def run(check: SelfCheck, now_s: float = 0.0) -> SelfCheck:
    task = check.start(now_s)
    assert task is not None
    await asyncio.wait_for(task, 2)
    return check


@pytest.mark.parametrize("ask", [silent, hang, break_down])
async def test_silence_speaks_against_us_only_after_an_answer(ask: Callable[[str], Awaitable[bool]]) -> None:
    assert (await run(check_of(ask))).fault is None
    fault = (await run(check_of(ask, answered=True))).fault
    assert fault is not None
    assert "none of our 3 reference addresses answers" in fault.sentence


async def test_the_first_answer_ends_the_check() -> None:
    async def ask(url: str) -> bool:
        return url == "b" or await hang(url)

    check = check_of(ask, deadline_s=60.0)
    await run(check)
    assert check.answered


async def test_an_answer_takes_the_fault_back() -> None:
    check = check_of(silent, answered=True, fresh_s=0.0)
    await run(check)

    async def ask(_: str) -> bool:
        return True

    check.ask = ask
    assert (await run(check, 1.0)).fault is None


async def test_one_check_at_a_time_and_a_fresh_one_is_not_repeated() -> None:
    asked: list[str] = []

    async def ask(url: str) -> bool:
        asked.append(url)
        await asyncio.sleep(0)
        return False

    check = check_of(ask)
    first = check.start(0.0)
    assert check.start(0.0) is first
    assert first is not None
    await first
    assert check.start(9.9) is None
    assert asked == list(THREE)
    assert check.start(9.9, fresh_s=1.0) is not None


async def test_without_references_nothing_is_asked() -> None:
    assert SelfCheck((), silent).start(0.0) is None


async def test_resolvers_that_stay_silent_for_every_reference_are_named_as_the_fault() -> None:
    async def ask(_: str) -> bool:
        raise ResolversSilent("reference.example")

    fault = (await run(check_of(ask, answered=True))).fault
    assert fault is not None
    assert fault.kind is OwnFault.RESOLVER
    assert "resolvers" in fault.sentence


async def test_one_reference_whose_name_is_known_makes_it_the_network() -> None:
    async def ask(url: str) -> bool:
        if url == THREE[0]:
            return False
        raise ResolversSilent(url)

    fault = (await run(check_of(ask, answered=True))).fault
    assert fault is not None
    assert fault.kind is OwnFault.EGRESS
