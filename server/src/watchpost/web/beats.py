"""Heartbeats in words and small drawings: how one stands, what it printed, how long its runs took."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from django.utils import timezone

from watchpost.core.heartbeat import Schedule, Sign, Trouble, Why
from watchpost.core.words import duration_words
from watchpost.heartbeats.runs import Bar, Run
from watchpost.heartbeats.standing import Standing
from watchpost.kinds.heartbeat.config import HeartbeatConfig
from watchpost.web import words

WORDS = {"new": "Waiting for the first ping", "late": "Late", "running": "Running"}
SHAPES = {"new": "none", "late": "warn", "running": "up"}
RESULTS = {  # sign -> shape, word
    Sign.SUCCESS: ("up", "Done"),
    Sign.FAIL: ("down", "Failed"),
    Sign.START: ("none", "Never ended"),
    Sign.LOG: ("none", "Log"),
    Sign.IGNORED: ("none", "Did not count"),
}
WIDTH, SHORTEST = 240.0, 3.0


def shape(state: str) -> str:
    return SHAPES.get(state) or words.shape(state)


def word(state: str) -> str:
    return WORDS.get(state) or words.word(state)


# ---- how it stands --------------------------------------------------------------------------------


def says(one: Standing, now: datetime) -> str:
    """``expected 3 min ago, 57 min left``: the time that matters in this state."""
    if one.config is None:
        return "its configuration cannot be read"
    if one.state == "paused":
        return "its silence is not judged"
    if one.state == "new":
        return f"expects a sign {_gap(one.config)}"
    if one.state == "down":
        return _down(one, now)
    if one.beat.last_start is not None:
        return f"for {_since(one.beat.last_start, now)}, {_left(one, now)}"
    if one.due is None:
        return "its schedule never comes again"
    if one.due > now:
        return f"due in {words.rough((one.due - now).total_seconds())}"
    return f"expected {_since(one.due, now)} ago, {_left(one, now)}"


def _gap(config: HeartbeatConfig) -> str:
    return f"every {duration_words(config.period)}" if not config.schedule else "by its schedule"


def _since(at: datetime, now: datetime) -> str:
    return words.rough(max((now - at).total_seconds(), 0))


def _left(one: Standing, now: datetime) -> str:
    if one.end is None:
        return "with no limit"
    left = (one.end.at - now).total_seconds()
    if left > 0:
        return f"{words.rough(left)} left"
    return "it should have ended" if one.end.why is Why.OVERRAN else "no time left"


def _down(one: Standing, now: datetime) -> str:
    beat, row = one.beat, one.row
    if beat.last_start is not None:
        return f"a run has been going on for {_since(beat.last_start, now)}"
    if row.sign == Sign.FAIL:
        ago = f" {_since(beat.last_ping, now)} ago" if beat.last_ping else ""
        return f"failed{ago}" + (f", exit code {row.exit_code}" if row.exit_code else "")
    missed = one.config.rule.due_after(beat.last_ping) if one.config and beat.last_ping else None
    is_in_time = missed is None or missed > now
    if beat.last_ping and beat.trouble == Trouble.WRONG_OUTPUT and is_in_time:
        return f"ended {_since(beat.last_ping, now)} ago without the output it should have"
    return f"was expected {_since(missed, now)} ago" if missed else "no sign came"


@dataclass(frozen=True, slots=True)
class Clocks:
    """One moment on the clock of a schedule, and on the reader's; ``here`` is empty where it shows the same.
    ``turns``: the clock of the schedule leaps between the moment before and this one."""

    at: datetime
    there: str
    here: str
    turns: bool = False


def clocks(at: datetime, zone: tzinfo, name: str, now: datetime, before: datetime | None = None) -> Clocks:
    """``name`` is that of ``zone``."""
    local, mine = at.astimezone(zone), timezone.localtime(at)
    same = local.utcoffset() == mine.utcoffset()
    turns = before is not None and before.astimezone(zone).utcoffset() != local.utcoffset()
    there = f"{_moment(local, now.astimezone(zone))} {words.zone_label(name)}"
    return Clocks(at, there, "" if same else _moment(mine, timezone.localtime(now), local), turns)


def clock_of(config: HeartbeatConfig, at: datetime, now: datetime) -> Clocks:
    """On the clock of the schedule; a period has none, so the reader's tells all."""
    if config.schedule:
        return clocks(at, config.zone, config.timezone, now)
    return clocks(at, timezone.get_current_timezone(), timezone.get_current_timezone_name(), now)


def _moment(local: datetime, today: datetime, beside: datetime | None = None) -> str:
    seconds = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    if beside is not None and beside.date() == local.date():
        return seconds
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year} {seconds}"


