"""Real brokers and queues: what waits, what nobody takes, and what does not answer."""

from __future__ import annotations

import os
import signal
import time

from django_watchpost.health.checks.beat import Beat
from django_watchpost.health.checks.celery import Broker, Consumers, Queues, Workers
from tests.celery_stack import Redis, wait_for
from tests.with_celery.looking import QUICK, see, until


def test_a_backlog_of_all_priorities_and_its_age(stack):
    for number in range(12):
        stack.send(priority=number % 10)
    queues = Queues(degraded_depth=10)
    result = queues.run()
    assert (result.status.value, result.code, result.observed) == ("degraded", "celery.backlog", 12)
    assert "12 tasks wait in the queue 'celery'" in result.message
    age = until(Queues(degraded_age=1.0), "degraded", "celery.backlog").details["celery"]["oldest_s"]
    assert 1 < age < 30
    assert see(Queues(error_age=1.0))[0] == "error"
    stack.worker()
    until(Queues(degraded_age=1.0, degraded_depth=10), "ok")


def test_what_is_delivered_and_unfinished_is_counted_by_queue(stack):
    stack.worker("w1", "celery,mails")
    for _ in range(5):
        stack.send("shop.nap", 3.0)
    wait_for(lambda: Queues().run().details["celery"].get("unacked") in (3, 5))
    assert Queues().run().details["mails"]["unacked"] == 0


def test_a_key_prefix_is_respected(use, redis):
    stack = use(redis.url, options={"global_keyprefix": "shop-"})
    for _ in range(3):
        stack.send()
    assert Queues().run().details["celery"]["waiting"] == 3
    assert "oldest_s" in Queues().run().details["celery"]
    stack.worker()
    wait_for(lambda: Workers().run().observed == 1)
    wait_for(lambda: Queues().run().observed == 0)


def test_a_worker_on_another_queue(stack):
    stack.worker("w1", "mials")
    wait_for(lambda: Workers().run().observed == 1)
    assert see(Consumers())[0] == "ok", "nothing waits yet"
    stack.send("shop.mail")
    result = until(Consumers(settles_in=1.0), "error", "celery.no_consumer")
    assert "'mails'" in result.message
    assert "1 task" in result.message
    assert "Workers consume mials" in result.fix
    stack.worker("w2", "celery,mails")
    until(Consumers(settles_in=1.0), "ok")


def test_a_broker_that_is_down(stack, redis):
    redis.process.stop(signal.SIGKILL)
    status, code, message = see(Broker())
    assert (status, code) == ("error", "celery.broker_down")
    assert "refuses connections" in message
    assert str(redis.port) in message
    for check in (Queues(), Consumers(), Workers(), Beat()):
        assert see(check)[0] == "unknown", "one cause, one finding"
    redis.start()
    until(Broker(), "ok")


def test_a_broker_that_accepts_and_never_answers(stack, redis):
    assert see(Broker())[0] == "ok"
    redis.process.send(signal.SIGSTOP)
    began = time.monotonic()
    status, code, message = see(Broker())
    assert (status, code) == ("error", "celery.broker_down")
    assert "does not answer within 1.5 s" in message
    assert time.monotonic() - began < 4.5, "before the runner's own deadline"
    redis.process.send(signal.SIGCONT)
    until(Broker(), "ok")


def test_a_broker_that_refuses_the_login_shows_no_password(use, tmp_path):
    server = Redis(tmp_path, "--requirepass", "hunter22")
    try:
        for login in ("", ":wrong-password@"):
            use(server.url.replace("//", f"//{login}"))
            status, code, message = see(Broker())
            assert (status, code) == ("error", "celery.broker_down")
            assert "refuses the login" in message
            assert "wrong-password" not in message
        use(server.url.replace("//", "//:hunter22@"))
        assert see(Broker())[0] == "ok"
    finally:
        server.process.stop(signal.SIGKILL)


def test_a_broker_whose_name_nobody_knows(use):
    use("redis://broker.invalid:6379/0")
    assert "cannot be resolved" in see(Broker())[2]


def test_connections_are_given_back(stack, redis):
    for _ in range(30):
        assert see(Broker())[0] == "ok"
    from redis import Redis as Client

    client = Client(port=redis.port)
    assert len(client.client_list()) <= 2
    client.close()


def test_a_broker_of_files(use, folders, tmp_path):
    stack = use("filesystem://", options=folders)
    assert see(Broker())[0] == "ok"
    for _ in range(7):
        stack.send()
    result = Queues(degraded_depth=5).run()
    assert (result.code, result.observed) == ("celery.backlog", 7)
    assert result.details["celery"]["oldest_s"] >= 0
    worker = stack.worker("w1", "celery")
    wait_for(lambda: Workers().run().observed == 1)
    until(Queues(degraded_depth=5), "ok")
    stack.send("shop.mail")
    assert "'mails'" in until(Consumers(settles_in=0.5), "error", "celery.no_consumer").message
    stack.beat()
    wait_for(lambda: "ran_s" in Beat().run().details, 60)
    worker.send(signal.SIGKILL)
    until(Workers(**QUICK), "error", "celery.no_workers")
    os.rename(folders["data_folder_in"], tmp_path / "away")
    assert see(Broker())[1] == "celery.broker_down"
