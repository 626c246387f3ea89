"""RabbitMQ, which knows itself who consumes; the workers' reports lie in a folder."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_watchpost.health.checks.celery import Broker, Consumers, Queues, Workers
from tests.celery_stack import Rabbit, wait_for
from tests.with_celery.looking import QUICK, see, until


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    server = Rabbit(tmp_path_factory.mktemp("rabbit"))
    yield server
    server.close()


def test_queues_consumers_and_workers(use, rabbit, tmp_path: Path, settings):
    place = {"CELERY": str(tmp_path / "reports")}
    settings.WATCHPOST = place
    stack = use(rabbit.url, watchpost=place)
    assert see(Broker())[0] == "ok"
    assert see(Consumers())[0] == "ok", "queues that do not exist yet hold nothing"
    for _ in range(3):
        stack.send()
    wait_for(lambda: Queues().run().observed == 3)
    assert "'celery'" in until(Consumers(settles_in=0.5), "error", "celery.no_consumer").message
    worker = stack.worker("w1", "celery,mails")
    assert until(Consumers(settles_in=0.5), "ok").details == {"celery": 1, "mails": 1}
    wait_for(lambda: Queues().run().observed == 0)
    wait_for(lambda: Workers().run().observed == 1)
    worker.send(signal.SIGKILL)
    until(Workers(**QUICK), "error", "celery.no_workers")


def test_without_a_place_for_reports_workers_are_asked(use, rabbit):
    stack = use(rabbit.url)
    worker = stack.worker()
    result = until(Workers(grace=0.0), "ok")
    assert result.details["w1@here"] == ["celery"]
    assert "no place" in result.details["why"]
    worker.stop()
    until(Workers(grace=0.0), "error", "celery.no_workers")


def test_it_refuses_hangs_and_is_down(use, rabbit):
    use(rabbit.url.replace("guest:guest", "guest:wrong-password"))
    status, code, message = see(Broker())
    assert (status, code) == ("error", "celery.broker_down")
    assert "refuses the login" in message
    assert "wrong-password" not in message
    use(rabbit.url)
    rabbit.process.send(signal.SIGSTOP, rabbit.beam())
    began = time.monotonic()
    assert "does not answer within 1.5 s" in see(Broker())[2]
    assert time.monotonic() - began < 4.5
    rabbit.process.send(signal.SIGCONT, rabbit.beam())
    until(Broker(), "ok")
    rabbit.process.stop(signal.SIGKILL)
    wait_for(lambda: "refuses connections" in see(Broker())[2])
