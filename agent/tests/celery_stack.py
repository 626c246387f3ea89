"""Real brokers, workers and Beats on free loopback ports, to be broken by tests."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent.parent


def need(*programs: str) -> None:
    """Skips visibly where a program is missing; in CI that is a failure."""
    missing = [one for one in programs if shutil.which(one) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def wait_for(what: Callable[[], Any], within_s: float = 30.0, every_s: float = 0.1) -> Any:
    """The first true answer; fails with the last one when there is none in time."""
    ends, last = time.monotonic() + within_s, None
    while time.monotonic() < ends:
        last = what()
        if last:
            return last
        time.sleep(every_s)
    pytest.fail(f"did not come true within {within_s:g} s; last: {last!r}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A program with its children in a group of its own, and its output in a file."""

    def __init__(self, command: list[str], log: Path, env: dict[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                command,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=HERE,
                env=env,
                start_new_session=True,
            )
        self.pid = self._popen.pid

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.pid}/task")
        return [int(pid) for task in path.iterdir() for pid in (task / "children").read_text().split()]

    def send(self, number: int, *pids: int) -> None:
        for pid in pids or (self.pid,):
            os.kill(pid, number)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ends the process as asked, and whatever is left of its group."""
        if self._popen.poll() is None:
            self.send(signal.SIGCONT)
            self.send(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait(5)

    def is_up(self) -> bool:
        return self._popen.poll() is None


class Redis:
    """A redis-server of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        need("redis-server")
        self.folder, self.options = folder, options
        self.port = free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            *self.options,
        ]
        self.process = Process([*command, "--dir", str(self.folder)], self.folder / "redis.log")
        wait_for(self._answers)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as conn:
                conn.sendall(b"PING\r\n")
                return conn.recv(64)[:1] in (b"+", b"-")
        except OSError:
            return False


class Stack:
    """The project of ``tests/shop`` with one broker: ``app`` is what a web process would hold."""

    def __init__(
        self,
        folder: Path,
        broker: str,
        options: dict[str, Any] | None = None,
        caches: dict[str, Any] | None = None,
        watchpost: dict[str, Any] | None = None,
        entries: dict[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.shop.settings",
            "PYTHONPATH": f"{HERE / 'src'}:{HERE}",
            "SHOP_REPORTS_EVERY": "1",  # the same code, with less to wait for
            "SHOP_ENTRY_EVERY": "3",
            "SHOP_BROKER": broker,
            "SHOP_OPTIONS": json.dumps(options or {}),
            "SHOP_WATCHPOST": json.dumps(watchpost or {}),
        }
        if entries:
            self.env["SHOP_ENTRIES"] = json.dumps(entries)
        if caches:
            self.env["SHOP_CACHES"] = json.dumps(caches)
        self.processes: list[Process] = []
        from celery import Celery

        self.app = Celery("shop", set_as_current=False)
        self.app.conf.update(
            broker_url=broker,
            broker_transport_options=options or {},
            task_routes={"shop.mail": {"queue": "mails"}},
            beat_schedule={"nightly": {"task": "shop.fine", "schedule": 3600.0}},
        )

    def worker(self, node: str = "w1", queues: str = "celery", *more: str) -> Process:
        return self._run(
            "worker",
            node,
            *("-n", f"{node}@here", "-Q", queues, "-c", "2"),
            *("--without-mingle", "--without-gossip", "-l", "INFO", *more),
        )

    def beat(self, name: str = "beat") -> Process:
        return self._run("beat", name, "-s", str(self.folder / name), "--pidfile", "", "-l", "DEBUG")

    def send(self, task: str = "shop.fine", *args: Any, **options: Any) -> Any:
        return self.app.send_task(task, args, **options)

    def close(self) -> None:
        for one in self.processes:
            one.stop(signal.SIGKILL)
        self.app.close()

    def _run(self, what: str, name: str, *options: str) -> Process:
        command = [sys.executable, "-m", "celery", "-A", "tests.shop", what, *options]
        self.processes.append(Process(command, self.folder / f"{name}.log", self.env))
        return self.processes[-1]


class Rabbit:
    """A RabbitMQ of its own; its port mapper, too."""

    BIN = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # Debian's wrapper on the path insists on another user

    def __init__(self, folder: Path) -> None:
        need(self.BIN, "epmd")
        self.port, self._mapper = free_port(), free_port()
        (folder / "plugins").write_text("[].")
        env = {
            **os.environ,
            "HOME": str(folder),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._mapper),
        }
        self.process = Process([self.BIN], folder / "rabbit.log", env)
        wait_for(lambda: b"completed with" in (folder / "rabbit.log").read_bytes(), 90)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def beam(self) -> int:
        """The process that does the work."""
        return max(pid for pid in _group(self.process.pid) if "beam" in _name(pid))

    def close(self) -> None:
        self.process.stop(signal.SIGKILL)
        subprocess.run(["epmd", "-port", str(self._mapper), "-kill"], check=False, capture_output=True)


def _group(leader: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(path.name)) == leader:
                found.append(int(path.name))
    return found


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text()
    return ""
