"""A name for a look: which of our resolvers is asked, and whose fault it is when nothing comes.

A resolver that stays silent (no answer, SERVFAIL, refused) says nothing about the target. So the same
look asks the next one, or, with one only, the same one again past the cache.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

from watchpost.outbound.resolver import Answer, Resolved, ResolveFailure, Resolver, disagree
from watchpost.registry import ANEW

_MOST_ASKED = 3


@dataclass(frozen=True, slots=True)
class Found:
    """``silent``: resolvers that did not answer though another did. ``denied``: what one of two that
    disagree about the existence of the name says."""

    answer: Answer
    silent: tuple[str, ...] = ()
    denied: str = ""


@dataclass(frozen=True, slots=True)
class _Search:
    resolver: Resolver
    host: str
    family: str
    ends: float  # monotonic

    async def ask(self, index: int, fresh: bool, share: int) -> Answer:
        """Takes one of ``share`` parts of the time left: others, and the look itself, need some, too."""
        began = monotonic()
        try:
            async with asyncio.timeout(max(0.0, self.ends - began) / share):
                return await self.resolver.resolve(self.host, self.family, index, fresh)
        except TimeoutError:
            took_s = monotonic() - began
            who = self.resolver.called(index)
            sentence = f"{who} did not answer for {self.host} within {took_s:.2g} s"
            return ResolveFailure("timeout", sentence, took_s * 1000)

    async def ask_in_turn(self, asked: dict[int, Answer], fresh: bool) -> dict[int, Answer]:
        """Goes on with resolvers that were not asked yet until one speaks."""
        order = [index for index in range(min(self.resolver.count, _MOST_ASKED)) if index not in asked]
        for number, index in enumerate(order):
            if _speaking(asked.values()) is not None or monotonic() >= self.ends:
                break
            asked[index] = await self.ask(index, fresh, len(order) - number + 1)
        return asked


async def look_up(resolver: Resolver, host: str, family: str, first: int, ends: float) -> Found:
    """The addresses of ``host`` before ``ends``. ``first`` is that of ``Look.resolver``: 0 is a usual look,
    ``ANEW`` passes the cache; another index is a confirmation, which passes it, too, and asks two resolvers
    at once. Raises only on cancellation."""
    search = _Search(resolver, host, family, ends)
    if resolver.count == 1:
        return await _ask_the_only_one(search, fresh=first != 0)
    if first == 0:
        return _conclude(search, await search.ask_in_turn({}, fresh=False))
    other = 0 if first == ANEW else first % resolver.count
    if other == 0:
        return _conclude(search, await search.ask_in_turn({}, fresh=True))
    one, two = await asyncio.gather(search.ask(other, True, 2), search.ask(0, True, 2))
    found = _conclude(search, await search.ask_in_turn({other: one, 0: two}, fresh=True))
    if not disagree(two, one):
        return found
    denial = one if isinstance(one, ResolveFailure) else two
    return Found(found.answer, found.silent, getattr(denial, "sentence", ""))


async def _ask_the_only_one(search: _Search, fresh: bool) -> Found:
    answer = await search.ask(0, fresh, 2)
    if _speaking([answer]) is not None or monotonic() >= search.ends:
        return Found(_named(answer))
    return Found(_named(await search.ask(0, True, 2)))


def _speaking(answers: Iterable[Answer]) -> Answer | None:
    """An address, else that there is none; None: all were silent."""
    given = list(answers)
    for answer in given:
        if isinstance(answer, Resolved):
            return answer
    return next((a for a in given if isinstance(a, ResolveFailure) and a.names_fault), None)


def _conclude(search: _Search, asked: dict[int, Answer]) -> Found:
    silent = {i: a for i, a in asked.items() if isinstance(a, ResolveFailure) and not a.names_fault}
    answer = _speaking(asked.values())
    if answer is not None:
        return Found(answer, tuple(search.resolver.name_of(index) for index in silent))
    return Found(_nobody(search.host, list(silent.values())))


def _nobody(host: str, failures: list[ResolveFailure]) -> ResolveFailure:
    """SERVFAIL is said by a resolver that is alive, so it outweighs the others' silence."""
    took_ms = sum(failure.elapsed_ms for failure in failures)
    if not failures:
        return ResolveFailure("unanswered", f"no time was left to resolve {host}", took_ms)
    if len(failures) == 1:
        return _named(failures[0])  # type: ignore[return-value]
    said = "; ".join(failure.sentence for failure in failures)
    kind = "servfail" if any(failure.kind == "servfail" for failure in failures) else "unanswered"
    return ResolveFailure(kind, f"none of our resolvers can tell the address of {host}: {said}", took_ms)


def _named(answer: Answer) -> Answer:
    """Whether a resolver timed out or refused is in the sentence; what counts is that none has answered."""
    if isinstance(answer, ResolveFailure) and answer.kind in ("timeout", "refused"):
        return ResolveFailure("unanswered", answer.sentence, answer.elapsed_ms)
    return answer
