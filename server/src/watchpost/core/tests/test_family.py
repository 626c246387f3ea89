"""What stands on what, and when the trouble of one explains that of another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.core.family import carries, circle, explains, gap_s, has_answered, listed, suffixes
from watchpost.core.incident import Member, explained, headline, sought
from watchpost.core.state import Streak
from watchpost.core.title import title
from watchpost.core.track import NO_STREAK, Track
from watchpost.core.types import Health, Overlay, Severity

NOW = datetime(2026, 11, 3, 14, 0, tzinfo=UTC)
DOUBT = (NO_STREAK, Streak(1, NOW), NO_STREAK)


@pytest.mark.parametrize("health", Health)
@pytest.mark.parametrize("overlay", Overlay)
def test_only_what_is_down_and_watched_explains(health: Health, overlay: Overlay) -> None:
    wanted = health is Health.DOWN and overlay is not Overlay.PAUSED
    assert explains(Track(health=health, overlay=overlay)) is wanted


@pytest.mark.parametrize(
    ("track", "seen_s", "interval_s", "expected"),
    [
        (Track(health=Health.UP), 1, 60, True),
        (Track(health=Health.UP), 0, 60, True),
        (Track(health=Health.UP), -1, 60, False),
        (Track(health=Health.UP), None, 60, False),
        (Track(health=Health.UP, failing=DOUBT), 1, 60, False),
        (Track(health=Health.UP, failing=DOUBT, overlay=Overlay.UNKNOWN), 1, 60, True),
        (Track(health=Health.DOWN), 1, 60, True),
        (Track(health=Health.DOWN, failing=DOUBT), 1, 60, True),
        (Track(health=Health.DOWN, recovering=DOUBT), 1, 60, False),
        (Track(health=Health.UP), -299, 86_400, True),
        (Track(health=Health.UP), -301, 86_400, False),
        (Track(health=Health.NEW), None, 86_400, False),
    ],
)
def test_an_answer_is_newer_than_the_question_and_free_of_doubt(
    track: Track, seen_s: float | None, interval_s: float, expected: bool
) -> None:
    seen = None if seen_s is None else NOW + timedelta(seconds=seen_s)
    assert has_answered(track, seen, interval_s, NOW) is expected


def test_a_slow_parent_is_asked_rarely() -> None:
    assert (gap_s(60), gap_s(3600), gap_s(86_400)) == (5, 300, 300)


def test_the_suffixes_of_a_host() -> None:
    assert list(suffixes("a.shop.example")) == ["a.shop.example", "shop.example", "example"]
    assert list(suffixes("")) == []


@pytest.mark.parametrize(
    ("above", "above_depth", "host", "depth", "expected"),
    [
        ("shop.example", 1, "shop.example", None, True),
        ("shop.example", 1, "www.shop.example", None, True),
        ("shop.example", 1, "myshop.example", None, False),
        ("www.shop.example", 1, "shop.example", None, False),
        ("shop.example", 2, "shop.example", 1, True),
        ("shop.example", 1, "shop.example", 2, False),
        ("shop.example", 1, "shop.example", 1, False),
        ("shop.example", 1, "eu.shop.example", 1, True),
        ("shop.example", 1, "eu.shop.example", 2, False),
    ],
)
def test_who_carries_whom(above: str, above_depth: int, host: str, depth: int | None, expected: bool) -> None:
    assert carries(above, above_depth, host, depth) is expected


NAMES = st.sampled_from(["a", "b.a", "c.b.a", "c.a"])


@given(st.lists(st.tuples(NAMES, st.integers(1, 3)), min_size=1, max_size=6))
def test_by_nature_there_is_no_circle(places: list[tuple[str, int]]) -> None:
    edges = {
        str(one): [
            str(other)
            for other, (above, deep) in enumerate(places)
            if other != one and carries(above, deep, host, depth)
        ]
        for one, (host, depth) in enumerate(places)
    }
    assert all(circle(name, edges) == () for name in edges)


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({"a": ["b"], "b": ["c"], "c": []}, ()),
        ({"a": ["a"]}, ("a", "a")),
        ({"a": ["b"], "b": ["a"]}, ("a", "b", "a")),
        ({"a": ["x", "b"], "b": ["c"], "c": ["a"]}, ("a", "b", "c", "a")),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, ()),
        ({"a": ["b", "d"], "b": ["c"], "c": ["a"], "d": ["a"]}, ("a", "d", "a")),
    ],
)
def test_the_way_round_a_circle(edges: dict[str, list[str]], expected: tuple[str, ...]) -> None:
    assert circle("a", edges) == expected


def test_names_are_listed() -> None:
    assert [listed(list("abc")[:count]) for count in (0, 1, 2, 3)] == ["", "a", "a and b", "a, b and c"]
    assert listed(list("abcdefg"), 3) == "a, b, c and 4 more"


def member(number: int, *shares: str, severity: Severity = Severity.ERROR, rank: int = 0) -> Member:
    return Member(
        number, "", "x.y", "", severity, f"S{number}.", "", rank, False, frozenset(shares), NOW, NOW,
        name=f"m{number}",
    )  # fmt: skip


def test_the_parent_heads_the_incident_whatever_the_rank_of_its_children() -> None:
    parent = member(1, "monitor:1", "over:1")
    child = member(2, "monitor:2", "over:2", "under:1", rank=90, severity=Severity.CRITICAL)
    grandchild = member(3, "monitor:3", "monitor:2", "under:1", rank=80)
    everyone = (grandchild, child, parent)
    assert explained(everyone) == {2, 3}
    assert headline(everyone) is parent
    assert title(everyone) == "m1: S1. 2 that depend on it are down, too: m3 and m2"
    assert title(everyone, over=True) == "m1: S1. 2 that depend on it were down, too: m3 and m2"
    assert title((parent, child, member(4))) == "m1: S1. m2 depends on it and is down, too; and 1 more"
    files = replace(child, name="Static files")
    assert title((parent, files)) == "m1: S1. Static files depend on it and are down, too"


def test_a_degraded_parent_explains_nobody_and_a_circle_nobody() -> None:
    assert explained((member(1, severity=Severity.WARNING), member(2, "under:1"))) == frozenset()
    assert explained((member(1, "under:2"), member(2, "under:1"))) == frozenset()


def test_neighbours_share_nothing_and_a_parent_finds_its_children() -> None:
    one, two, parent = (frozenset(s) for s in ({"under:1"}, {"under:1"}, {"over:1"}))
    assert not sought(one) & two
    assert sought(one) & parent
    assert sought(parent) & two
    assert sought(frozenset({"host:a"})) == {"host:a"}
