"""What a look means. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django_watchpost.celery.depth import Depth
from django_watchpost.celery.lookout import Look
from django_watchpost.celery.report import (
    EVERY_S,
    LEFT,
    RUNNING,
    BeatReport,
    Reports,
    WorkerReport,
    as_details,
)
from django_watchpost.celery.words import lasting, listed, waiting_tasks
from django_watchpost.health.contract import Result, Status, degraded, error, ok

_SEE_BROKER = "The broker cannot be asked; see celery.broker."
_PERIOD_S = EVERY_S + 1.0  # between two reports, with some slack
_TIMES_LONGEST = 5  # a task that takes this many times its longest run is taken for one that hangs


@dataclass(frozen=True, slots=True)
class Crew:
    """The workers by what their reports say: those that work, those that said that they stop, and those
    that fell silent without a word. ``age_s`` of what is read: seconds."""

    live: tuple[WorkerReport, ...] = ()
    leaving: tuple[WorkerReport, ...] = ()
    lost: tuple[WorkerReport, ...] = ()


def muster(reports: Reports, silent_after: float) -> Crew:
    live: list[WorkerReport] = []
    leaving: list[WorkerReport] = []
    lost: list[WorkerReport] = []
    for one in reports.workers:
        is_silent = one.age_s > silent_after
        if one.state == LEFT or (one.state != RUNNING and not is_silent):
            leaving.append(one)
        else:
            (lost if is_silent else live).append(one)
    return Crew(tuple(live), tuple(leaving), tuple(lost))


def gone_s(one: WorkerReport) -> float:
    """Seconds since a worker that left, or is about to, takes no tasks."""
    return one.age_s + one.stopping_s


def unknown(words: str) -> Result:
    return Result(Status.UNKNOWN, words)


def judge_broker(look: Look) -> Result:
    if look.trouble is not None:
        return error(look.trouble.words, code="celery.broker_down", fix=look.trouble.fix)
    return ok(observed=look.took_ms, unit="ms", details={"broker": look.address})


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """Seconds that the oldest task may wait, and how many tasks may; None: no limit."""

    degraded_age: float | None
    error_age: float | None
    degraded_depth: int | None
    error_depth: int | None


def judge_queues(look: Look, limits: QueueLimits) -> Result:
    if look.trouble is not None:
        return unknown(_SEE_BROKER)
    worst: tuple[int, float, str] = (0, 0.0, "")
    for name, depth in look.queues.items():
        worst = max(worst, (_level(depth, limits), depth.oldest_s or float(depth.ready), name))
    more: dict[str, Any] = {
        "observed": sum(one.ready for one in look.queues.values()),
        "unit": "tasks",
        "details": {name: _depth_details(one) for name, one in look.queues.items()},
    }
    level, _, name = worst
    if not level:
        return ok(**more)
    depth = look.queues[name]
    words = f"{waiting_tasks(depth.ready)} in the queue {name!r}"
    if depth.oldest_s is not None:
        words += f", the oldest for {lasting(depth.oldest_s)}"
    fix = "See whether its workers run (celery.workers), what takes them so long, and add workers or slots."
    return (degraded, error)[level - 1](f"{words}.", code="celery.backlog", fix=fix, **more)


def _level(depth: Depth, limits: QueueLimits) -> int:
    def beyond(value: float | None, limit: float | None) -> bool:
        return value is not None and limit is not None and value > limit

    if beyond(depth.oldest_s, limits.error_age) or beyond(depth.ready, limits.error_depth):
        return 2
    return int(beyond(depth.oldest_s, limits.degraded_age) or beyond(depth.ready, limits.degraded_depth))


def _depth_details(depth: Depth) -> dict[str, Any]:
    named = {"waiting": depth.ready, "unacked": depth.unacked, "oldest_s": depth.oldest_s}
    return {key: value for key, value in named.items() if value is not None}


def judge_consumers(
    look: Look, consumed: Mapping[str, int] | None, grace: Iterable[str], settles: float
) -> Result:
    """``consumed``: how many workers consume each queue, None: unknown; ``grace``: queues whose worker
    just left and may be coming back; ``settles``: seconds that a task must have waited."""
    if look.trouble is not None:
        return unknown(_SEE_BROKER)
    told = {name: one.consumers for name, one in look.queues.items() if one.consumers is not None}
    if not told and consumed is None:
        return unknown(f"Nobody knows who consumes the queues: {look.unread or 'no worker reports'}.")
    counts = {name: int(told.get(name, (consumed or {}).get(name, 0)) or 0) for name in look.queues}
    spared = set(grace)
    alone = [name for name, count in counts.items() if not count]
    waiting = [one for one in alone if one not in spared and look.waits_s.get(one, -1.0) >= settles]
    more: dict[str, Any] = {"observed": sum(counts.values()), "unit": "consumers", "details": counts}
    if not waiting:
        return ok(**more)
    name = max(waiting, key=lambda one: look.queues[one].ready)
    depth = look.queues[name]
    others = len(waiting) - 1
    words = f"Nobody consumes the queue {name!r}: {waiting_tasks(depth.ready)} there"
    words += (
        f", and {others} more {'queue has' if others == 1 else 'queues have'} no consumer." if others else "."
    )
    served = [one for one, count in counts.items() if count]
    fix = f"Start a worker with -Q {name}, or correct the name in task_routes or where the task is sent."
    if served:
        fix += f" Workers consume {listed(served)}."
    return error(words, code="celery.no_consumer", fix=fix, **more)


def count_consumers(live: Iterable[WorkerReport]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in live:
        for name in one.queues:
            counts[name] = counts.get(name, 0) + 1
    return counts


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Seconds: ``stuck_after`` nothing ended while all slots are taken; ``takes_within`` a free slot takes
    what waits."""

    stuck_after: float
    takes_within: float


