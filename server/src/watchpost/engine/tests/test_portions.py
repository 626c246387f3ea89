"""A storm is stored in portions: nothing is lost, nothing overtakes what it belongs to."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from watchpost.engine.apply import Also, StateChange
from watchpost.engine.portions import split

IDS = st.integers(1, 6)


def change(monitor_id: int, version: int) -> StateChange:
    return StateChange(monitor_id, version, "down", "down", 3, None, "", False, {}, None, None)


@given(st.lists(IDS, max_size=20), st.lists(IDS, max_size=20), st.integers(1, 7))
def test_every_decision_is_in_one_portion_with_what_belongs_to_it(
    ids: list[int], besides: list[int], most: int
) -> None:
    looks: list[Any] = ["a look", "another"]
    changes = [change(one, number) for number, one in enumerate(ids)]
    also = [Also(one, print, number) for number, one in enumerate(besides)]
    found = list(split(looks, changes, also, most))
    assert [each for one in found for each in one.changes] == changes
    assert [each for one in found for each in one.looks] == found[0].looks == looks
    assert sorted(each.what for one in found for each in one.also) == list(range(len(besides)))
    assert all(len(one.changes) <= most for one in found)
    for number, one in enumerate(found):
        later = {each.monitor_id for other in found[number + 1 :] for each in other.changes}
        assert later.isdisjoint(each.monitor_id for each in one.also)
        stored = {each.monitor_id for other in found[: number + 1] for each in other.changes}
        assert number == len(found) - 1 or {each.monitor_id for each in one.also} <= stored
        assert [each.what for each in one.also] == sorted(each.what for each in one.also)