def next_times(rule: Schedule, zone: tzinfo, name: str, now: datetime, count: int = 5) -> list[Clocks]:
    """The next times of a schedule; fewer when it ends."""
    found: list[Clocks] = []
    at: datetime | None = now
    while len(found) < count and at is not None:
        before, at = at, rule.due_after(at)
        if at is not None:
            found.append(clocks(at, zone, name, now, before))
    return found


# ---- what it printed ------------------------------------------------------------------------------

# What could pass for something else on a page: control characters, and those that turn the reading direction.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Printed:
    """A body as a page shows it. ``note`` says what had to be written otherwise."""

    text: str
    note: str
    size: int
    is_text: bool = True


def printed(body: bytes) -> Printed:
    """Text as text; single bytes that are none as ``\\xff``; what is mostly none as rows of bytes."""
    try:
        text, odd = body.decode(), 0
    except UnicodeDecodeError:
        text = body.decode(errors="backslashreplace")
        odd = body.decode(errors="replace").count("\ufffd")
    if b"\x00" in body or odd * 10 > len(body):
        return Printed(
            "\n".join(_dump(body)), "These bytes are no text; each row is sixteen of them.", len(body), False
        )
    note = f"{odd} byte{'' if odd == 1 else 's'} of it {'is' if odd == 1 else 'are'} no UTF-8." if odd else ""
    return Printed(plain(text), note, len(body))


def plain(text: str) -> str:
    """With what cannot be seen written out; a carriage return begins a line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub(lambda match: ascii(match[0])[1:-1], lines)


def _dump(body: bytes) -> Iterable[str]:
    for start in range(0, len(body), 16):
        part = body[start : start + 16]
        seen = "".join(chr(one) if 32 <= one < 127 else "." for one in part)
        yield f"{start:04x}  {part.hex(' '):<47}  {seen}"


# ---- how long its runs took -----------------------------------------------------------------------


def strip(bars: Sequence[Bar], places: int, height: float, titles: Sequence[str] = ()) -> dict[str, Any]:
    """The newest on the right; a failure in its colour, one without a duration as low as can be seen."""
    shown = list(bars[-places:])
    names = list(titles[-places:]) or [""] * len(shown)
    known = [took for _, took in shown if took is not None]
    top, width = max(known, default=0.0) or 1.0, WIDTH / places
    first = places - len(shown)
    return {
        "height": f"{height:.0f}",
        "says": _strip_words(shown, known),
        "bars": [
            _bar((first + place) * width, width, sign, took, top, height, title)
            for place, ((sign, took), title) in enumerate(zip(shown, names, strict=True))
        ],
    }


def _strip_words(shown: Sequence[Bar], known: Sequence[float]) -> str:
    failed = sum(sign == Sign.FAIL for sign, _ in shown)
    said = [f"last {len(shown)} runs" if len(shown) > 1 else "one run"]
    if known:
        low, high = duration_words(min(known)), duration_words(max(known))
        said.append(low if low == high else f"{low} to {high}")
    return ", ".join(said + ([f"{failed} failed"] if failed else []))


def _bar(
    x: float, width: float, sign: str, took: float | None, top: float, height: float, title: str
) -> dict[str, str]:
    high = SHORTEST if took is None else max(took / top * height, SHORTEST)
    return {
        "kind": "d" if sign == Sign.FAIL else "",
        "x": f"{x:.2f}",
        "y": f"{height - high:.2f}",
        "w": f"{max(width * 0.72, 1.0):.2f}",
        "h": f"{high:.2f}",
        "title": title,
    }


def run_row(run: Run, running_since: datetime | None) -> dict[str, Any]:
    """A run as a row of the table. ``running_since``: when the one began that goes on now."""
    mark, result = RESULTS.get(Sign(run.sign), ("none", run.sign))
    goes_on = run.sign == Sign.START and running_since is not None and run.began is not None
    if goes_on and abs(run.began - running_since) < timedelta(milliseconds=2):  # type: ignore[operator]
        mark, result = "none", "Running"
    return {
        "run": run,
        "shape": mark,
        "result": result,
        "took": "" if run.took_s is None else duration_words(run.took_s),
        "how": f"{run.method} over {run.scheme}" if run.method else run.scheme,
        "agent": plain(run.agent),
    }


def bar_title(run: Run, now: datetime) -> str:
    at = run.began or run.ended or datetime(1970, 1, 1, tzinfo=UTC)
    took = "" if run.took_s is None else f", {duration_words(run.took_s)}"
    return f"{words.moment(at, now)}: {RESULTS[Sign(run.sign)][1].lower()}{took}"
