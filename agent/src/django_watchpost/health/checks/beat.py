"""Beat: whether periodic tasks are sent, and whether what is sent is run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.apps import apps

from django_watchpost.health.checks.celery import _OfCelery, is_used
from django_watchpost.health.contract import Check, Result


@dataclass(kw_only=True)
class Beat(_OfCelery):
    """Beat reports each tick, and workers run an entry that the agent adds to its schedule.

    All in seconds. ``silent_after``: no report, and Beat is taken for dead; ``ticks_within``: a tick is
    overdue by so much; ``runs_within``: three times the entry's period; ``grace``: for Beat to come, after
    this process began or after another said that it stops; ``overlap``: the old one and the new one may run
    beside each other, None: as long as ``grace``.
    """

    id: str = "beat"
    silent_after: float = 30.0
    ticks_within: float = 60.0
    runs_within: float = 90.0
    grace: float = 60.0
    overlap: float | None = None

    @classmethod
    def found(cls) -> Iterable[Check]:
        """Where there is a schedule."""
        from django_watchpost.celery.application import find_app

        if not is_used():
            return ()
        app = find_app()
        has_schedule = bool(app is not None and app.conf.beat_schedule)
        return (cls(),) if has_schedule or apps.is_installed("django_celery_beat") else ()

    def run(self) -> Result:
        import time

        from django_watchpost.celery.judge import BeatLimits, judge_beat

        look = self._look()[1]
        overlap = self.grace if self.overlap is None else self.overlap
        limits = BeatLimits(self.silent_after, self.ticks_within, self.grace, self.runs_within, overlap)
        return judge_beat(look, limits, time.monotonic() - self._began <= self.grace)