@dataclass(slots=True)
class _Sick:
    words: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)

    def add(self, one: WorkerReport, code: str, words: str) -> None:
        self.words[one.node], self.codes[one.node] = words, code


def judge_live(look: Look, crew: Crew, limits: WorkerLimits) -> Result:
    """The workers that report: a busy one is fine, one that hangs or takes nothing is not."""
    sick = _Sick()
    for one in crew.live:
        if _hangs(one, limits):
            sick.add(one, "celery.stuck", _hanging(one))
        elif one.untaken_s > limits.takes_within:
            words = (
                f"{one.node} has begun none of its tasks for {lasting(one.untaken_s)} although slots are free"
            )
            sick.add(one, "celery.stuck", words)
        elif _is_deaf(one, look, limits):
            words = (
                f"{one.node} has taken no task for {lasting(one.taken_s)} although some wait in its queues"
            )
            sick.add(one, "celery.not_answering", words)
    more: dict[str, Any] = {
        "observed": len(crew.live),
        "unit": "workers",
        "details": {one.node: as_details(one) for one in crew.live},
    }
    if not sick.words:
        return _judge_lost(crew, more)
    node = next(iter(sick.words))
    is_all = len(sick.words) == len(crew.live) and any(
        one.prefetched or _waiting(one, look) for one in crew.live if one.node in sick.words
    )
    others = f" The same holds for {len(sick.words) - 1} more." if len(sick.words) > 1 else ""
    how = error if is_all else degraded
    return how(f"{sick.words[node]}.{others}", code=sick.codes[node], fix=_SICK_FIX[sick.codes[node]], **more)


_SICK_FIX = {
    "celery.stuck": "See where its processes stand (py-spy dump --pid …), restart the worker, and give tasks "
    "a time_limit and their network calls a timeout. Tasks that may take so long: raise stuck_after.",
    "celery.not_answering": "Its connection to the broker is lost although the process runs: restart the "
    "worker, and update celery, kombu and the broker's client.",
}


def _hangs(one: WorkerReport, limits: WorkerLimits) -> bool:
    longest = max(limits.stuck_after, _TIMES_LONGEST * one.longest_s)
    is_full = one.running >= one.slots > 0
    return is_full and one.oldest_s > longest and one.finished_s > limits.stuck_after


def _hanging(one: WorkerReport) -> str:
    slots = "its only slot is" if one.slots == 1 else f"all {one.slots} slots of it are"
    return (
        f"{one.node} has finished no task for {lasting(one.finished_s)}: {slots} taken, by {one.oldest_task} "
        f"for {lasting(one.oldest_s)}"
    )


def _is_deaf(one: WorkerReport, look: Look, limits: WorkerLimits) -> bool:
    is_free = one.running < one.slots and not one.prefetched and not one.held
    return is_free and one.taken_s > limits.takes_within < _longest_wait(one, look)


def _longest_wait(one: WorkerReport, look: Look) -> float:
    return max((look.waits_s.get(name, 0.0) for name in one.queues), default=0.0)


def _waiting(one: WorkerReport, look: Look) -> int:
    return sum(look.queues[name].ready for name in one.queues if name in look.queues)


def _judge_lost(crew: Crew, more: Mapping[str, Any]) -> Result:
    """One of several that fell silent, and none came since for its queues."""
    for one in crew.lost:
        heirs = [new for new in crew.live if set(new.queues) & set(one.queues)]
        # It lived on for up to one period after its last report: who began in that time is no heir.
        if not any(new.up_s + new.age_s < one.age_s - _PERIOD_S for new in heirs):
            words = f"{one.node} fell silent {lasting(one.age_s)} ago without a word; others work on."
            return degraded(words, code="celery.no_workers", fix=_DEAD_FIX, **more)
    return ok(**more)


_DEAD_FIX = (
    "Look at the supervisor of the worker and for the kernel's out-of-memory messages: it was killed, its "
    "machine is gone, or it hangs as a whole."
)


def judge_none(crew: Crew, grace: float) -> Result | None:
    """Nobody reports. None: that alone proves nothing."""
    if crew.lost:
        last = min(crew.lost, key=lambda one: one.age_s)
        words = f"No worker is left: {last.node} fell silent {lasting(last.age_s)} ago without a word."
        return error(words, code="celery.no_workers", fix=_DEAD_FIX, observed=0, unit="workers")
    if crew.leaving:
        last = min(crew.leaving, key=gone_s)
        stopped = f"{last.node} stopped {lasting(gone_s(last))} ago"
        if gone_s(last) <= grace:
            return ok(f"{stopped}; another has {grace:.0f} s to come.", observed=0, unit="workers")
        words = f"No worker is left: {stopped}, and none has come since."
        fix = "Start the worker, and look at the service or deployment that should have."
        return error(words, code="celery.no_workers", fix=fix, observed=0, unit="workers")
    return None


