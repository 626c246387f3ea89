"""How plans, times and states read in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from watchpost.cli.command import Out
from watchpost.core.words import duration_words

if TYPE_CHECKING:
    from watchpost.cli.step import Step

_COLOURS = {"+": "green", "~": "yellow", "-": "red"}


def outcome_word(outcome: str, findings: Sequence[Any]) -> str:
    """How a look ended: an answer with something to say about it is not "ok"."""
    return "answered" if outcome == "ok" and findings else outcome


def show_plan(steps: Sequence[Step], out: Out, done: bool, prune: bool) -> None:
    """The steps that change something and a count; ``done`` is the tense."""
    moving = [step for step in steps if step.sign != "="]
    counts = {sign: sum(step.sign == sign for step in moving) for sign in "+~-"}
    out.show(
        {
            "created": counts["+"],
            "changed": counts["~"],
            "deleted": counts["-"] if prune else 0,
            "left_over": 0 if prune else counts["-"],
            "steps": [step_data(step) for step in moving],
        },
        _plan_lines(moving, counts, out, done, prune),
    )


def step_data(step: Step) -> dict[str, Any]:
    changes = [{"key": key, "before": before, "after": after} for key, before, after in step.changes]
    return {"sign": step.sign, "what": step.what, "changes": changes}


def _plan_lines(
    steps: Sequence[Step], counts: dict[str, int], out: Out, done: bool, prune: bool
) -> Iterator[str]:
    for step in steps:
        yield from step_lines(
            step, out, "" if prune or step.sign != "-" else "  (left over: deleted only with --prune)"
        )
    deleted = counts["-"] if prune else 0
    if not (counts["+"] or counts["~"] or deleted):
        yield "Nothing to change." if not done else "Nothing was changed: all is as the file says."
        return
    verb = "{} created, {} changed, {} deleted." if done else "{} to create, {} to change, {} to delete."
    yield verb.format(counts["+"], counts["~"], deleted)


def step_lines(step: Step, out: Out, more: str = "") -> Iterator[str]:
    yield out.paint(f"{step.sign} {step.what}{more}", _COLOURS[step.sign])
    for key, before, after in step.changes:
        yield f"    {key}: {_change(before, after)}"


def _change(before: str, after: str) -> str:
    """A secret is shown by its name, which stays the same when its value changes."""
    if before == after:
        return f"{after}, another value than before"
    return f"{before or '(nothing)'} -> {after or '(nothing)'}"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def since(at: datetime, now: datetime) -> str:
    """``since 2026-01-01 12:00:00 UTC (6 min)``."""
    return f"since {moment(at)} ({duration_words((now - at).total_seconds())})"
