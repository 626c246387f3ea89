"""A real Beat, gone, doubled, or with nobody to run what it sends."""

from __future__ import annotations

import signal

from django_watchpost.health.checks.beat import Beat
from tests.celery_stack import wait_for
from tests.with_celery.looking import see, until


def test_beat_is_seen_and_its_entry_is_run(stack):
    stack.worker()
    beat = stack.beat()
    result = until(Beat(), "ok")
    assert result.details["scheduler"] == "PersistentScheduler"
    wait_for(lambda: "ran_s" in Beat().run().details, 60)
    beat.send(signal.SIGKILL)
    result = until(Beat(silent_after=4.0), "error", "beat.silent")
    assert "fell silent" in result.message
    stack.beat("beat2")
    until(Beat(), "ok")


def test_beat_lives_and_no_worker_runs_what_it_sends(stack):
    worker = stack.worker()
    stack.beat()
    wait_for(lambda: "ran_s" in Beat().run().details, 60)
    worker.send(signal.SIGKILL)
    limits = Beat(runs_within=8.0)
    result = until(limits, "degraded", "beat.not_run", 90)
    assert "Beat is alive" in result.message
    stack.worker("w2")
    until(limits, "ok", within_s=60)


def test_beat_that_hangs_is_told_from_one_that_is_gone(stack):
    beat = stack.beat()
    until(Beat(), "ok")
    wait_for(lambda: Beat().run().details.get("ticks"))
    beat.send(signal.SIGTERM)
    wait_for(lambda: not beat.is_up())
    assert "stopped" in see(Beat())[2]
    until(Beat(grace=1.0), "error", "beat.silent")


def test_two_beats(stack):
    stack.beat("one")
    stack.beat("two")
    result = until(Beat(grace=2.0), "degraded", "beat.twice")
    assert "2 Beats run" in result.message
