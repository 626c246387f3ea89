from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchpost.core.state import (
    FINE,
    IN_MAINTENANCE,
    Fault,
    LookAgain,
    Policy,
    Reading,
    Step,
    Track,
    cover,
    step,
    uncover,
)
from watchpost.core.types import Health, Overlay, OwnFault, Severity

T0 = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = Policy()
FAULT = Fault(OwnFault.EGRESS, "none of 3 references answers")
LEVEL = {".": None, "w": Severity.WARNING, "e": Severity.ERROR, "c": Severity.CRITICAL}


def at(n: int) -> datetime:
    return T0 + timedelta(seconds=30 * n)


def reading(word: str, n: int) -> Reading:
    """``.wec`` plain looks, ``WEC`` settled ones, ``?`` inconclusive."""
    if word == "?":
        return Reading(at(n), None, conclusive=False, note="too many requests")
    severity = LEVEL[word.lower()]
    return Reading(at(n), severity, severity if word.isupper() else None)


def run(looks: str, policy: Policy = POLICY, track: Track | None = None) -> list[Step]:
    """A trailing ``!`` on a look: there is evidence of our own fault."""
    track, steps = track or Track(), []
    words = [looks[i : i + 1] + ("!" if looks[i + 1 : i + 2] == "!" else "") for i in range(len(looks))]
    for n, word in enumerate(w for w in words if w[0] != "!"):
        steps.append(step(track, reading(word[0], n), policy, FAULT if "!" in word else None, at(n)))
        track = steps[-1].track
    return steps


def told(steps: list[Step]) -> list[tuple[str, str, int, int, bool]]:
    """(before, after, look it was said at, look it began at, rise)."""
    return [
        (t.before, t.after, round((t.at - T0).seconds / 30), round((t.began - T0).seconds / 30), t.rise)
        for t in (s.transition for s in steps)
        if t
    ]


