"""What is said of a heartbeat, by what it did and what time it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from watchpost.core.heartbeat import Beat, Ping, Sign, Status, pause, take
from watchpost.core.types import Observation, Outcome, Past, Phases, Verdict
from watchpost.kinds.heartbeat import KIND
from watchpost.kinds.heartbeat.config import HeartbeatConfig
from watchpost.kinds.heartbeat.facts import beat_of, facts_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def beat(config: HeartbeatConfig, *signs: tuple[float, str]) -> Beat:
    found = Beat()
    for minutes, sign in signs:
        found = take(config.rules, found, Ping(at(minutes), Sign(sign))).beat
    return found


def judged(config: HeartbeatConfig, minutes: float, beat: Beat, **last: Any) -> Verdict:
    last = {"sign": "fail" if beat.status is Status.DOWN else "success"} | last
    seen = Observation(1, "local", at(minutes), 1, Outcome.OK, Phases(), 0.0, "", facts_of(beat, **last))
    return KIND.judge(config, seen, {}, Past(), at(minutes))


@pytest.mark.parametrize(
    ("config", "signs", "minutes", "code"),
    [
        ({"period": "1h", "grace": "10m"}, [(0, "success")], 69, ""),
        ({"period": "1h", "grace": "10m"}, [(0, "success")], 70, "heartbeat.missed"),
        ({"period": "1h", "grace": "10m"}, [(0, "fail")], 1, "heartbeat.failed"),
        ({"period": "1h", "grace": "10m"}, [(0, "success"), (1, "start")], 11, "heartbeat.overran"),
        ({"period": "1h", "longest": "30m"}, [(0, "success"), (1, "start")], 30, ""),
        ({"period": "1h", "longest": "30m"}, [(0, "success"), (1, "start")], 31, "heartbeat.overran"),
        ({"longest": "1m"}, [(0, "start"), (2, "success")], 3, "heartbeat.too_long"),
        ({"shortest": "5m"}, [(0, "start"), (2, "success")], 3, "heartbeat.too_short"),
        ({"early": "1h"}, [(0, "success"), (2, "success")], 3, "heartbeat.too_early"),
        ({"alone": True, "longest": "1d"}, [(0, "success"), (1, "start"), (2, "start")], 3, ""),
        ({"output": "ok"}, [(0, "success")], 1, "heartbeat.wrong_output"),
        (
            {"schedule": "0 3 * * *", "timezone": "Europe/Lisbon"},
            [(0, "success")],
            16 * 60,
            "heartbeat.missed",
        ),
        ({"schedule": "0 3 * * *", "timezone": "Europe/Lisbon"}, [(0, "success")], 16 * 60 - 1, ""),
        ({"schedule": "*-*-* 12:30", "grace": "1m"}, [(0, "success")], 31, "heartbeat.missed"),
    ],
)
def test_what_is_found(config: dict[str, Any], signs: list[Any], minutes: float, code: str) -> None:
    made = HeartbeatConfig(**config)
    verdict = judged(made, minutes, beat(made, *signs))
    assert [finding.code for finding in verdict.findings] == ([code] if code else [])
    assert verdict.conclusive


def test_a_run_beside_another_is_told() -> None:
    config = HeartbeatConfig(alone=True, longest="1d")
    first = take(config.rules, beat(config, (0, "success")), Ping(at(1), Sign.START, run="a")).beat
    second = take(config.rules, first, Ping(at(2), Sign.START, run="b")).beat
    assert [one.code for one in judged(config, 3, second).findings] == ["heartbeat.overlaps"]


def test_nothing_is_decided_before_the_first_ping_nor_while_it_sleeps() -> None:
    config = HeartbeatConfig()
    for unknown in (Beat(), beat(config, (0, "log")), pause(beat(config, (0, "success")))):
        verdict = judged(config, 100_000, unknown)
        assert not verdict.findings
        assert not verdict.conclusive


def test_the_sentences_say_when_and_what_the_job_said() -> None:
    config = HeartbeatConfig(schedule="0 3 * * *", timezone="Europe/Lisbon", grace="1h")
    [missed] = judged(config, 24 * 60, beat(config, (0, "success"))).findings
    assert missed.sentence == (
        "No sign came: it was expected Tue 03 Mar 03:00:00 WET, and 1 h more were given. "
        "The last success was Mon 02 Mar 12:00:00 WET."
    )
    [failed] = judged(config, 1, beat(config, (0, "fail")), exit_code=2, said="dump:\n no space ").findings
    assert failed.sentence == "The job reported that it failed with exit code 2: dump: no space."


def test_silence_that_was_judged_before_is_told_in_the_same_words() -> None:
    config = HeartbeatConfig(period="1h", grace="10m")
    up = beat(config, (0, "success"))
    down = replace(up, status=Status.DOWN)
    assert judged(config, 80, down, sign="success") == judged(config, 80, up)


def test_when_we_were_away_the_deadline_moves() -> None:
    config = HeartbeatConfig(period="1h", grace="10m")
    up = beat(config, (0, "success"))
    facts = facts_of(up) | {"away_s": 300.0}
    assert KIND.due(config, facts, NOON) == at(75)
    seen = Observation(1, "local", at(75), 1, Outcome.OK, Phases(), 0.0, "", facts)
    [missed] = KIND.judge(config, seen, {}, Past(), at(75)).findings
    assert missed.sentence.endswith("Watchpost itself was away for 5 min of it: a ping then was lost.")


def test_when_silence_is_judged() -> None:
    config = HeartbeatConfig(period="1h", grace="10m")
    assert KIND.due(config, facts_of(beat(config, (0, "success"))), NOON) == at(70)
    assert KIND.due(config, facts_of(beat(config, (0, "success"), (5, "start"))), NOON) == at(15)
    assert KIND.due(config, facts_of(beat(config, (0, "fail"))), NOON) is None
    assert KIND.due(config, {}, NOON) is None


def test_facts_survive_being_stored() -> None:
    config = HeartbeatConfig(longest="1m")
    one = beat(config, (0, "start"), (5, "success"), (6, "start"))
    assert beat_of(facts_of(one, "success", 0)) == one


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("schedule", "0 25 * * *", "is no schedule"),
        ("schedule", "61 * * * *", "five fields of cron"),
        ("schedule", "Funday 03:00", "OnCalendar such as"),
        ("schedule", "0 0 31 2 *", "is no schedule"),
        ("timezone", "Europe/Lisbonne", "did you mean Europe/Lisbon?"),
        ("period", "0s", "write 1s to 365d"),
        ("period", "400d", "write 1s to 365d"),
        ("ping_slug", "Back up", "small letters"),
        ("misses", 0, "greater than or equal to 1"),
        ("methods", "GET", "'' or 'POST'"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(field: str, value: Any, says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        HeartbeatConfig(**{field: value})
    assert says in str(refused.value)
    assert refused.value.errors()[0]["loc"] == (field,)


def test_lengths_that_no_run_has() -> None:
    with pytest.raises(ValidationError, match="no run could be right"):
        HeartbeatConfig(shortest="2h", longest="1h")
