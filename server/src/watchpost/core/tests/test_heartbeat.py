"""Pings and deadlines: what Healthchecks' own rules say, as tables and properties."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.core.heartbeat import (
    Beat,
    Deadline,
    Mail,
    Ping,
    Rules,
    Sign,
    Status,
    Trouble,
    Why,
    absence_s,
    deadline,
    due_at,
    is_running,
    pause,
    read_sign,
    resume,
    shown,
    take,
)
from watchpost.registry.schedule import Every

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOURLY = Rules(Every(3600), 600)
A, B = "a" * 8, "b" * 8


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def after(*signs: tuple[float, str] | tuple[float, str, str], rules: Rules = HOURLY) -> Beat:
    """The beat after these: minutes, sign, run."""
    beat = Beat()
    for minutes, sign, *run in signs:
        beat = take(rules, beat, Ping(at(minutes), Sign(sign), run=run[0] if run else "")).beat
    return beat


@pytest.mark.parametrize(
    ("signs", "wanted"),
    [
        ([(0, "success")], {"status": "up", "last_ping": at(0)}),
        ([(0, "start")], {"status": "new", "last_ping": None, "last_start": at(0)}),
        ([(0, "start"), (5, "success")], {"status": "up", "last_s": 300.0, "last_start": None}),
        ([(0, "start"), (5, "fail")], {"status": "down", "last_s": 300.0, "last_start": None}),
        ([(0, "start", A), (5, "success", A)], {"last_s": 300.0, "last_start": None}),
        ([(0, "start", A), (5, "success", B)], {"last_s": None, "last_start": at(0), "last_ping": at(5)}),
        ([(0, "start", A), (5, "success")], {"last_s": None, "last_start": None}),
        ([(0, "start", A), (5, "fail", B)], {"last_s": None, "last_start": None, "status": "down"}),
        ([(0, "start"), (5, "success", B)], {"last_s": None, "last_start": at(0)}),
        ([(0, "start", A), (1, "start", B), (5, "success", A)], {"last_s": None, "last_start": at(1)}),
        ([(0, "start"), (72 * 60, "success")], {"last_s": None, "last_start": None}),
        ([(0, "start"), (72 * 60 - 1, "success")], {"last_s": 72 * 3600 - 60.0}),
        ([(0, "success"), (1, "log")], {"status": "up", "last_ping": at(0), "pings": 2}),
        ([(0, "success"), (1, "ign")], {"status": "up", "last_ping": at(0), "pings": 2}),
        ([(0, "fail"), (1, "success")], {"status": "up", "pings": 2}),
        ([(0, "fail"), (1, "start")], {"status": "down", "last_start": at(1)}),
    ],
)
def test_what_pings_leave_behind(signs: list[Any], wanted: dict[str, Any]) -> None:
    beat = after(*signs)
    assert {name: getattr(beat, name) for name in wanted} == wanted


def test_a_paused_heartbeat_wakes_up_unless_it_must_be_woken() -> None:
    paused = pause(after((0, "start"), (1, "success"), (2, "start")))
    assert paused.last_start is None
    assert take(HOURLY, paused, Ping(at(3), Sign.SUCCESS)).beat.status is Status.UP
    asleep = take(replace(HOURLY, manual_resume=True), paused, Ping(at(3), Sign.SUCCESS))
    assert (asleep.beat.status, asleep.sign, asleep.beat.pings) == (Status.PAUSED, Sign.IGNORED, 4)
    assert resume(paused) == Beat(Status.NEW, pings=3, last_s=paused.last_s)


@pytest.mark.parametrize(
    ("rules", "ping", "sign"),
    [
        ({"only_post": True}, {"method": "GET"}, "ign"),
        ({"only_post": True}, {"method": "POST"}, "success"),
        ({"only_post": True}, {"method": "HEAD", "sign": Sign.FAIL}, "ign"),
        ({"reads_body": True, "failure_words": ("error",)}, {"body": b"an error"}, "fail"),
        ({"reads_body": True, "failure_words": ("error",)}, {"body": b"an Error"}, "ign"),
        ({"reads_body": True, "success_words": ("done",)}, {"body": b"done", "sign": Sign.FAIL}, "success"),
        ({"reads_body": True, "success_words": ("a",), "failure_words": ("b",)}, {"body": b"a b"}, "fail"),
        ({"reads_body": True, "start_words": ("a",), "success_words": ("b",)}, {"body": b"a b"}, "success"),
        ({"reads_body": True, "start_words": ("go",)}, {"body": b"go"}, "start"),
        ({"reads_body": True, "fails_unmatched": True}, {"body": b""}, "fail"),
        ({"reads_body": True, "success_words": ("ok",)}, {"body": b"\xff\xfe ok"}, "success"),
        ({"reads_body": True, "success_words": ("\u00e9",)}, {"body": "caf\u00e9".encode()}, "success"),
        ({"only_post": True, "reads_body": True, "failure_words": ("x",)}, {"body": b"x"}, "ign"),
    ],
)
def test_what_a_ping_says(rules: dict[str, Any], ping: dict[str, Any], sign: str) -> None:
    assert read_sign(replace(HOURLY, **rules), Ping(**({"at": NOON, "sign": Sign.SUCCESS} | ping))) == sign


@pytest.mark.parametrize(
    ("signs", "minutes", "state"),
    [
        ([], 9999, "new"),
        ([(0, "success")], 59.9, "up"),
        ([(0, "success")], 60, "grace"),
        ([(0, "success")], 69.9, "grace"),
        ([(0, "success")], 70, "down"),
        ([(0, "fail")], 1, "down"),
        ([(0, "start")], 9.9, "new"),
        ([(0, "start")], 10, "down"),
        ([(0, "success"), (55, "start")], 64.9, "grace"),
        ([(0, "success"), (55, "start")], 65, "down"),
        ([(0, "success"), (1, "start", A), (2, "success", B)], 11, "down"),
    ],
)
def test_the_state_at_a_time(signs: list[Any], minutes: float, state: str) -> None:
    assert shown(HOURLY, after(*signs), at(minutes)) == state


def test_a_run_that_does_not_end_is_told_apart_from_one_that_did_not_begin() -> None:
    assert deadline(HOURLY, after((0, "success"))) == Deadline(at(70), Why.MISSED, at(60))
    running = after((0, "success"), (55, "start"))
    assert is_running(running)
    assert deadline(HOURLY, running) == Deadline(at(65), Why.OVERRAN, at(65))
    late = after((0, "success"), (65, "start"))
    assert deadline(HOURLY, late) == Deadline(at(70), Why.MISSED, at(60))


def test_nothing_is_expected_of_the_new_the_down_and_the_sleeping() -> None:
    up = after((0, "success"))
    for beat in (Beat(), after((0, "fail")), pause(up), resume(pause(up))):
        assert due_at(HOURLY, beat) is None
        assert deadline(HOURLY, beat) is None


def test_some_misses_may_be_allowed() -> None:
    rules = replace(HOURLY, misses=3)
    beat = after((0, "success"), rules=rules)
    assert due_at(rules, beat) == at(60)
    assert deadline(rules, beat) == Deadline(at(190), Why.MISSED, at(180))
    assert shown(rules, beat, at(120)) == "grace"


@pytest.mark.parametrize(
    ("rules", "signs", "body", "trouble"),
    [
        ({"longest_s": 60}, [(0, "start"), (2, "success")], b"", Trouble.TOO_LONG),
        ({"longest_s": 180}, [(0, "start"), (2, "success")], b"", ""),
        ({"shortest_s": 180}, [(0, "start"), (2, "success")], b"", Trouble.TOO_SHORT),
        ({"shortest_s": 180}, [(2, "success")], b"", ""),
        ({"early_s": 300}, [(0, "success"), (54, "success")], b"", Trouble.TOO_EARLY),
        ({"early_s": 300}, [(0, "success"), (55, "success")], b"", ""),
        ({"alone": True}, [(0, "start"), (1, "success"), (2, "success")], b"", ""),
        ({"output": "rows"}, [(0, "success")], b"none", Trouble.WRONG_OUTPUT),
        ({"output": "rows"}, [(0, "success")], b"7 rows", ""),
    ],
)
def test_a_success_that_is_not_quite_one(
    rules: dict[str, Any], signs: list[Any], body: bytes, trouble: str
) -> None:
    ours = replace(HOURLY, **rules)
    *before, (minutes, sign) = signs
    beat = after(*before, rules=ours)
    assert take(ours, beat, Ping(at(minutes), Sign(sign), body=body)).beat.trouble == trouble


def test_a_run_that_begins_while_another_goes_on() -> None:
    rules = replace(HOURLY, alone=True)
    assert after((0, "start", A), (1, "start", B), rules=rules).trouble == Trouble.OVERLAPS
    assert after((0, "start", A), (1, "start", A), rules=rules).trouble == ""
    assert after((0, "start", A), (1, "start", B), rules=HOURLY).trouble == ""


@pytest.mark.parametrize(
    ("start", "took_s", "wanted"), [(0, 3.5, 3.5), (None, 3.5, 3.5), (0, 72 * 3600, 300.0)]
)
def test_what_the_client_measured_itself_outranks_the_way_of_its_pings(
    start: float | None, took_s: float, wanted: float
) -> None:
    beat = Beat() if start is None else after((start, "start"))
    taken = take(HOURLY, beat, Ping(at(5), Sign.SUCCESS, took_s=took_s))
    assert taken.took_s == taken.beat.last_s == wanted


SIGNS = st.tuples(st.sampled_from(list(Sign)), st.integers(1, 10_000), st.sampled_from(["", A, B]))


@given(st.lists(SIGNS, max_size=30))
def test_whatever_comes_counts_and_nothing_goes_back_in_time(signs: list[tuple[Sign, int, str]]) -> None:
    beat, now = Beat(), NOON
    for number, (sign, seconds, run) in enumerate(signs, 1):
        now += timedelta(seconds=seconds)
        taken = take(HOURLY, beat, Ping(now, sign, run=run))
        assert taken.before is beat.status
        if sign in (Sign.LOG, Sign.IGNORED):
            assert taken.beat == replace(beat, pings=number)
        beat = taken.beat
        assert beat.pings == number
        assert beat.last_s is None or 0 < beat.last_s < 72 * 3600
        if sign is Sign.SUCCESS:
            assert (beat.status, beat.last_ping) == (Status.UP, now)
        if sign is Sign.FAIL:
            assert (beat.status, beat.last_start) == (Status.DOWN, None)


@given(st.lists(SIGNS, max_size=10), st.integers(0, 200_000))
def test_the_state_turns_at_the_deadline_and_not_before(
    signs: list[tuple[Sign, int, str]], later_s: int
) -> None:
    beat, now = Beat(), NOON
    for sign, seconds, run in signs:
        now += timedelta(seconds=seconds)
        beat = take(HOURLY, beat, Ping(now, sign, run=run)).beat
    end, moment = deadline(HOURLY, beat), now + timedelta(seconds=later_s)
    state = shown(HOURLY, beat, moment)
    if end is not None:
        assert (state == "down") == (moment >= end.at)
    else:
        assert state == beat.status.value


WORDS = {"start_words": ("BEGIN",), "success_words": ("OK",), "failure_words": ("FAIL", "WARN")}
SUBJECT = replace(HOURLY, reads_subject=True, **WORDS)
TEXT = replace(HOURLY, reads_mail=True, **WORDS)
BOTH = replace(SUBJECT, reads_mail=True)


@pytest.mark.parametrize(
    ("rules", "subject", "text", "sign"),
    [
        (replace(HOURLY, **WORDS), "FAIL", "FAIL", Sign.SUCCESS),  # nothing is read
        (SUBJECT, "[OK] done", "FAIL", Sign.SUCCESS),
        (SUBJECT, "[FAIL] of OK", "", Sign.FAIL),
        (SUBJECT, "OK, BEGIN", "", Sign.SUCCESS),
        (SUBJECT, "BEGIN", "", Sign.START),
        (SUBJECT, "fail", "OK", Sign.IGNORED),  # case counts, and the text is not read
        (replace(SUBJECT, fails_unmatched=True), "hello", "OK", Sign.FAIL),
        (TEXT, "FAIL", "all OK", Sign.SUCCESS),
        (TEXT, "OK", "a WARNING", Sign.FAIL),
        (BOTH, "OK", "a WARNING", Sign.FAIL),
        (BOTH, "BEGIN", "x", Sign.START),
        (
            replace(HOURLY, reads_body=True, fails_unmatched=True, **WORDS),
            "x",
            "x",
            Sign.SUCCESS,
        ),  # of HTTP alone
        (replace(SUBJECT, only_post=True), "OK", "", Sign.SUCCESS),  # a mail has no method
    ],
)
def test_what_a_mail_says(rules: Rules, subject: str, text: str, sign: Sign) -> None:
    assert read_sign(rules, Ping(NOON, Sign.SUCCESS, "", b"BEGIN FAIL", mail=Mail(subject, text))) is sign


def test_rules_for_mail_do_not_read_what_comes_over_http() -> None:
    assert read_sign(BOTH, Ping(NOON, Sign.SUCCESS, "POST", b"FAIL")) is Sign.SUCCESS


@pytest.mark.parametrize(
    ("subject", "text", "trouble"), [("12 rows", "", ""), ("", "12 rows", ""), ("", "", "wrong_output")]
)
def test_what_a_mail_prints_is_what_a_person_reads_of_it(subject: str, text: str, trouble: str) -> None:
    rules = replace(HOURLY, output="12 rows")
    ping = Ping(NOON, Sign.SUCCESS, "", b"12 rows, in a header", mail=Mail(subject, text))
    assert take(rules, Beat(), ping).beat.trouble == trouble


def test_a_mail_to_a_paused_heartbeat_that_waits_for_a_hand_is_ignored() -> None:
    paused = pause(Beat(Status.UP))
    taken = take(replace(SUBJECT, manual_resume=True), paused, Ping(NOON, Sign.SUCCESS, mail=Mail("OK", "")))
    assert taken.sign is Sign.IGNORED


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 3000)), max_size=8))
def test_a_miss_is_called_when_its_grace_was_listened_to_whole(gaps: list[tuple[int, int]]) -> None:
    """However often and long we were away; seconds are counted one by one."""
    beat, ends, away = after((0, "success")), 0, []
    for wait_s, length_s in gaps:
        away.append((ends + wait_s, ends := ends + wait_s + length_s))
    spans = [(NOON + timedelta(seconds=start), NOON + timedelta(seconds=to)) for start, to in away]
    added_s = absence_s(HOURLY, beat, spans)
    gone = {second for start, to in away for second in range(start, to)}
    second, heard = 3600, 0
    while heard < 600:
        heard += second not in gone
        second += 1
    assert 3600 + 600 + added_s == second