FIRST = ("new", "up", 0, 0, False)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        (".", [FIRST]),
        ("...", [FIRST]),
        ("e", []),  # a new monitor is not down after one look
        ("ee", [("new", "down", 1, 0, True)]),
        ("we", [("new", "degraded", 1, 0, True)]),
        ("e.", [("new", "up", 1, 1, False)]),
        (".e.e.e.", [FIRST]),
        (".ee", [FIRST, ("up", "down", 2, 1, True)]),
        (".ww", [FIRST, ("up", "degraded", 2, 1, True)]),
        (".we", [FIRST, ("up", "degraded", 2, 1, True)]),
        # Its own beginning: the degraded hours before do not back-date the outage.
        (".wwwwwee", [FIRST, ("up", "degraded", 2, 1, True), ("degraded", "down", 7, 6, True)]),
        (".ww.ww", [FIRST, ("up", "degraded", 2, 1, True)]),
        (".eecc", [FIRST, ("up", "down", 2, 1, True), ("down", "down", 4, 3, True)]),
        (".cc", [FIRST, ("up", "down", 2, 1, True)]),
        (".ee..", [FIRST, ("up", "down", 2, 1, True), ("down", "up", 4, 3, False)]),
        (".ee.e.", [FIRST, ("up", "down", 2, 1, True)]),
        (".ee.w", [FIRST, ("up", "down", 2, 1, True), ("down", "up", 4, 3, False)]),
        (".eew.", [FIRST, ("up", "down", 2, 1, True), ("down", "up", 4, 3, False)]),
        (".eeww", [FIRST, ("up", "down", 2, 1, True), ("down", "degraded", 4, 3, False)]),
        (".ww..", [FIRST, ("up", "degraded", 2, 1, True), ("degraded", "up", 4, 3, False)]),
        # Critical falling to error is still down and not worth a row; one good look does not end it.
        (".ccee", [FIRST, ("up", "down", 2, 1, True)]),
        (".cce.", [FIRST, ("up", "down", 2, 1, True)]),
        (".cce..", [FIRST, ("up", "down", 2, 1, True), ("down", "up", 5, 4, False)]),
        (".cceecc", [FIRST, ("up", "down", 2, 1, True), ("down", "down", 6, 5, True)]),
        # Settled findings count at once and end at once.
        (".E", [FIRST, ("up", "down", 1, 1, True)]),
        ("W", [("new", "degraded", 0, 0, True)]),
        (".WWW.", [FIRST, ("up", "degraded", 1, 1, True), ("degraded", "up", 4, 4, False)]),
        (".eE", [FIRST, ("up", "down", 2, 1, True)]),
        (".eeC.", [FIRST, ("up", "down", 2, 1, True), ("down", "down", 3, 3, True)]),
        (".wwE.", [FIRST, ("up", "degraded", 2, 1, True), ("degraded", "down", 3, 3, True),
                   ("down", "degraded", 4, 4, False)]),
        (".Ee.", [FIRST, ("up", "down", 1, 1, True)]),  # the error went on without it: now confirmed
        # Inconclusive looks neither heal nor hurt nor break a streak.
        (".e?e", [FIRST, ("up", "down", 3, 1, True)]),
        (".ee?.?.", [FIRST, ("up", "down", 2, 1, True), ("down", "up", 6, 4, False)]),
        ("???", []),
        # Our own fault: unknown, said once; lifted by the first look that counts.
        (".e!e!e!", [FIRST, ("up", "unknown", 1, 1, False)]),
        (".e!e!.", [FIRST, ("up", "unknown", 1, 1, False), ("unknown", "up", 3, 3, False)]),
        (".e!.!", [FIRST, ("up", "unknown", 1, 1, False), ("unknown", "up", 2, 2, False)]),
        (".e!ee", [FIRST, ("up", "unknown", 1, 1, False), ("unknown", "up", 2, 2, False),
                   ("up", "down", 3, 2, True)]),
        (".ee!e", [FIRST, ("up", "unknown", 2, 2, False), ("unknown", "down", 3, 1, True)]),
        (".ee.!.!", [FIRST, ("up", "down", 2, 1, True), ("down", "up", 4, 3, False)]),
        (".e!?", [FIRST, ("up", "unknown", 1, 1, False)]),
    ],
)  # fmt: skip
def test_the_table_of_transitions(looks: str, expected: list[tuple[str, str, int, int, bool]]) -> None:
    assert told(run(looks)) == expected


@pytest.mark.parametrize(
    ("looks", "again"),
    [
        (".", None),
        (".e", LookAgain(3.0, 5.0, 1)),
        (".ee", None),
        (".eee", None),
        (".eec", LookAgain(3.0, 5.0, 1)),
        (".wwe", LookAgain(3.0, 5.0, 1)),
        (".ee.", LookAgain(3.0, 5.0, 0)),
        (".ee..", None),
        (".we", LookAgain(3.0, 5.0, 1)),  # degraded is confirmed, down not yet
        (".ee.w", LookAgain(3.0, 5.0, 1)),  # up is confirmed, the warning not yet
        ("e", LookAgain(3.0, 5.0, 1)),
        (".e?", None),
        (".e!", None),
        (".E", None),
    ],
)
def test_what_is_looked_at_again(looks: str, again: LookAgain | None) -> None:
    assert run(looks)[-1].look_again == again


def test_resolvers_alternate_and_the_deadline_is_the_smaller_one() -> None:
    steps = run(".eee", Policy(confirm=4, timeout_s=2.0))
    assert [s.look_again and s.look_again.resolver for s in steps] == [None, 1, 0, 1]
    assert steps[-1].look_again == LookAgain(3.0, 2.0, 1)


def test_reasons_are_sentences() -> None:
    assert run("..")[-1].reason is FINE
    assert run(".e")[-1].reason == "1 of 2 looks failed; looking again in 3 s with another resolver"
    assert run(".ee.")[-1].reason == "1 of 2 looks were better; looking again in 3 s"
    assert "too many requests" in run(".?")[-1].reason
    assert FAULT.sentence in run(".e!")[-1].reason


