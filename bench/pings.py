"""Durable heartbeat pings per second: ``watchpost up`` with everything it does (SQLite, ``synchronous=FULL``, the
engine beside it) on one core, wrk on the other; every acknowledged ping is counted in the database afterwards.

The peer is the open-source Healthchecks on the same core, one gunicorn worker, its default SQLite:
``BENCH_HEALTHCHECKS`` is a checkout of it and ``BENCH_HEALTHCHECKS_PYTHON`` a Python with its requirements and
gunicorn. Without them it is not measured. ``ratio`` is ours to the peer's: more is better.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from common import LOAD, PROGRAM, Result, Up, cpu_s, harness, need, pin, pin_myself, running, wait, workspace

HEARTBEATS = 1000
OPEN = 256  # connections of wrk
ROUNDS, ROUND_S = 5, 5.0
BUDGET_PER_S = 8000.0
SCRIPT = """
paths = {{ {paths} }}
local at = math.random(#paths)
request = function()
  at = at % #paths + 1
  return wrk.format("{method}", paths[at], nil, {body})
end
"""


def run() -> Result:
    pin_myself(LOAD)
    with workspace() as folder:
        ours = measure_ours(folder)
        peer = measure_peer(folder)
    per_s = float(ours["get"]["per_s"])
    ratio = round(per_s / peer["get"]["per_s"], 1) if peer["measured"] else None
    ours["budget_per_s"] = BUDGET_PER_S
    return Result("pings", ours, peer, ratio, per_s >= BUDGET_PER_S and not ours["lost"])


def measure_ours(folder: Path) -> dict[str, Any]:
    home = folder / "ours"
    home.mkdir()
    product = Up(home, PING_RATE="1000000")
    beats = [{"name": f"Job {n}", "kind": "heartbeat", "period": "1h"} for n in range(HEARTBEATS)]
    product.installation.seed({"p0": beats})
    product.start()
    try:
        harness.wait_for(product.answers, 60, 0.2)
        codes = [row[0] for row in product.installation.read("SELECT code FROM heartbeats_heartbeat")]
        paths = [f"/ping/{uuid.UUID(code)}" for code in codes]
        found: dict[str, Any] = {"heartbeats": HEARTBEATS, "connections": OPEN}
        found |= measure(folder, product.port, paths, product.family())
        wait(2)
        stored = product.installation.read("SELECT sum(pings) FROM heartbeats_heartbeat")[0][0]
    finally:
        product.stop()
    answered = sum(found[way].pop("answered") for way in ("get", "post"))
    # What was under way when wrk stopped may be stored without having been acknowledged, never the reverse.
    return found | {"acknowledged": answered, "stored": stored, "lost": max(answered - stored, 0)}


def measure_peer(folder: Path) -> dict[str, Any]:
    name = "Healthchecks, one gunicorn worker, SQLite"
    checkout, python = os.environ.get("BENCH_HEALTHCHECKS"), os.environ.get("BENCH_HEALTHCHECKS_PYTHON")
    if not checkout or not python:
        return {"name": name, "measured": False}
    with healthchecks(Path(checkout), python, folder / "hc.sqlite") as (port, paths, pid):
        found = measure(folder, port, paths, [pid, *harness_family(pid)])
    for way in ("get", "post"):
        found[way].pop("answered")
    return {"name": name, "measured": True, **found}


def measure(folder: Path, port: int, paths: Sequence[str], pids: Sequence[int]) -> dict[str, Any]:
    """By GET, and by POST with a body of 200 bytes."""
    found: dict[str, Any] = {}
    for way, body in (("get", "nil"), ("post", '"' + "x" * 200 + '"')):
        script = folder / f"{way}.lua"
        listed = ", ".join(f'"{path}"' for path in paths)
        script.write_text(SCRIPT.format(paths=listed, method=way.upper(), body=body))
        attack(port, script, 1.0)  # warm
        rates, answered, used = [], 0, cpu_s(pids)
        for _ in range(ROUNDS):
            count, seconds, latency = attack(port, script, ROUND_S)
            rates.append(count / seconds)
            answered += count
        spent = cpu_s(pids) - used
        found[way] = {
            "per_s": round(median(rates), 1),
            "cpu_us": round(spent / answered * 1e6, 1),
            "p99": latency,
            "answered": answered + _warmed[script],
        }
    return found


_warmed: dict[Path, int] = {}


def attack(port: int, script: Path, seconds: float) -> tuple[int, float, str]:
    """Answers with 2xx, how long it took, p99 of the latency."""
    command = [
        *pin(LOAD),
        need("wrk", "wrk"),
        "-t1",
        f"-c{OPEN}",
        f"-d{seconds:g}s",
        "--latency",
        "-s",
        str(script),
    ]
    done = subprocess.run([*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True)
    total = re.search(r"(\d+) requests in ([\d.]+)s", done.stdout)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    late = re.search(r"99%\s+(\S+)", done.stdout)
    assert total is not None
    count = int(total[1]) - (int(bad[1]) if bad else 0)
    _warmed.setdefault(script, count)
    return count, float(total[2]), late[1] if late else ""


def harness_family(pid: int) -> list[int]:
    from common import family

    return [one for one in family(pid) if one != pid]


@contextlib.contextmanager
def healthchecks(checkout: Path, python: str, database: Path) -> Iterator[tuple[int, list[str], int]]:
    """Its server on the program's core; port, addresses of its checks, and its process."""
    environment = {
        **os.environ, "DB_NAME": str(database), "SECRET_KEY": "bench", "DEBUG": "False",
        "ALLOWED_HOSTS": "127.0.0.1,localhost", "REGISTRATION_OPEN": "False", "PYTHONPATH": str(checkout),
    }  # fmt: skip
    manage = [python, "manage.py"]
    subprocess.run([*manage, "migrate", "-v0"], cwd=checkout, env=environment, check=True)
    subprocess.run(
        [*manage, "shell", "-c", _MAKE.format(count=HEARTBEATS)], cwd=checkout, env=environment, check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with contextlib.closing(sqlite3.connect(database)) as base:
        codes = [row[0] for row in base.execute("SELECT code FROM api_check")]
    port = harness.free_port()
    command = [python, "-m", "gunicorn", "hc.wsgi", "-w1", "-b", f"127.0.0.1:{port}", "--log-level", "error"]
    os.environ.update(
        {name: environment[name] for name in ("DB_NAME", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS")}
    )
    before = Path.cwd()
    os.chdir(checkout)
    try:
        with running(command, port, core=PROGRAM) as process:
            yield port, [f"/ping/{uuid.UUID(code)}" for code in codes], process.pid
    finally:
        os.chdir(before)


_MAKE = """
from django.contrib.auth.models import User
from hc.accounts.models import Profile, Project
from hc.api.models import Check
user = User.objects.create(username="a", email="a@example.org")
Profile.objects.for_user(user)
project = Project.objects.create(owner=user)
Check.objects.bulk_create([Check(project=project, name=str(n)) for n in range({count})])
"""
