"""Are enough up? Three-valued: of a monitor that is paused, in maintenance, unknown or new nothing is known,
and where that would decide, nothing is decided. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchpost.core.family import listed
from watchpost.core.types import Finding, Health, Observation, Overlay, Past, State, Verdict
from watchpost.kinds.composite.config import CompositeConfig, Part
from watchpost.kinds.composite.words import amount

_TINY = 1e-9  # weights are sums of decimal fractions
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class _Count:
    """What is known of the monitors that exist."""

    up: tuple[tuple[Part, State], ...]
    down: tuple[tuple[Part, State], ...]
    open: tuple[tuple[Part, State], ...]  # nothing is known of them
    gone: tuple[Part, ...]

    @property
    def total(self) -> float:
        return _weight(self.up) + _weight(self.down) + _weight(self.open)


def judge(
    config: CompositeConfig, seen: Observation, baseline: Mapping[str, Any], past: Past, now: datetime
) -> Verdict:
    """Up when enough are, down when enough cannot be, else inconclusive."""
    count = _count(config, past)
    gone = tuple(_missing(part) for part in count.gone)
    if not count.total:
        return Verdict(gone)
    need, up = config.needed(count.total), _weight(count.up)
    if up >= need - _TINY:
        return Verdict((*gone, *_remarks(config, count, need)))
    if up + _weight(count.open) < need - _TINY:
        return Verdict((*gone, _too_few(config, count, need)))
    weighted = config.is_weighted
    note = (
        f"{amount(up, weighted)} up and {amount(need, weighted)} needed; nothing is known of {_open(count)}."
    )
    return Verdict(gone, conclusive=False, note=note)


def _count(config: CompositeConfig, past: Past) -> _Count:
    up, down, unknown, gone = [], [], [], []
    for part in config.parts:
        state = past.states.get(part.monitor)
        if state is None:
            gone.append(part)
        elif state.overlay is not Overlay.NONE or state.health is Health.NEW:
            unknown.append((part, state))
        elif state.health is Health.DOWN:
            down.append((part, state))
        else:
            up.append((part, state))
    return _Count(tuple(up), tuple(down), tuple(unknown), tuple(gone))


def _weight(some: tuple[tuple[Part, State], ...]) -> float:
    return sum(part.weight for part, _ in some)


def _names(some: tuple[tuple[Part, State], ...]) -> str:
    return listed([state.name for _, state in some], _MOST_NAMED)


def _open(count: _Count) -> str:
    return listed([f"{state.name} ({state.shown})" for _, state in count.open], _MOST_NAMED)


def _too_few(config: CompositeConfig, count: _Count, need: float) -> Finding:
    weighted, up = config.is_weighted, _weight(count.up)
    are = "is" if len(count.down) == 1 else "are"
    sentence = (
        f"{amount(up, weighted).capitalize()} of {amount(count.total, weighted)} up, "
        f"{amount(need, weighted)} needed: {_names(count.down)} {are} down"
    )
    also = f", and nothing is known of {_open(count)}" if count.open else ""
    whose = "its incident names" if len(count.down) == 1 else "each has an incident that names"
    fix = f"Mend {_names(count.down)} first: {whose} the cause. If the service works with fewer, lower need."
    return Finding("composite.too_few", "need", f"{sentence}{also}.", fix)


def _missing(part: Part) -> Finding:
    sentence = f"The monitor {part.monitor} does not exist any more and is not counted."
    fix = f"Take {part.monitor} out of the list, or put the slug of the monitor that took its place."
    return Finding("composite.child_missing", part.monitor, sentence, fix)


def _remarks(config: CompositeConfig, count: _Count, need: float) -> Iterator[Finding]:
    """Enough are up; what is not well is said without alarm."""
    weighted = config.is_weighted
    if count.down:
        left = _weight(count.up) - need
        spare = f"{amount(left, weighted)} more may fail" if left >= _TINY else "nothing more may fail"
        are = "is" if len(count.down) == 1 else "are"
        sentence = f"{_names(count.down)} {are} down; {amount(need, weighted)} needed, so {spare}."
        yield Finding("composite.some_down", "need", sentence, "Mend it while the others carry the load.")
    slow = tuple((part, state) for part, state in count.up if state.health is Health.DEGRADED)
    if slow:
        are = "is" if len(slow) == 1 else "are"
        sentence = f"{_names(slow)} {are} degraded and counted as up."
        yield Finding("composite.degraded", "need", sentence, "Open its page: it says what is wrong with it.")
