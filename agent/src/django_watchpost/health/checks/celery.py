"""Celery: the broker, its queues, who consumes them, and whether the workers work. See
``django_watchpost.celery``.

All of them share one look at the broker. None is critical: pages are still served while tasks wait.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django_watchpost.conf import read_conf
from django_watchpost.health.contract import Check, Result


@dataclass(kw_only=True)
class _OfCelery(Check):
    """``queues``: names beside those that settings, routes, tasks and workers tell."""

    critical: bool = False
    interval: float = 10.0
    queues: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._began = time.monotonic()

    @classmethod
    def found(cls) -> Iterable[Check]:
        return (cls(),) if is_used() else ()  # type: ignore[call-arg]  # each class gives its id a default

    def _look(self) -> Any:
        from django_watchpost.celery.application import find_app
        from django_watchpost.celery.lookout import lookout

        app = find_app()
        if app is None:
            raise RuntimeError("The project's Celery application is gone.")
        return app, lookout(app).look(tuple(self.queues))


def is_used() -> bool:
    """Whether this process knows a Celery application whose tasks go through a broker, and may look at it."""
    from django_watchpost.celery.application import find_app
    from django_watchpost.health.process import is_testing

    return read_conf().celery != "off" and not is_testing() and find_app() is not None


@dataclass(kw_only=True)
class Broker(_OfCelery):
    """The broker takes a connection and answers, within 1.5 s for each step."""

    id: str = "celery.broker"

    def run(self) -> Result:
        from django_watchpost.celery.judge import judge_broker

        return judge_broker(self._look()[1])


@dataclass(kw_only=True)
class Queues(_OfCelery):
    """No queue holds too many tasks, or one that waits for too long. Ages are seconds, depths are tasks;
    None: no limit."""

    id: str = "celery.queues"
    degraded_age: float | None = 120.0
    error_age: float | None = 900.0
    degraded_depth: int | None = 1000
    error_depth: int | None = 10_000

    def run(self) -> Result:
        from django_watchpost.celery.judge import QueueLimits, judge_queues

        ages = self.degraded_age, self.error_age
        limits = QueueLimits(*ages, self.degraded_depth, self.error_depth)
        return judge_queues(self._look()[1], limits)


@dataclass(kw_only=True)
class Consumers(_OfCelery):
    """Each queue in which tasks wait is consumed by somebody. ``settles_in`` seconds a task must have
    waited; a worker that said that it stops may be replaced within ``grace`` seconds."""

    id: str = "celery.consumers"
    silent_after: float = 30.0
    settles_in: float = 10.0
    grace: float = 60.0

    def run(self) -> Result:
        from django_watchpost.celery.ask import ask
        from django_watchpost.celery.judge import count_consumers, gone_s, judge_consumers, muster, unknown

        app, look = self._look()
        crew = muster(look.reports, self.silent_after) if look.reports is not None else None
        consumed = count_consumers(crew.live) if crew is not None and crew.live else None
        spared = {
            name
            for one in (crew.leaving if crew is not None else ())
            if gone_s(one) <= self.grace
            for name in one.queues
        }
        is_told = look.trouble is not None or any(one.consumers is not None for one in look.queues.values())
        if consumed is None and not is_told:
            answer = ask(app) if time.monotonic() - self._began > self.grace else None
            if not answer:
                return unknown("No worker reports which queues it consumes; see celery.workers.")
            workers = [name for queues in answer.values() for name in queues]
            consumed = {name: workers.count(name) for name in workers}
        return judge_consumers(look, consumed, spared, self.settles_in)


@dataclass(kw_only=True)
class Workers(_OfCelery):
    """Workers report by themselves, every five seconds: that they are there, and whether tasks end.

    All in seconds. ``silent_after``: no report, and a worker is taken for dead; ``stuck_after``: nothing
    ended while every slot is taken; ``takes_within``: a free slot takes what waits; ``grace``: for a
    worker to come, after this process began or after another said that it stops.
    """

    id: str = "celery.workers"
    silent_after: float = 30.0
    stuck_after: float = 300.0
    takes_within: float = 60.0
    grace: float = 60.0

    def run(self) -> Result:
        from django_watchpost.celery.ask import ask
        from django_watchpost.celery.judge import (
            Crew,
            WorkerLimits,
            judge_answers,
            judge_live,
            judge_none,
            muster,
            unknown,
        )

        app, look = self._look()
        if look.trouble is not None:
            return unknown("The broker cannot be asked; see celery.broker.")
        crew = muster(look.reports, self.silent_after) if look.reports is not None else Crew()
        if crew.live:
            return judge_live(look, crew, WorkerLimits(self.stuck_after, self.takes_within))
        known = judge_none(crew, self.grace)
        if known is not None and known.code == "":
            return known
        is_early = time.monotonic() - self._began <= self.grace
        answer = ask(app) if known is not None or not is_early else None
        if answer:  # it may be up to a minute old: who reported and fell silent since is not counted
            silent = {one.node for one in (*crew.lost, *crew.leaving)}
            answer = {node: queues for node, queues in answer.items() if node not in silent}
        if answer or known is None:
            said = judge_answers(answer, is_early)
            return replace(said, details={**said.details, "why": look.unread}) if look.unread else said
        return known
