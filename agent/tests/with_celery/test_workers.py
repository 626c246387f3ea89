"""Real workers, killed, frozen, hanging and busy."""

from __future__ import annotations

import re
import signal
import time

import pytest

from django_watchpost.health.checks.beat import Beat
from django_watchpost.health.checks.celery import Broker, Consumers, Queues, Workers
from tests.celery_stack import wait_for
from tests.with_celery.looking import QUICK, see, until


def test_all_is_well(stack):
    stack.worker("w1", "celery,mails")
    workers = until(Workers(), "ok")
    wait_for(lambda: Workers().run().observed == 1)
    assert Workers().run().details["w1@here"]["queues"] == ["celery", "mails"]
    assert Workers().run().details["w1@here"]["slots"] == 2
    assert workers.unit == "workers"
    assert see(Broker())[0] == "ok"
    consumers = Consumers().run()
    assert (consumers.status.value, consumers.details) == ("ok", {"celery": 1, "mails": 1})
    for _ in range(20):
        stack.send()
        stack.send("shop.mail")
    wait_for(lambda: Queues().run().observed == 0)
    assert see(Queues())[0] == "ok"


def test_a_worker_that_is_killed(stack):
    worker = stack.worker()
    wait_for(lambda: Workers().run().observed == 1)
    worker.send(signal.SIGKILL)
    result = until(Workers(**QUICK), "error", "celery.no_workers")
    assert "w1@here fell silent" in result.message
    stack.worker("w2")
    until(Workers(**QUICK), "ok")


def _silent_s(message: str) -> int:
    found = re.search(r"silent (\d+) s ago", message)
    return int(found[1]) if found else 0


def test_one_of_two_workers_is_killed_and_replaced(stack):
    worker = stack.worker()
    stack.worker("w2")
    wait_for(lambda: Workers().run().observed == 2)
    worker.send(signal.SIGKILL)
    result = until(Workers(**QUICK), "degraded", "celery.no_workers")
    assert "w1@here" in result.message
    # Who began within one period of the last report may have been there all the while, and is no heir.
    wait_for(lambda: _silent_s(Workers(**QUICK).run().message) > 8)
    stack.worker("w3")
    until(Workers(**QUICK), "ok")


def test_a_worker_that_says_goodbye_has_time_to_come_back(stack):
    worker = stack.worker()
    wait_for(lambda: Workers().run().observed == 1)
    worker.stop()
    assert see(Workers(grace=60.0))[0] == "ok"
    assert "stopped" in see(Workers(grace=60.0))[2]
    result = until(Workers(grace=1.0), "error", "celery.no_workers")
    assert "none has come since" in result.message


def test_a_frozen_worker_is_silent(stack):
    worker = stack.worker()
    wait_for(lambda: Workers().run().observed == 1)
    worker.send(signal.SIGSTOP)
    until(Workers(**QUICK), "error", "celery.no_workers")
    worker.send(signal.SIGCONT)
    until(Workers(**QUICK), "ok")


def test_busy_is_not_stuck_and_hanging_is(stack):
    worker = stack.worker()
    wait_for(lambda: Workers().run().observed == 1)
    for _ in range(60):
        stack.send("shop.nap", 0.5)
    wait_for(lambda: Workers().run().details["w1@here"]["running"] == 2)
    limits = {"stuck_after": 4.0}
    ends = time.monotonic() + 6
    while time.monotonic() < ends:
        assert see(Workers(**limits))[0] == "ok", "tasks end all the while"
        time.sleep(0.5)
    worker.send(signal.SIGSTOP, *worker.children())
    result = until(Workers(**limits), "error", "celery.stuck")
    assert "w1@here" in result.message
    assert "shop.nap" in result.message
    worker.send(signal.SIGCONT, *worker.children())
    until(Workers(**limits), "ok")


def test_children_that_freeze_while_idle_take_nothing(stack):
    worker = stack.worker()
    wait_for(lambda: Workers().run().observed == 1)
    worker.send(signal.SIGSTOP, *worker.children())
    for _ in range(4):
        stack.send()
    result = until(Workers(takes_within=3.0), "error", "celery.stuck")
    assert "begun none of its tasks" in result.message
    worker.send(signal.SIGCONT, *worker.children())
    until(Workers(takes_within=3.0), "ok")


def test_workers_without_the_agent_are_asked(use, redis):
    stack = use(redis.url)
    stack.env["SHOP_WATCHPOST"] = '{"CELERY": false}'
    worker = stack.worker()
    result = until(Workers(grace=0.0), "ok")
    assert "send no reports" in result.message
    assert result.details["w1@here"] == ["celery"]
    assert until(Consumers(grace=0.0), "ok").details["celery"] == 1
    worker.send(signal.SIGKILL)
    until(Workers(grace=0.0), "error", "celery.no_workers")


def test_before_anybody_could_come_nothing_is_claimed(stack):
    assert see(Workers())[0] == "unknown"
    assert see(Beat())[0] == "unknown"
    assert see(Workers(grace=0.0))[1] == "celery.no_workers"
    assert see(Beat(grace=0.0))[1] == "beat.silent"


def test_reports_in_a_cache(use, redis, tmp_path, settings):
    caches = {
        "default": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": str(tmp_path / "cache"),
        }
    }
    settings.CACHES = caches
    settings.WATCHPOST = {"CELERY": "cache"}
    stack = use(redis.url, caches=caches, watchpost={"CELERY": "cache"})
    worker = stack.worker()
    stack.worker("w2")
    wait_for(lambda: Workers().run().observed == 2)
    worker.send(signal.SIGKILL)
    until(Workers(**QUICK), "degraded", "celery.no_workers")


def test_switched_off_nothing_is_added(use, redis, settings):
    settings.WATCHPOST = {"CELERY": False}
    use(redis.url)
    for kind in (Broker, Queues, Consumers, Workers, Beat):
        assert list(kind.found()) == []


@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_other_pools(stack, pool):
    stack.worker("w1", "celery", "-P", pool)
    wait_for(lambda: Workers().run().observed == 1)
    stack.send("shop.nap", 6.0)
    wait_for(lambda: Workers().run().details["w1@here"]["running"] == 1)
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        assert see(Workers(**QUICK))[0] == "ok", "it reports while its only slot is taken"
        time.sleep(0.5)
    wait_for(lambda: Workers().run().details["w1@here"]["running"] == 0)


def test_children_that_come_and_go_beside_the_reporter(stack):
    stack.worker("w1", "celery", "--max-tasks-per-child", "1")
    wait_for(lambda: Workers().run().observed == 1)
    for _ in range(60):
        stack.send()
    wait_for(lambda: Queues().run().observed == 0, 60)
    wait_for(lambda: Workers().run().details["w1@here"]["running"] == 0)
    assert see(Workers(**QUICK))[0] == "ok"


def test_a_broker_that_comes_back_brings_the_reports_back(stack, redis):
    stack.worker()
    wait_for(lambda: Workers().run().observed == 1)
    redis.process.stop(signal.SIGKILL)
    assert see(Workers())[0] == "unknown"
    redis.start()
    wait_for(lambda: Workers(grace=0.0).run().observed == 1, 60)
    stack.send()
    wait_for(lambda: Queues().run().observed == 0)