def test_a_steady_state_keeps_the_very_track() -> None:
    for looks in ("....", ".eeee", ".wwww", ".eeEEE", ".e!e!"):
        *_, before, last = run(looks)
        assert last.track is before.track or last.track == before.track
    up = run("..")
    assert up[1].track is up[0].track
    down = run(".eeee")
    assert down[-1].track is down[-2].track


def test_confirm_one_is_immediate_both_ways() -> None:
    assert told(run(".e.", Policy(confirm=1, recover=1))) == [
        FIRST,
        ("up", "down", 1, 1, True),
        ("down", "up", 2, 2, False),
    ]


def test_fewer_recoveries_than_confirmations_still_ask_every_look_of_the_recovery() -> None:
    assert run(".eeeww", Policy(confirm=3, recover=2))[-1].track.health is Health.DEGRADED
    assert run(".eeee.eww", Policy(confirm=4, recover=2))[-1].track.health is Health.DEGRADED


def test_a_rise_keeps_the_beginning_of_the_outage() -> None:
    assert run(".eecc")[-1].track.since == at(1)


def test_critical_may_fall_to_error_while_unknown_is_lifted() -> None:
    last = run(".ccee!e")[-1]
    assert last.transition is not None
    assert (last.transition.before, last.transition.after) == ("unknown", "down")
    assert (last.transition.severity, last.transition.rise) == (Severity.ERROR, False)


def test_an_outage_ends_with_a_good_look_even_when_the_policy_changed_meanwhile() -> None:
    slow = run(".ccee", Policy(recover=5))[-1].track
    first = step(slow, reading(".", 5), Policy(recover=5), None, at(5)).track
    last = step(first, reading(".", 6), POLICY, None, at(6))
    assert last.transition is not None
    assert (last.transition.after, last.transition.began) == ("up", at(5))


def test_up_remembers_no_streaks() -> None:
    track = run(".ee..")[-1].track
    assert track.failing is track.recovering
    assert track.since == at(3)


def test_maintenance_freezes_and_says_again_that_it_is_down() -> None:
    down = run(".ee")[-1].track
    inside = cover(down, Overlay.MAINTENANCE, "Window: upgrade", at(10))
    assert inside.transition is not None
    assert (inside.transition.before, inside.transition.after) == ("down", "maintenance")
    look = step(inside.track, reading(".", 11), POLICY, None, at(11))
    assert (look.track, look.transition, look.reason) == (inside.track, None, IN_MAINTENANCE)
    out = uncover(look.track, "The window ended.", at(12))
    assert out.transition is not None
    assert out.transition.after == "down"
    assert out.look_again == LookAgain(0.0, 5.0, 0)
    assert "still down since 2026-01-01 00:00:30 UTC" in out.reason
    assert out.track.since == at(1)


def test_what_began_inside_a_window_keeps_that_beginning_and_is_still_confirmed_after_it() -> None:
    covered = cover(run(".")[-1].track, Overlay.MAINTENANCE, "Window", at(1)).track
    inside = [step(covered, reading(".", 2), POLICY, None, at(2))]
    for n, word in enumerate("e.w?ee", start=3):
        inside.append(step(inside[-1].track, reading(word, n), POLICY, None, at(n)))
    assert all(s.transition is None and s.reason == IN_MAINTENANCE for s in inside)
    assert inside[-1].track is inside[-2].track  # a long window writes nothing more
    out = uncover(inside[-1].track, "The window ended.", at(10))
    assert (out.track.shown, out.look_again) == ("up", LookAgain(0.0, 0.0, 0))
    track = Track.from_json(json.loads(json.dumps(out.track.to_json())))
    first = step(track, reading("e", 10), POLICY, None, at(10))
    assert first.transition is None
    second = step(first.track, reading("e", 11), POLICY, None, at(11))
    assert told([second]) == [("up", "down", 11, 7, True)]  # degraded since 5, down since 7
    well = step(track, reading(".", 10), POLICY, None, at(10)).track
    late = step(well, reading("e", 20), POLICY, None, at(20)).track
    assert told([step(late, reading("e", 21), POLICY, None, at(21))]) == [("up", "down", 21, 20, True)]


