"""Why something does not work, told apart by what drivers and client libraries say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django_watchpost.health.contract import Result, error


@dataclass(frozen=True, slots=True)
class Cause:
    """``words``: a pattern in what the library says, or in the name of its exception; ``numbers``: SQLSTATE,
    errno or MySQL's error. ``sentence`` may name {said} and whatever else ``explain`` is given."""

    name: str
    words: str
    numbers: tuple[str | int, ...]
    sentence: str
    fix: str
    code: str = ""


def explain(problem: BaseException, causes: Sequence[Cause], code: str, **known: Any) -> Result:
    """The first of ``causes`` that fits ``problem`` or one of those it came from; the last is for the rest.
    ``code``: of a cause that
    has none of its own. ``known``: what the sentences name."""
    cause = next((one for one in causes if _fits(one, problem)), causes[-1])
    sentence = cause.sentence.format(said=first_line(problem), **known)
    sentence = sentence[0].upper() + sentence[1:] + ("" if sentence[-1] in ".!?" else ".")
    return error(sentence, code=cause.code or code, fix=cause.fix, details={"cause": cause.name})


def _fits(cause: Cause, problem: BaseException) -> bool:
    return any(
        re.search(cause.words, f"{type(one).__name__}: {one}") or not _numbers(one).isdisjoint(cause.numbers)
        for one in chain(problem)
    )


def chain(problem: BaseException | None) -> Iterator[BaseException]:
    """An exception and those it came from."""
    seen: set[int] = set()
    while problem is not None and id(problem) not in seen:
        seen.add(id(problem))
        yield problem
        problem = problem.__cause__ or problem.__context__


def _numbers(problem: BaseException) -> set[str | int]:
    first = problem.args[0] if problem.args else None
    return {one for one in (getattr(problem, "sqlstate", None), first) if isinstance(one, (str, int))}


def first_line(problem: BaseException) -> str:
    """What a driver says, in one line; libpq writes one for each address, the last being the last tried."""
    words = problem.args[1] if len(problem.args) > 1 and isinstance(problem.args[1], str) else str(problem)
    lines = [line.strip() for line in str(words).splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line] or lines or [type(problem).__name__]
    return telling[0].rsplit("FATAL:", 1)[-1].strip()[:300]
