"""A tick's decisions in portions, each to be stored in a transaction of its own: in a storm of thousands the
first are told of while the last are still being written, and nobody's ping waits for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from watchpost.engine.apply import Also, StateChange
from watchpost.engine.memory import Written

MOST = 500  # changes at once


@dataclass(frozen=True, slots=True)
class Portion:
    looks: list[Written]
    changes: list[StateChange]
    also: list[Also]


def split(
    looks: list[Written], changes: list[StateChange], also: Sequence[Also], most: int = MOST
) -> Iterator[Portion]:
    """In order. What else belongs to a monitor comes with the last of its changes, or at the end; looks come
    with the first."""
    parts = [changes[start : start + most] for start in range(0, len(changes), most)] or [[]]
    last = {change.monitor_id: number for number, part in enumerate(parts) for change in part}
    mine: list[list[Also]] = [[] for _ in parts]
    for one in also:
        mine[last.get(one.monitor_id, len(parts) - 1)].append(one)
    for number, part in enumerate(parts):
        yield Portion(looks if number == 0 else [], part, mine[number])
