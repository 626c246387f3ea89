"""What a worker and Beat report of themselves. All times are seconds that have passed, so no two clocks
are compared.

A report comes from a store that others can write to: what does not have the right shape is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from django_watchpost.celery.carrier import Kept

EVERY_S = 5.0  # between two reports of one process
RUNNING, STOPPING, LEFT = "running", "stopping", "left"
WORKER, BEAT, RAN = "worker:", "beat:", "ran"


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """Of one worker: ``slots`` it has, tasks ``running``, and ``prefetched`` ones that wait in its memory.

    ``oldest_s``: the running task that runs longest, with its name, and the longest that a task of this
    name ran here (0: none ended yet); ``taken_s``, ``finished_s``: since a task was begun and since one
    ended, or since the start; ``untaken_s``: how long a task has waited in memory although a slot is free;
    ``held``: tasks that a rate limit holds back; ``stopping_s``: since it was told to stop. ``age_s``: of
    the report itself.
    """

    node: str
    pid: int = 0
    state: str = RUNNING
    queues: tuple[str, ...] = ()
    slots: int = 0
    running: int = 0
    prefetched: int = 0
    oldest_s: float = 0.0
    oldest_task: str = ""
    longest_s: float = 0.0
    taken_s: float = 0.0
    finished_s: float = 0.0
    untaken_s: float = 0.0
    held: int = 0
    stopping_s: float = 0.0
    up_s: float = 0.0
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class BeatReport:
    """Of one Beat: ``tick_s`` since its last tick, after which it wanted to sleep ``sleeps_s``;
    ``sent_s``: since it sent the agent's entry, ``sends_s``: how long it has sent it without pause (both
    None: it does not)."""

    node: str
    pid: int = 0
    state: str = RUNNING
    ticks: int = 0
    tick_s: float = 0.0
    sleeps_s: float = 0.0
    sent_s: float | None = None
    sends_s: float | None = None
    scheduler: str = ""
    up_s: float = 0.0
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reports:
    """All that is kept. ``ran_s``: since a worker ran Beat's entry of the agent; None: not in ten minutes."""

    workers: tuple[WorkerReport, ...] = ()
    beats: tuple[BeatReport, ...] = ()
    ran_s: float | None = None


def plain(report: WorkerReport | BeatReport) -> dict[str, Any]:
    """As it is kept."""
    return asdict(report)


def sort_out(kept: Iterable[Kept]) -> Reports:
    """Leaves out what is no report."""
    workers, beats, ran = [], [], None
    for one in kept:
        if one.name.startswith(WORKER) and (worker := _made(WorkerReport, one)) is not None:
            workers.append(worker)
        elif one.name.startswith(BEAT) and (beat := _made(BeatReport, one)) is not None:
            beats.append(beat)
        elif one.name == RAN:
            ran = one.age_s
    return Reports(tuple(workers), tuple(beats), ran)


def _made(kind: type[Any], kept: Kept) -> Any | None:
    taken = {}
    for one in fields(kind):
        if one.name in kept.data and one.name != "age_s":
            value = _fitting(kept.data[one.name], one.default)
            if value is _MISFIT:
                return None
            taken[one.name] = value
    return replace(kind(**taken), age_s=kept.age_s) if "node" in taken else None


_MISFIT = object()


def _fitting(value: Any, default: Any) -> Any:
    if isinstance(default, tuple):
        is_list = isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value)
        return tuple(value) if is_list else _MISFIT
    if isinstance(default, (int, float)):
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else _MISFIT
    if default is None:
        return value if value is None or isinstance(value, (int, float)) else _MISFIT
    return value if isinstance(value, str) else _MISFIT


def as_details(report: WorkerReport) -> Mapping[str, Any]:
    """For the health endpoint."""
    names = (
        "queues",
        "slots",
        "running",
        "prefetched",
        "oldest_s",
        "oldest_task",
        "finished_s",
        "state",
        "age_s",
    )
    found = {name: getattr(report, name) for name in names}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
