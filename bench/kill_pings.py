"""SIGKILL of two web processes and an engine under a load of pings, at least sixty times, once on SQLite and once
on PostgreSQL: is an acknowledged ping lost, is a flip untold or told twice? The senders' acknowledged numbers are
compared with the rows.

There is no peer figure: Healthchecks stores a ping before it answers too, but promises nothing of its alerts.
"""

from __future__ import annotations

import atexit
import os
import random
import shutil
import tempfile
from typing import Any

from common import Result, workspace
from tests.kill.beats import run_ping_kills
from tests.postgres import start_postgres

HEARTBEATS = int(os.environ.get("BENCH_HEARTBEATS", "120"))  # few enough pings each that none is pruned
KILLS = int(os.environ.get("BENCH_KILLS", "62"))


def lifetime(chance: random.Random) -> float:
    """Some are killed while they start."""
    return chance.uniform(0.2, 2.5)


def run() -> Result:
    ours = {"heartbeats": HEARTBEATS, "kills": KILLS, "sqlite": killed()}
    folder = tempfile.mkdtemp(prefix="watchpost-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # after the server, which ends at exit too
    ours["postgresql"] = killed(DATABASE_URL=start_postgres(folder))
    right = all(not ours[name]["wrong_count"] for name in ("sqlite", "postgresql"))
    return Result("kill_pings", ours, {"measured": False}, None, KILLS >= 60 and right)


def killed(**settings: str) -> dict[str, Any]:
    with workspace() as folder:
        found = run_ping_kills(folder, 20261128, HEARTBEATS, KILLS, lifetime, **settings)
    return found.numbers | {"wrong_count": len(found.wrong), "wrong": found.wrong[:20]}
