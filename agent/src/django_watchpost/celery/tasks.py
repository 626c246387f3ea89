"""The entry of the agent in Beat's schedule: a task that says that it ran, and nothing else."""

from __future__ import annotations

from celery import shared_task

from django_watchpost.guard import guard

TASK = "watchpost.beat"
EVERY_S = 30.0
EXPIRES_S = 60.0  # what could not run in time is of no use later: a backlog must not fill with it


@shared_task(name=TASK, ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def say_ran() -> None:
    """Runs in a worker."""
    _write()


@guard(None)
def _write() -> None:
    from celery import current_app

    from django_watchpost.celery.carrier import choose_place, open_carrier
    from django_watchpost.celery.report import RAN
    from django_watchpost.conf import read_conf

    app = current_app._get_current_object()
    place = choose_place(app, read_conf().celery)
    if place is not None:
        with open_carrier(place, app) as carrier:
            carrier.write(RAN, {})