def test_a_failure_of_our_own_or_a_pause_inside_a_window_gives_no_beginning() -> None:
    covered = cover(run(".")[-1].track, Overlay.MAINTENANCE, "Window", at(1)).track
    assert step(covered, reading("e", 2), POLICY, FAULT, at(2)).track is covered
    failing = step(covered, reading("e", 2), POLICY, None, at(2)).track
    paused = cover(failing, Overlay.PAUSED, "by Ann", at(3)).track
    resumed = uncover(paused, "Resumed", at(100)).track
    first = step(resumed, reading("e", 101), POLICY, None, at(101)).track
    assert told([step(first, reading("e", 102), POLICY, None, at(102))]) == [("up", "down", 102, 101, True)]


def test_the_stronger_overlay_wins() -> None:
    up = run(".")[-1].track
    paused = cover(up, Overlay.PAUSED, "by Ann", at(1)).track
    assert cover(paused, Overlay.MAINTENANCE, "window", at(2)).track is paused
    assert cover(paused, Overlay.PAUSED, "again", at(2)).transition is None
    planned = cover(up, Overlay.MAINTENANCE, "window", at(1)).track
    assert cover(planned, Overlay.PAUSED, "by Ann", at(2)).track.shown == "paused"
    unknown = run(".e!")[-1].track
    assert cover(unknown, Overlay.MAINTENANCE, "window", at(3)).track.shown == "maintenance"
    assert uncover(up, "nothing to do", at(3)).transition is None
    resumed = uncover(paused, "Resumed by Ann.", at(5))
    assert resumed.track == up
    assert resumed.look_again is None


def test_flapping_is_four_changes_of_health_in_half_an_hour() -> None:
    steps = run(".ee..ee..")
    assert [s.track.flapping(at(8)) for s in steps] == [False] * 8 + [True]
    assert not steps[-1].track.flapping(at(8) + timedelta(minutes=30))
    assert not steps[-1].track.flapping(at(8), 5)
    rises = run(".eecc")[-1].track
    assert len(rises.flips) == 1
    assert not run(".e!.e!.e!.e!.")[-1].track.flips


WORDS = st.lists(st.sampled_from([*".wec", *"WEC", "?", "e!", "w!", ".!", "C!"]), max_size=40).map("".join)
PLAIN = st.text(alphabet=".wec", max_size=40)
POLICIES = st.builds(Policy, confirm=st.integers(1, 4), recover=st.integers(1, 4))


def _looks(looks: str) -> list[str]:
    out: list[str] = []
    for char in looks:
        if char == "!":
            out[-1] += "!"
        else:
            out.append(char)
    return out


def _hits(word: str, severity: Severity) -> bool:
    level = LEVEL.get(word[0].lower())
    return level is not None and level >= severity


@settings(max_examples=300, deadline=None)
@given(WORDS, POLICIES)
def test_a_worsening_rests_on_enough_looks_in_a_row(looks: str, policy: Policy) -> None:
    words = _looks(looks)
    for n, each in enumerate(run(looks, policy)):
        t = each.transition
        if t is None or not t.rise:
            continue
        assert t.severity is not None
        counted = [w for w in words[: n + 1] if w[0] != "?" and not (w[-1] == "!" and w[0] != ".")]
        settled = words[n][0].isupper() and _hits(words[n], t.severity)
        in_a_row = counted[-policy.confirm :]
        assert settled or (len(in_a_row) == policy.confirm and all(_hits(w, t.severity) for w in in_a_row))
        began = round((t.began - T0).seconds / 30)
        assert _hits(words[began], t.severity)
        assert all(_hits(w, t.severity) or w[0] == "?" or w[-1] == "!" for w in words[began : n + 1])
        assert not words[began].endswith("!")