def judge_answers(answer: Mapping[str, Sequence[str]] | None, is_early: bool) -> Result:
    """What workers said when asked, where none reports."""
    if answer:
        words = "They answer and send no reports: django_watchpost is missing in their INSTALLED_APPS."
        details = {node: list(queues) for node, queues in answer.items()}
        return ok(words, observed=len(answer), unit="workers", details=details)
    if is_early or answer is None:
        return unknown("No worker has reported yet.")
    words = "No worker reports, and none answers: tasks are not run."
    fix = "Start a worker (celery -A <project> worker); look at its service and its log."
    return error(words, code="celery.no_workers", fix=fix, observed=0, unit="workers")


@dataclass(frozen=True, slots=True)
class BeatLimits:
    """Seconds: reports may be this old; ticks overdue by so much; a new Beat has so long to come; the
    entry may be unrun for so long; two Beats may run for so long."""

    silent_after: float
    ticks_within: float
    grace: float
    runs_within: float
    overlap: float


def judge_beat(look: Look, limits: BeatLimits, is_early: bool) -> Result:
    if look.reports is None:
        return unknown(_SEE_BROKER if look.trouble else f"Nobody knows about Beat: {look.unread}.")
    beats = look.reports.beats
    live = [one for one in beats if one.state == RUNNING and one.age_s <= limits.silent_after]
    if not live:
        return _judge_no_beat(beats, limits, is_early)
    one = min(live, key=lambda beat: beat.tick_s - beat.sleeps_s)
    overdue = one.tick_s + one.age_s - one.sleeps_s
    more: dict[str, Any] = {
        "observed": round(one.tick_s, 1),
        "unit": "s",
        "details": _beat_details(one, look),
    }
    if overdue > limits.ticks_within:
        words = f"Beat on {one.node} lives and does not tick: the last was {lasting(one.tick_s)} ago."
        fix = "See where it stands (py-spy dump --pid …): mostly it waits for the broker. Restart it."
        return error(words, code="beat.silent", fix=fix, **more)
    ticking = [beat for beat in live if beat.up_s > limits.overlap and beat.ticks]
    if len(ticking) > 1:
        nodes = listed([f"{beat.node} ({beat.pid})" for beat in ticking])
        words = f"{len(ticking)} Beats run, {nodes}: each periodic task is sent as many times."
        fix = "Run Beat once, and never with worker -B on several machines."
        return degraded(words, code="beat.twice", fix=fix, **more)
    return _judge_entry(one, look.reports.ran_s, limits, more)


def _judge_no_beat(beats: Sequence[BeatReport], limits: BeatLimits, is_early: bool) -> Result:
    fix = "Start it (celery -A <project> beat), and look at its service and its log."
    if not beats:
        if is_early:
            return unknown("Beat has not reported yet.")
        words = "No Beat reports, although there is a schedule: periodic tasks are not sent."
        return error(words, code="beat.silent", fix=f"{fix} It needs django_watchpost in INSTALLED_APPS.")
    last = min(beats, key=lambda one: one.age_s)
    if last.state == LEFT:
        if last.age_s <= limits.grace:
            return ok(f"Beat stopped {lasting(last.age_s)} ago; another has {limits.grace:.0f} s to come.")
        words = f"Beat on {last.node} was stopped {lasting(last.age_s)} ago, and none has come since."
    else:
        words = f"Beat on {last.node} fell silent {lasting(last.age_s)} ago: periodic tasks are not sent."
        fix = f"See whether its process (pid {last.pid}) is there: then it hangs, restart it. Else: {fix}"
    return error(words, code="beat.silent", fix=fix)


def _judge_entry(one: BeatReport, ran_s: float | None, limits: BeatLimits, more: Mapping[str, Any]) -> Result:
    """Beat sends; whether a worker runs what it sends is another matter."""
    sends_s = one.sends_s
    if (
        sends_s is None
        or sends_s <= limits.runs_within
        or (ran_s is not None and ran_s <= limits.runs_within)
    ):
        return ok(**more)
    last = f"the last ran {lasting(ran_s)} ago" if ran_s is not None else "none ran in the last ten minutes"
    words = f"Beat is alive and sends, but no worker runs what it sends: {last}."
    fix = "See celery.workers and celery.queues: workers are gone, hang, or are busy with a backlog."
    return degraded(words, code="beat.not_run", fix=fix, **more)


def _beat_details(one: BeatReport, look: Look) -> dict[str, Any]:
    ran = look.reports.ran_s if look.reports else None
    found = {"node": one.node, "pid": one.pid, "scheduler": one.scheduler, "ticks": one.ticks, "ran_s": ran}
    return {key: value for key, value in {**found, "sent_s": one.sent_s}.items() if value is not None}
