"""Has the sign come that was expected? Pure.

Judged whenever a ping came, and at the deadline that ``due`` names: the observation's facts are the beat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from watchpost.core.heartbeat import Beat, Deadline, Sign, Status, Trouble, Why, deadline
from watchpost.core.types import Finding, Observation, Past, Verdict
from watchpost.core.words import duration_words
from watchpost.kinds.heartbeat.config import HeartbeatConfig
from watchpost.kinds.heartbeat.facts import beat_of
from watchpost.kinds.heartbeat.words import moment, when

_MOST_SAID = 200


def due(config: HeartbeatConfig, facts: Mapping[str, Any], now: datetime) -> datetime | None:
    """When to judge again if no ping comes before; None: silence means nothing."""
    end = deadline(config.rules, beat_of(facts), facts.get("away_s", 0.0))
    return None if end is None else end.at


def judge(
    config: HeartbeatConfig, seen: Observation, baseline: Mapping[str, Any], past: Past, now: datetime
) -> Verdict:
    """Down when it failed, is missed or did not end; a ``/log`` or ``/start`` ping decides nothing."""
    beat = beat_of(seen.facts)
    away_s = seen.facts.get("away_s", 0.0)
    end = deadline(config.rules, beat, away_s)
    if end is not None and now >= end.at:
        return Verdict((_silent(config, beat, end, away_s),))
    if beat.status is Status.DOWN:
        return Verdict((_down(config, beat, seen.facts),))
    if beat.status is not Status.UP:
        return Verdict(conclusive=False, note="It waits for the first ping.")
    return Verdict(_remarks(config, beat))


def _down(config: HeartbeatConfig, beat: Beat, facts: Mapping[str, Any]) -> Finding:
    """It said so, or its silence was judged before: then the same is said again."""
    was = replace(beat, status=Status.UP if beat.last_ping else Status.NEW)
    end = deadline(config.rules, was)
    if facts.get("sign") == Sign.FAIL or end is None:
        return _failed(config, facts)
    return _silent(config, beat, end, facts.get("away_s", 0.0))


def _silent(config: HeartbeatConfig, beat: Beat, end: Deadline, away_s: float) -> Finding:
    absent = (
        f" Watchpost itself was away for {duration_words(away_s)} of it: a ping then was lost."
        if away_s
        else ""
    )
    if end.why is Why.OVERRAN:
        began = moment(config, beat.last_start) if beat.last_start else "some time ago"
        limit_s = config.grace if config.longest is None else config.longest
        return Finding(
            "heartbeat.overran",
            "run",
            f"The run that began {began} has not ended; {duration_words(limit_s)} were allowed.{absent}",
            "See whether the process still runs, and what it waits for. If it was killed, its output stops "
            "in the middle; if runs take that long, raise longest or grace.",
        )
    last = moment(config, beat.last_ping) if beat.last_ping else "never"
    times = f"{config.misses} times in a row, the last time" if config.misses > 1 else "it was expected"
    return Finding(
        "heartbeat.missed",
        "run",
        f"No sign came: {times} {moment(config, end.due)}, and {duration_words(config.grace)} more were "
        f"given. The last success was {last}.{absent}",
        f"See whether the job was started at all: it is expected {when(config)}. Look at the scheduler "
        "(cron, Celery Beat, the timer) on its machine, then at the job's own log, then whether that machine "
        "reaches Watchpost.",
    )


def _failed(config: HeartbeatConfig, facts: Mapping[str, Any]) -> Finding:
    code = facts.get("exit_code")
    how = f" with exit code {code}" if code else ""
    said = " ".join(str(facts.get("said", "")).split())[-_MOST_SAID:]
    tail = f": {said}" if said else ""
    return Finding(
        "heartbeat.failed",
        "run",
        f"The job reported that it failed{how}{tail}{'' if tail.endswith('.') else '.'}",
        "Open its last run: the output says why. The next success closes this.",
    )


def _remarks(config: HeartbeatConfig, beat: Beat) -> tuple[Finding, ...]:
    """What a success did wrong."""
    if beat.trouble not in _TROUBLES:
        return ()
    code, says, fix = _TROUBLES[Trouble(beat.trouble)]
    return (Finding(code, "run", says(config, duration_words(beat.last_s or 0)), fix),)


# Code, sentence of the configuration and the run's length, fix.
_TROUBLES: Mapping[Trouble, tuple[str, Callable[[HeartbeatConfig, str], str], str]] = {
    Trouble.TOO_LONG: (
        "heartbeat.too_long",
        lambda config, took: f"The last run took {took}; {duration_words(config.longest or 0)} are allowed.",
        "See what it does more than before: more data, a slow query, a lock. If that is its new length, "
        "raise longest.",
    ),
    Trouble.TOO_SHORT: (
        "heartbeat.too_short",
        lambda config, took: (
            f"The last run took only {took}; at least {duration_words(config.shortest or 0)} are expected."
        ),
        "See whether it did its work: an empty list, a missing mount, an early return look like success.",
    ),
    Trouble.TOO_EARLY: (
        "heartbeat.too_early",
        lambda config, _: f"The last sign came earlier than it should: it is expected {when(config)}.",
        "See whether two schedulers start it (two Beats, two crontabs), or somebody did by hand.",
    ),
    Trouble.OVERLAPS: (
        "heartbeat.overlaps",
        lambda *_: "A run began while another one had not ended.",
        "Give the job a lock (flock, a Celery lock), or start it less often than it takes.",
    ),
    Trouble.WRONG_OUTPUT: (
        "heartbeat.wrong_output",
        lambda config, _: f"The last run ended well and did not say {config.output!r}.",
        "Open its last output: it did something else than it should. If its words have changed, change "
        "output.",
    ),
}
