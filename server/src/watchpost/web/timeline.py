"""The timeline of an incident and who was told, folded: in a storm hundreds of rows say the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from watchpost.incidents.models import Delivery, TimelineEntry

SHAPES = {
    "opened": "down",
    "joined": "down",
    "rose": "down",
    "left": "up",
    "changed": "warn",
    "resolved": "up",
    "failed": "warn",
}
LONG = 240  # characters of a receiver's answer, and of a note before it is folded
_NOT_TOLD = re.compile(r"(\S+) could not be told")
_TOLD = re.compile(r"(\S+) was told")
_NAMED = 3


@dataclass
class Step:
    """One line of the timeline; ``rows`` are what is folded into it."""

    at: datetime
    sentence: str
    shape: str
    kind: str
    actor: str = ""
    rows: list[Step] = field(default_factory=list)

    @property
    def is_long(self) -> bool:
        return self.kind == "note" and len(self.sentence) > LONG


@dataclass
class Told:
    """What became of one event's messages to one channel."""

    last: Delivery
    times: int = 1


def fold(entries: Iterable[TimelineEntry], names: Iterable[str]) -> list[Step]:
    """Joins, recoveries and the messages of one channel stand in one line each, until something else
    happens. ``names`` are those of the incident's monitors."""
    known = sorted(set(names), key=len, reverse=True)
    groups: list[list[Step]] = []
    running: dict[tuple[str, str], list[Step]] = {}
    for entry in entries:
        step = _step(entry)
        key = _key(step)
        if key is None:
            running.clear()
        elif key in running:
            running[key].append(step)
            continue
        groups.append([step])
        if key is not None:
            running[key] = groups[-1]
    return [_folded(group, known) for group in groups]


def _step(entry: TimelineEntry) -> Step:
    sentence = entry.sentence
    if entry.kind in ("failed", "delivered") and len(sentence) > LONG:
        sentence = f"{sentence[: LONG - 1]}…"
    actor = entry.actor if entry.kind == "note" else ""
    return Step(entry.at, sentence, SHAPES.get(entry.kind, "none"), entry.kind, actor)


def _key(step: Step) -> tuple[str, str] | None:
    """What it may be folded with; None stands alone and ends what came before."""
    if step.kind in ("joined", "left"):
        return step.kind, ""
    said = {"failed": _NOT_TOLD, "delivered": _TOLD}.get(step.kind)
    found = said.match(step.sentence) if said else None
    return (step.kind, found[1]) if found else None


def _folded(group: list[Step], known: Sequence[str]) -> Step:
    first = group[0]
    if len(group) == 1:
        return first
    return Step(first.at, _summary(group, known), first.shape, first.kind, rows=group)


def _summary(group: Sequence[Step], known: Sequence[str]) -> str:
    channel = group[0].sentence.split(" ", 1)[0]
    if group[0].kind == "failed":
        return f"{channel} could not be told, {len(group)} attempts"
    if group[0].kind == "delivered":
        return f"{channel} was told {len(group)} times"
    names = list(dict.fromkeys(_name(step.sentence, known) for step in group))
    count = "one more monitor" if len(names) == 1 else f"{len(names)} more monitors"
    if group[0].kind == "left":
        return f"{len(names)} monitor{'s' if len(names) > 1 else ''} recovered: {_listed(names)}"
    return f"{count.capitalize()} joined: {_listed(names)}"


def _name(sentence: str, known: Sequence[str]) -> str:
    """The monitor a sentence begins with; it may have been deleted or renamed since."""
    found = next((name for name in known if sentence.startswith((f"{name}: ", f"{name} is "))), "")
    return found or sentence.split(": ")[0].split(" is ")[0]


def _listed(names: Sequence[str]) -> str:
    if len(names) <= _NAMED + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"


def told(deliveries: Iterable[Delivery]) -> list[Told]:
    """One line for each channel, event and outcome."""
    found: dict[tuple[int, str, str], Told] = {}
    for row in deliveries:
        key = row.channel_id, row.event, row.state
        if key in found:
            found[key] = Told(row, found[key].times + 1)
        else:
            found[key] = Told(row)
    return list(found.values())
