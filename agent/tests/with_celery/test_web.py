"""A web process of the project, asked over HTTP while its worker lives and dies."""

from __future__ import annotations

import json
import signal
import sys
import urllib.error
import urllib.request

from tests.celery_stack import Process, free_port, wait_for

SERVER = """
import sys, django
django.setup()
from wsgiref.simple_server import make_server
from django.core.handlers.wsgi import WSGIHandler
make_server("127.0.0.1", int(sys.argv[1]), WSGIHandler()).serve_forever()
"""
TOKEN = "a-token-that-is-long-enough"


def test_the_endpoint_tells_of_celery(stack, redis):
    quick = {"celery.workers": {"silent_after": 4, "interval": 1, "grace": 1}, "celery.*": {"interval": 1}}
    stack.env["SHOP_WATCHPOST"] = json.dumps({"HEALTH_TOKEN": TOKEN, "HEALTH_OVERRIDES": quick})
    worker, port = stack.worker(), free_port()
    web = Process([sys.executable, "-c", SERVER, str(port)], stack.folder / "web.log", stack.env)
    stack.processes.append(web)

    def state(name: str) -> tuple[str, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/health/")
        request.add_header("Authorization", f"Bearer {TOKEN}")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                one = json.load(answer)["checks"][name]
        except (
            urllib.error.HTTPError
        ) as answer:  # 503: other checks of this project are broken, such as migrations
            one = json.load(answer)["checks"][name]
        except OSError:
            return "", ""
        return one["state"], one.get("code", "")

    wait_for(lambda: state("celery.workers")[0] == "ok")
    assert state("celery.broker") == ("ok", "")
    worker.send(signal.SIGKILL)
    wait_for(lambda: state("celery.workers") == ("error", "celery.no_workers"))
    redis.process.send(signal.SIGSTOP)
    wait_for(lambda: state("celery.broker") == ("error", "celery.broker_down"))
    wait_for(lambda: state("celery.workers") == ("unknown", ""))
    redis.process.send(signal.SIGCONT)
    stack.worker("w2")
    for name in ("celery.broker", "celery.workers", "celery.queues"):
        wait_for(lambda name=name: state(name)[0] == "ok")
