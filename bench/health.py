"""What the health endpoint costs inside an application: ``/health/`` and the idle middleware per ordinary request,
beside bare Django and django-health-check, all under gunicorn (one sync worker) with a real PostgreSQL; then the
same while the database is frozen.

``ratio`` is CPU per hit of the endpoint, ours to the peer's: below 1 is better. django-health-check 4.8 is the
newest that runs on Python 3.11; of its checks database and cache are on, and ours are those that ship.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from common import (
    LOAD,
    PROGRAM,
    ROOT,
    Result,
    cpu_s,
    family,
    harness,
    need,
    pin,
    pin_myself,
    running,
    wait,
)

ROUNDS, ROUND_S, FROZEN_S = 7, 2.0, 8.0
BUDGET_US = {"health": 60.0, "idle_middleware": 10.0}
FLAVOURS = ("bare", "agent", "peer")


def run() -> Result:
    pin_myself(LOAD)
    database = postgres()
    with contextlib.ExitStack() as stack:
        environment = {**os.environ, **database, "PYTHONPATH": f"{ROOT}/bench:{ROOT}/agent/src"}
        handler = {name: in_process(environment | {"SHOP": name}) for name in FLAVOURS}
        servers = {name: stack.enter_context(gunicorn(name, environment)) for name in FLAVOURS}
        page = per_hit(servers, "/page/", FLAVOURS)
        health = per_hit(servers, "/health/", ("agent", "peer"))
        with frozen(int(database["SHOP_DB_PID"])):
            wait(12)  # longer than the deadline of the check: what follows is the settled state
            stuck = {name: hits(servers[name], "/health/", FROZEN_S) for name in ("agent", "peer")}
    ours = {
        "handler_us": {
            "page_bare": handler["bare"]["page"], "page_with_middleware": handler["agent"]["page"],
            "idle_middleware": round(handler["agent"]["page"] - handler["bare"]["page"], 2), "health": handler["agent"]["health"],
        },
        "gunicorn_cpu_us": {"page_bare": page["bare"], "page_with_middleware": page["agent"], "health": health["agent"]},
        "frozen_database": stuck["agent"], "budget_us": BUDGET_US, "rounds": ROUNDS,
    }  # fmt: skip
    peer = {
        "name": "django-health-check 4.8.0, database and cache", "measured": True,
        "handler_us": {"health": handler["peer"]["health"]}, "gunicorn_cpu_us": {"health": health["peer"]},
        "frozen_database": stuck["peer"],
    }  # fmt: skip
    idle, own = ours["handler_us"]["idle_middleware"], ours["handler_us"]["health"]
    meets = (
        own <= BUDGET_US["health"] and idle <= BUDGET_US["idle_middleware"] and stuck["agent"]["per_s"] > 100
    )
    return Result("health", ours, peer, round(health["agent"] / health["peer"], 3), meets)


# ---- in one process: what Django's whole handler costs -------------------------------------------

HANDLER = """
import json, os, time
from statistics import median
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
import django; django.setup()
from django.core.handlers.wsgi import WSGIHandler
app = WSGIHandler()
def environ(path):
    import io
    return {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SCRIPT_NAME": "", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
            "HTTP_HOST": "127.0.0.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "QUERY_STRING": "", "HTTP_ACCEPT": "*/*"}
def us(path, n):
    def once():
        answer = app(environ(path), lambda *_: None); b"".join(answer); answer.close()
    once(); time.sleep(0.3); once()
    took = []
    for _ in range(9):
        began = time.perf_counter()
        for _ in range(n): once()
        took.append((time.perf_counter() - began) / n * 1e6)
    return round(median(took), 2)
from django.conf import settings
found = {"page": us("/page/", 2000)}
if settings.FLAVOUR != "bare":
    found["health"] = us("/health/", 2000 if settings.FLAVOUR == "agent" else 30)
print(json.dumps(found)); os._exit(0) if print(end="", flush=True) is None else None
"""


def in_process(environment: dict[str, str]) -> dict[str, float]:
    """Microseconds a request, wall, in a process of its own on the program's core; the peer writes to its log."""
    command = [*pin(PROGRAM), sys.executable, "-c", HANDLER]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)


# ---- under gunicorn ------------------------------------------------------------------------------


@contextlib.contextmanager
def gunicorn(flavour: str, environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Port and process id of the one worker."""
    port = harness.free_port()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "-w", "1", "--no-control-socket", "shop.wsgi"]  # fmt: skip
    os.environ |= environment | {"SHOP": flavour}
    with running(command, port, PROGRAM) as master:
        wait(1)
        yield port, family(master.pid)[1]


def hits(server: tuple[int, int], path: str, seconds: float) -> dict[str, Any]:
    """A load of two connections for some seconds: CPU per answer, answers a second, and what they were."""
    port, pid = server
    used = cpu_s([pid])
    command = [need("wrk", "wrk"), "-t1", "-c2", f"-d{seconds:g}s", "--timeout", "10s", "--latency", f"http://127.0.0.1:{port}{path}"]  # fmt: skip
    said = subprocess.run(
        [*pin(LOAD), *command], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    used = cpu_s([pid]) - used
    count = int(re.search(r"(\d+) requests in", said)[1])  # type: ignore[index]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    slowest = re.search(r"99%\s+([\d.]+\w+)", said)
    return {
        "cpu_us": round(used / max(1, count) * 1e6, 1),
        "per_s": round(count / seconds, 1),
        "not_2xx": int(bad[1]) if bad else 0,
        "p99": slowest[1] if slowest else None,
    }


def per_hit(servers: dict[str, tuple[int, int]], path: str, names: tuple[str, ...]) -> dict[str, float]:
    """CPU microseconds of the worker a request, in turns; the median of the rounds."""
    found: dict[str, list[float]] = {name: [] for name in names}
    for name in names:
        hits(servers[name], path, 1)
    for _ in range(ROUNDS):
        for name in names:
            found[name].append(hits(servers[name], path, ROUND_S)["cpu_us"])
    return {name: round(median(one), 1) for name, one in found.items()}


# ---- the database --------------------------------------------------------------------------------


def postgres() -> dict[str, str]:
    """A PostgreSQL of its own until this process ends, as the settings of the shop read it."""
    from tests.postgres import start_postgres

    folder = tempfile.mkdtemp(prefix="watchpost-bench-")
    atexit.register(
        shutil.rmtree, folder, ignore_errors=True
    )  # after the server has stopped: last in, first out
    place = urlsplit(start_postgres(folder))
    return {
        "SHOP_DB_HOST": str(place.hostname),
        "SHOP_DB_PORT": str(place.port),
        "SHOP_DB_USER": str(place.username),
        "SHOP_DB_PID": next(Path(folder).rglob("postmaster.pid")).read_text().splitlines()[0],
    }


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The server accepts connections and answers nothing."""
    stopped = family(pid)
    for one in stopped:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)
