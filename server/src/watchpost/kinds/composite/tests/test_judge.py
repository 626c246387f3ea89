"""What a composite makes of the states of its monitors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from watchpost.codes import catalogue, severity_of
from watchpost.core.types import Health, Observation, Outcome, Overlay, Past, Phases, Severity, State, Verdict
from watchpost.kinds.composite import KIND
from watchpost.kinds.composite.config import CompositeConfig
from watchpost.kinds.composite.judge import judge

NOW = datetime(2026, 11, 3, 14, 0, tzinfo=UTC)
SEEN = Observation(1, "local", NOW, 1, Outcome.OK, Phases(), 0.0, "", {})
LETTERS = {
    "u": (Health.UP, Overlay.NONE),
    "g": (Health.DEGRADED, Overlay.NONE),
    "d": (Health.DOWN, Overlay.NONE),
    "n": (Health.NEW, Overlay.NONE),
    "p": (Health.DOWN, Overlay.PAUSED),
    "m": (Health.UP, Overlay.MAINTENANCE),
    "?": (Health.UP, Overlay.UNKNOWN),
}


def states(letters: str) -> dict[str, State]:
    """One monitor a letter: a, b, c, ...; a dot is one that does not exist."""
    found = zip("abcdefgh", letters, strict=False)
    return {name: State(name.upper(), *LETTERS[letter]) for name, letter in found if letter != "."}


def config(letters: str, need: Any = None, weights: tuple[float, ...] = ()) -> CompositeConfig:
    names = "abcdefgh"[: len(letters)]
    of = [{"monitor": n, "weight": w} for n, w in zip(names, weights, strict=True)] if weights else [*names]
    return CompositeConfig.model_validate({"of": of, "need": need})


def judged(letters: str, need: Any = None, weights: tuple[float, ...] = ()) -> Verdict:
    return judge(config(letters, need, weights), SEEN, {}, Past(states=states(letters)), NOW)


def codes(verdict: Verdict) -> str:
    short = " ".join(sorted(one.code.removeprefix("composite.") for one in verdict.findings))
    return short if verdict.conclusive else f"open {short}".strip()


@pytest.mark.parametrize(
    ("letters", "need", "weights", "expected"),
    [
        ("uuu", None, (), ""),
        ("uud", None, (), "too_few"),
        ("uud", 2, (), "some_down"),
        ("udd", 2, (), "too_few"),
        ("udd", "2", (), "too_few"),
        ("ugd", 2, (), "degraded some_down"),
        ("ug", None, (), "degraded"),
        # of what is covered nothing is known: it decides only where it cannot
        ("upu", 2, (), ""),
        ("upd", 2, (), "open"),
        ("pdd", 2, (), "too_few"),
        ("m", None, (), "open"),
        ("?", None, (), "open"),
        ("nn", 1, (), "open"),
        ("un", 1, (), ""),
        # weights and shares
        ("ud", 2, (2, 1), "some_down"),
        ("du", 2, (2, 1), "too_few"),
        ("uudd", "50%", (), "some_down"),
        ("uudd", "50.1%", (), "too_few"),
        ("uuu", "100%", (0.1, 0.1, 0.1), ""),
        ("uuud", 0.3, (0.1, 0.1, 0.1, 0.1), "some_down"),
        ("du", "60 %", (2, 3), "some_down"),
        # gone
        ("u.", None, (), "child_missing"),
        ("u.", 2, (), "child_missing"),
        ("d.", 2, (), "child_missing too_few"),
        ("..", None, (), "child_missing child_missing"),
        ("p.", None, (), "open child_missing"),
    ],
)
def test_what_follows_from_the_states(letters: str, need: Any, weights: Any, expected: str) -> None:
    assert codes(judged(letters, need, weights)) == expected


def test_the_sentence_names_how_many_and_which() -> None:
    [one] = judged("uddp", 3).findings
    assert one.sentence == "1 of 4 up, 3 needed: B and C are down, and nothing is known of D (paused)."
    assert one.fix.startswith("Mend B and C first: ")
    [one] = judged("ud", 3, (2, 2)).findings
    assert one.sentence == "Weight 2 of weight 4 up, weight 3 needed: B is down."
    [one] = judged("uud", 2).findings
    assert one.sentence == "C is down; 2 needed, so nothing more may fail."
    [one] = judged("uuud", 2).findings
    assert one.sentence == "D is down; 2 needed, so 1 more may fail."
    assert judged("un").note == "1 up and 2 needed; nothing is known of B (new)."
    [one] = judged("u.").findings
    assert "The monitor b does not exist any more" in one.sentence


def test_only_too_few_is_an_outage_and_needs_no_second_look() -> None:
    entries = {one: catalogue()[one] for one in KIND.codes}
    down = {one for one, entry in entries.items() if entry.severity >= Severity.ERROR}
    assert down == {"composite.too_few"}
    assert entries["composite.too_few"].settled


LETTER = st.sampled_from("ugdnpm?")
FAMILIES = st.lists(LETTER, min_size=1, max_size=8).map("".join)


def is_down(verdict: Verdict) -> bool:
    return any(severity_of(one) >= Severity.ERROR for one in verdict.findings)


@given(FAMILIES, st.integers(1, 8), st.integers(0, 7))
def test_knowing_more_never_reverses_what_was_certain(letters: str, need: int, at: int) -> None:
    """What is decided with unknown monitors stays decided whatever they turn out to be; what is not, is not."""
    need, at = min(need, len(letters)), at % len(letters)
    before = judged(letters, need)
    if letters[at] not in "npm?":
        return
    good, bad = (judged(letters[:at] + one + letters[at + 1 :], need) for one in "ud")
    if before.conclusive:
        assert is_down(good) == is_down(bad) == is_down(before)
    else:
        assert not (is_down(good) and not is_down(bad))


@given(FAMILIES, st.integers(1, 8), st.integers(0, 7))
def test_one_more_that_is_up_never_makes_it_worse(letters: str, need: int, at: int) -> None:
    need, at = min(need, len(letters)), at % len(letters)
    better = judged(letters[:at] + "u" + letters[at + 1 :], need)
    assert is_down(judged(letters, need)) or not is_down(better)


@given(FAMILIES, st.integers(1, 8))
def test_whole_weights_and_shares_say_the_same(letters: str, need: int) -> None:
    """Needing n of m, the same with every weight doubled, and the share n/m agree."""
    size = len(letters)
    need = min(need, size)
    plain = judged(letters, need)
    doubled = judged(letters, need * 2, (2.0,) * size)
    assert (is_down(plain), plain.conclusive) == (is_down(doubled), doubled.conclusive)
    if 100 * need % size == 0:
        share = judged(letters, f"{100 * need // size}%")
        assert (is_down(plain), plain.conclusive) == (is_down(share), share.conclusive)


@pytest.mark.parametrize(
    ("spec", "where", "words"),
    [
        ({"of": []}, "of", ""),
        ({"of": ["a", "a"]}, "of", "a stands there twice"),
        ({"of": ["a", {"monitor": "a", "weight": 2}]}, "of", "a stands there twice"),
        ({"of": ["a", "b"], "need": 3}, "need", "3 is never reached: together they are 2"),
        ({"of": ["a", "b"], "need": 0}, "need", "0 would be up whatever happens"),
        ({"of": ["a", "b"], "need": "101%"}, "need", "more than all"),
        ({"of": ["a", "b"], "need": "most"}, "need", "'most' is not possible; write a number such as 2"),
        ({"of": ["a", "b"], "need": -1}, "need", "-1 is not possible"),
        ({"of": ["a", "b"], "need": True}, "need", "not possible"),
        ({"of": [{"monitor": "a", "weight": 0}]}, "of", "greater than 0"),
        ({"of": [{"monitor": "a", "wait": 1}]}, "of", ""),
    ],
)
def test_a_wrong_configuration_names_the_field(spec: dict[str, Any], where: str, words: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        CompositeConfig.model_validate(spec)
    errors = wrong.value.errors()
    assert {error["loc"][0] for error in errors} == {where}
    assert any(words in error["msg"] for error in errors)


def test_it_describes_itself() -> None:
    assert KIND.describe(config("uuu", 2)) == "2 of a, b, c: up"
    assert KIND.describe(config("uu")) == "all of a, b: up"
    assert KIND.describe(config("uu", 3, (2, 2.5))) == "weight 3 of a (weight 2), b (weight 2.5): up"


def test_the_page_shows_whom_it_counts() -> None:
    children = [("a", "Home", "up"), ("b", "Basket", "down")]
    facts = {"children": [{"slug": slug, "name": name, "state": state} for slug, name, state in children]}
    [panel] = KIND.panels(config("uuu"), facts, {})
    assert panel.rows == (("Basket", "down"), ("c", "does not exist"), ("Home", "up")), "trouble comes first"
    assert (panel.slugs, panel.marks) == (("b", "c", "a"), ("down", "", "up"))
    assert KIND.panels(config("uu"), {}, {}) == ()
