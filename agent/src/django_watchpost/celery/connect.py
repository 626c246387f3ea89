"""Hooks the agent into Celery where the project has loaded it; nothing happens in a process without it."""

from __future__ import annotations

import sys
from typing import Any

from django_watchpost.conf import read_conf
from django_watchpost.guard import guard, log

_NO_PLACE = (
    "WATCHPOST['CELERY']: there is no place where workers and web processes could share reports; set it to "
    "a shared cache ('cache:<alias>') or a folder ('/path')"
)


@guard(None)
def connect() -> None:
    """When Django is ready. Starts no thread: a worker and Beat say themselves when they begin."""
    conf = read_conf()
    if "celery" not in sys.modules or conf.celery == "off":
        return
    from celery import signals

    from django_watchpost.celery import tasks  # noqa: F401  makes the task known to workers
    from django_watchpost.celery.stamp import stamp

    hooks = (
        (signals.before_task_publish, stamp),
        (signals.worker_ready, _on_worker_ready),
        (signals.beat_init, _on_beat),
    )
    for signal, hook in hooks:
        signal.connect(hook, weak=False, dispatch_uid=f"watchpost.{hook.__name__}")
    if conf.ping is not None and conf.heartbeats is not None:
        _connect_heartbeats()


def _connect_heartbeats() -> None:
    from celery import signals

    from django_watchpost.celery import runs

    hooks = (
        (signals.before_task_publish, runs.stamp_entry),
        (signals.task_received, runs.on_received),
        (signals.task_prerun, runs.on_prerun),
        (signals.task_postrun, runs.on_postrun),
        (signals.task_failure, runs.on_failure),
        (signals.beat_init, _on_beat_with_entries),
    )
    for signal, hook in hooks:
        signal.connect(hook, weak=False, dispatch_uid=f"watchpost.{hook.__name__}")


@guard(None)
def _on_beat_with_entries(sender: Any = None, **_: Any) -> None:
    from django_watchpost.celery.entry_watch import EntryWatch

    conf = read_conf()
    if sender is not None and conf.api_key:
        EntryWatch(sender, conf).start()


@guard(None)
def _on_worker_ready(sender: Any = None, **_: Any) -> None:
    from celery import signals

    from django_watchpost.celery.worker import WorkerReporter
    from django_watchpost.health.process import is_testing

    place = None if sender is None or is_testing() else _place(sender.app)
    if place is None:
        return
    reporter = WorkerReporter(sender, place)
    signals.worker_shutting_down.connect(lambda **_: reporter.say_stopping(), weak=False)
    signals.worker_shutdown.connect(lambda **_: reporter.say_left(), weak=False)
    reporter.start()


@guard(None)
def _on_beat(sender: Any = None, **_: Any) -> None:
    from celery import signals

    from django_watchpost.celery.beat import BeatReporter
    from django_watchpost.celery.tasks import TASK

    place = None if sender is None else _place(sender.app)
    if place is None:
        return
    reporter = BeatReporter(sender, place)
    signals.after_task_publish.connect(lambda **_: reporter.note_sent(), sender=TASK, weak=False)
    reporter.start()


def _place(app: Any) -> Any:
    from django_watchpost.celery.carrier import choose_place

    place = choose_place(app, read_conf().celery)
    if place is None:
        log.warning("%s", _NO_PLACE)
    return place
