"""Under the servers people run: deadlines hold, the end waits for nothing, workers come and go, forks are clean."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
TOKEN = "a-token-that-is-long-enough"
WSGI, ASGI = "tests.served.wsgi:application", "tests.served.asgi:application"
CONF = {"HEALTH_CHECKS": ["tests.served.checks.Counts", "tests.served.checks.Hangs"], "HEALTH_TOKEN": TOKEN}

GUNICORN = [
    sys.executable,
    "-m",
    "gunicorn",
    "--bind",
    "127.0.0.1:{port}",
    "--graceful-timeout",
    "5",
    "--no-control-socket",
]
GRANIAN = [
    sys.executable,
    "-m",
    "granian",
    "--host",
    "127.0.0.1",
    "--port",
    "{port}",
    "--workers-kill-timeout",
    "5",
]
SERVERS = {
    "gunicorn-sync": [*GUNICORN, "-w", "2", WSGI],
    "gunicorn-preload": [*GUNICORN, "-w", "2", "--preload", WSGI],
    "gunicorn-gthread": [*GUNICORN, "-w", "1", "-k", "gthread", "--threads", "4", WSGI],
    "gunicorn-gevent": [*GUNICORN, "-w", "1", "-k", "gevent", WSGI],
    "gunicorn-asgi": [*GUNICORN, "-w", "1", "-k", "asgi", ASGI],
    "uvicorn": [sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", ASGI],
    "uvicorn-workers": [sys.executable, "-m", "uvicorn", "--workers", "2", "--host", "127.0.0.1", "--port", "{port}", ASGI],
    "granian-wsgi": [*GRANIAN, "--interface", "wsgi", WSGI],
    "granian-asgi": [*GRANIAN, "--interface", "asginl", ASGI],
    "uwsgi": ["uwsgi", "--master", "--processes", "2", "--enable-threads", "--http-socket", "127.0.0.1:{port}", "--module", WSGI, "--die-on-term", "--need-app", "--worker-reload-mercy", "5"],
}  # fmt: skip


@dataclass
class Served:
    process: subprocess.Popen[bytes]
    port: int

    def ask(self, path: str = "/health/", host: str = "10.1.2.3", within_s: float = 5.0) -> tuple[int, Any]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=within_s)) as link:
            link.request("GET", path, headers={"Host": host, "Authorization": f"Bearer {TOKEN}"})
            answer = link.getresponse()
            body = answer.read()
            is_json = "json" in answer.getheader("Content-Type", "")
            return answer.status, json.loads(body) if is_json else body.decode()

    def family(self) -> set[int]:
        """The server's processes."""
        known, size = {self.process.pid}, 0
        while len(known) > size:
            size = len(known)
            known |= {child for child, parent in _parents() if parent in known}
        return known


def _parents() -> list[tuple[int, int]]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            found.append((int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])))
        except OSError:
            continue
    return found


@contextmanager
def serve(command: list[str], folder: Path, conf: dict[str, Any] = CONF, **more: str) -> Iterator[Served]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if command[0] == "uwsgi":
        command = [str(BIN / "pyuwsgi") if (BIN / "pyuwsgi").exists() else str(BIN / "uwsgi"), *command[1:]]
    env = {
        **os.environ,
        "PYTHONPATH": f"{HERE}/src:{HERE}",
        "SERVED_DATABASE": str(folder / "served.sqlite3"),
        "SERVED_WATCHPOST": json.dumps(conf),
        **more,
    }
    env.pop("DJANGO_SETTINGS_MODULE", None)
    log = (folder / "log").open("wb")
    line = [one.format(port=port) for one in command]
    process = subprocess.Popen(line, env=env, cwd=HERE, stdout=log, stderr=log, start_new_session=True)
    served = Served(process, port)
    try:
        until(lambda: answers(served, process, folder))
        yield served
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def answers(served: Served, process: subprocess.Popen[bytes], folder: Path) -> bool:
    assert process.poll() is None, (folder / "log").read_text()
    try:
        return served.ask("/plain/", "shop.example")[0] == 200
    except OSError:
        return False


def until(holds: Callable[[], Any], within_s: float = 20.0) -> Any:
    ends = time.monotonic() + within_s
    while not (found := holds()):
        assert time.monotonic() < ends, "it did not come to pass"
        time.sleep(0.05)
    return found


def timed_out(served: Served) -> bool:
    status, body = served.ask()
    assert status == 200, body
    return body["checks"]["hangs"].get("code") == "health.check_timeout"


@pytest.mark.parametrize("name", SERVERS)
def test_a_check_that_hangs_under_a_real_server(name, tmp_path):
    with serve(SERVERS[name], tmp_path) as served:
        began = time.monotonic()
        status, body = served.ask()
        assert time.monotonic() - began < 3, "the very first asker waits a second at most"
        assert (status, body["checks"]["counts"]["state"]) == (200, "ok")
        assert served.ask("/health/ready/")[0] == served.ask("/health/live/")[0] == 200
        until(lambda: timed_out(served))
        began = time.monotonic()
        until(lambda: served.ask()[1]["checks"]["counts"]["observed"] >= 3)
        for _ in range(20):
            took = time.monotonic()
            assert served.ask()[0] == 200
            assert time.monotonic() - took < 1.5, "no request waits for what hangs"
        family = served.family()
        served.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert served.process.wait(20) is not None
        assert time.monotonic() - began < 15, "the check hangs for five minutes"
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family - {served.process.pid}))


def test_with_preloading_each_worker_has_its_own_checks_and_the_master_none(tmp_path):
    with serve(SERVERS["gunicorn-preload"], tmp_path) as served:
        until(lambda: len(served.family()) == 3)
        workers = served.family() - {served.process.pid}
        seen: set[int] = set()
        until(lambda: seen.add(served.ask()[1]["checks"]["counts"]["details"]["pid"]) or seen == workers)
        assert _threads(served.process.pid) == 1, "a master that forks must have no thread of ours"


def test_workers_that_are_replaced_answer_at_once(tmp_path):
    with serve(SERVERS["gunicorn-sync"], tmp_path) as served:
        before = served.family()
        served.process.send_signal(signal.SIGHUP)
        until(lambda: not (served.family() - {served.process.pid}) & before)
        for _ in range(10):
            status, body = served.ask()
            assert (status, body["checks"]["counts"]["state"]) == (200, "ok")


def test_a_thousand_runs_leave_nothing_open(tmp_path):
    many = [("tests.served.checks.Counts", {"id": f"c{n}"}) for n in range(60)]
    with serve(
        SERVERS["gunicorn-gthread"], tmp_path, {"HEALTH_CHECKS": many, "HEALTH_TOKEN": TOKEN}
    ) as served:

        def runs() -> int:
            return sum(one.get("observed", 0) for one in served.ask()[1]["checks"].values())

        (worker,) = served.family() - {served.process.pid}
        until(lambda: runs() > 100)
        before = _open(worker)
        until(lambda: runs() > 1100, 60)
        assert _open(worker) <= before + 8, "at most the runs of this moment"


def _threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def _open(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