@settings(max_examples=300, deadline=None)
@given(WORDS, POLICIES)
def test_an_outage_ends_only_after_enough_better_looks(looks: str, policy: Policy) -> None:
    words, before = _looks(looks), Track()
    for n, each in enumerate(run(looks, policy)):
        left_down = before.health is Health.DOWN and each.track.health is not Health.DOWN
        firm_down = (before.firm or 0) >= Severity.ERROR
        if left_down and firm_down:
            counted = [w for w in words[: n + 1] if w[0] != "?" and not (w[-1] == "!" and w[0] != ".")]
            assert not any(_hits(w, Severity.ERROR) for w in counted[-policy.recover :])
        if left_down:
            assert each.transition is not None
            began = round((each.transition.began - T0).seconds / 30)
            assert not _hits(words[began], Severity.ERROR)
            assert each.track.since == each.transition.began
        before = each.track


@settings(max_examples=200, deadline=None)
@given(PLAIN, POLICIES)
def test_our_own_fault_never_makes_a_new_verdict(looks: str, policy: Policy) -> None:
    track = run("..")[-1].track
    for n, word in enumerate(looks):
        track = step(track, reading(word, n), policy, FAULT, at(n)).track
        assert track.health is Health.UP
        assert track.shown == ("up" if word == "." else "unknown")


@settings(max_examples=300, deadline=None)
@given(WORDS, POLICIES)
def test_transitions_chain_and_nothing_changes_without_one(looks: str, policy: Policy) -> None:
    before = Track()
    for each in run(looks, policy):
        t = each.transition
        assert each.reason
        if t is None:
            assert each.track.shown == before.shown
            assert (each.track.severity or 0) <= (before.severity or 0)
        else:
            assert (t.before, t.after) == (before.shown, each.track.shown)
            assert t.before != t.after or t.rise
            assert (t.health, t.severity) == (each.track.health, each.track.severity)
            assert t.began <= t.at
            assert t.rise == ((each.track.severity or 0) > (before.severity or 0))
        assert (each.track.firm or 0) <= (each.track.severity or 0)
        before = each.track


@settings(max_examples=200, deadline=None)
@given(WORDS, POLICIES)
def test_a_restart_changes_nothing(looks: str, policy: Policy) -> None:
    whole = run(looks, policy)
    track = Track()
    for n, word in enumerate(_looks(looks)):
        track = Track.from_json(json.loads(json.dumps(track.to_json())))
        again = step(track, reading(word[0], n), policy, FAULT if "!" in word else None, at(n))
        assert again == whole[n]
        track = again.track


@settings(max_examples=200, deadline=None)
@given(WORDS, POLICIES)
def test_enough_equal_looks_always_settle_the_state(looks: str, policy: Policy) -> None:
    for word, health in ((".", Health.UP), ("w", Health.DEGRADED), ("e", Health.DOWN), ("c", Health.DOWN)):
        last = run(looks + word * max(policy.confirm, policy.recover), policy)[-1]
        assert (last.track.health, last.track.severity) == (health, LEVEL[word])
        assert last.track.overlay is Overlay.NONE
        assert last.look_again is None


@given(WORDS, st.sampled_from([Overlay.PAUSED, Overlay.MAINTENANCE]), WORDS)
@settings(max_examples=100, deadline=None)
def test_planned_overlays_freeze_everything(before: str, overlay: Overlay, inside: str) -> None:
    track = run("." + before)[-1].track
    covered = cover(track, overlay, "planned", at(100)).track
    steps = run(inside, track=covered)
    assert all(s.transition is None and replace(s.track, hidden=covered.hidden) == covered for s in steps)
    bare = uncover(covered, "over", at(200)).track
    assert (bare.health, bare.failing, bare.firm) == (track.health, track.failing, track.firm)
