"""What the benches share: the product as real processes, CPU and memory from /proc, names that resolve."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
TICKS = os.sysconf("SC_CLK_TCK")
PROGRAM, LOAD = 0, 1  # the core of what is measured, the core of everything else
sys.path.insert(0, str(ROOT / "server"))

from tests.kill import harness  # noqa: E402

__all__ = ["LOAD", "PROGRAM", "RESULTS", "Result", "Up", "harness"]


@dataclass(frozen=True, slots=True)
class Result:
    """What a bench prints and stores. ``ratio`` is ours to the peer's, None when no peer was measured."""

    bench: str
    ours: Mapping[str, Any]
    peer: Mapping[str, Any]
    ratio: float | Mapping[str, float] | None
    meets: bool

    def line(self) -> str:
        return json.dumps(
            {
                "bench": self.bench,
                "ours": self.ours,
                "peer": self.peer,
                "ratio": self.ratio,
                "meets": self.meets,
            }
        )


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="watchpost-bench-") as name:
        yield Path(name)


def need(program: str, package: str) -> str:
    """The path of a program that the bench cannot do without."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        raise SystemExit(f"{program} is missing: install the Debian package {package}")
    return found


def pin(core: int) -> list[str]:
    """Start of a command line that keeps a process on one core."""
    return [need("taskset", "util-linux"), "-c", str(core)]


def pin_myself(core: int) -> None:
    os.sched_setaffinity(0, {core})


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        "unknown",
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load_1m_at_start": round(os.getloadavg()[0], 2),
        "python": sys.version.split()[0],
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


# ---- processes --------------------------------------------------------------------------------------


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                todo += [int(child) for child in task.read_text().split()]
    return found


def cpu_s(pids: Sequence[int]) -> float:
    """CPU seconds, user and system, that these processes have used."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def pss_mb(pid: int) -> dict[str, float]:
    """Proportional memory of a process family, by the process's command, in MB."""
    sizes: dict[str, float] = {}
    for one in family(pid):
        pss = next((line for line in _lines(f"/proc/{one}/smaps_rollup") if line.startswith("Pss:")), "")
        if pss:
            sizes[f"{_name(one)}"] = sizes.get(_name(one), 0) + int(pss.split()[1]) / 1024
    return {name: round(size, 1) for name, size in sizes.items()}


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        return next((word for word in ("engine", "web", "up") if word in words), "worker of web")
    return "gone"


class Up:
    """``watchpost up`` on a data folder, pinned to the program's core."""

    def __init__(self, folder: Path, core: int | None = PROGRAM, **settings: str) -> None:
        self.installation = harness.Installation(folder, LOG_LEVEL="warning", **settings)
        self.core = core
        self.port = harness.free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0

    def start(self) -> None:
        self.started = harness.now()
        self.process = self.installation.spawn("up", "--listen", f"127.0.0.1:{self.port}", pin=self.core)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/accounts/login/", timeout=2) as page:
                return bool(page.status < 500)
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False

    def family(self) -> list[int]:
        return family(self.pid)

    def engine_runs(self) -> bool:
        return any(_name(pid) == "engine" for pid in self.family())

    def looks(self, since: float, until: float) -> int:
        """How many looks began between the two moments. Ask a few seconds later: looks are stored in batches."""
        count = "SELECT count(*) FROM monitors_look WHERE at >= ? AND at < ?"
        return int(self.installation.read(count, [int(since * 1000), int(until * 1000)])[0][0])

    def looked_at_since(self, since: float) -> int:
        """How many monitors have a look newer than that."""
        count = "SELECT count(*) FROM monitors_monitorlast WHERE at >= ?"
        return int(self.installation.read(count, [int(since * 1000)])[0][0])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None


@contextlib.contextmanager
def running(
    command: Sequence[str], port: int | None = None, core: int = LOAD
) -> Iterator[subprocess.Popen[bytes]]:
    """A helper process on the load's core, until the block ends."""
    process = subprocess.Popen([*pin(core), *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if port is not None and not harness.wait_for(lambda: _listens(port), 10):
            raise SystemExit(f"{command[0]} did not start")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    import socket

    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def names(ttl_s: int) -> Iterator[str]:
    """A real name server for ``*.bench.test``; host:port for RESOLVERS."""
    port = harness.free_port()
    command = [
        need("dnsmasq", "dnsmasq-base"), "--keep-in-foreground", f"--port={port}", "--listen-address=127.0.0.1",
        "--bind-interfaces", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file", "--user=",
        "--address=/bench.test/127.0.0.1", f"--local-ttl={ttl_s}",
    ]  # fmt: skip
    with running(command, port):
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def web_server(folder: Path, certificate: tuple[Path, Path] | None = None) -> Iterator[tuple[int, int]]:
    """Debian's nginx on the load's core; its HTTP and HTTPS port (0 without a certificate)."""
    plain, secure = harness.free_port(), harness.free_port() if certificate else 0
    tls = ""
    if certificate:
        tls = f"""
    server {{
        listen 127.0.0.1:{secure} ssl backlog=4096;
        ssl_certificate {certificate[0]}; ssl_certificate_key {certificate[1]};
        ssl_session_cache off; ssl_session_tickets off;
        location / {{ return 200 "a page that is as it should be\\n"; }}
    }}"""
    config = folder / "nginx.conf"
    config.write_text(
        f"""
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{
    access_log off; default_type text/html;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{
        listen 127.0.0.1:{plain} backlog=4096;
        location / {{ return 200 "a page that is as it should be\\n"; }}
    }}{tls}
}}
"""
    )
    with running([need("nginx", "nginx"), "-c", str(config), "-p", str(folder)], plain):
        yield plain, secure


def projects_of(count: int, url: Any, interval_s: float, **more: Any) -> dict[str, list[dict[str, Any]]]:
    """``count`` monitors, ten a name, two hundred a project. ``url(name, i)`` gives the address."""
    found: dict[str, list[dict[str, Any]]] = {}
    for i in range(count):
        spec = harness.monitor_spec(f"m{i}", url(f"h{i // 10}.bench.test", i), interval_s, **more)
        found.setdefault(f"p{i // 200}", []).append(spec)
    return found


def wait(seconds: float) -> None:
    time.sleep(seconds)
