"""SIGKILL of two web processes and an engine under a load of pings, at least sixty times: is an acknowledged ping
lost, is a flip untold or told twice? The senders' acknowledged numbers are compared with the rows.

There is no peer figure: Healthchecks stores a ping before it answers too, but promises nothing of its alerts.
"""

from __future__ import annotations

import os
import random

from common import Result, workspace
from tests.kill.beats import run_ping_kills

HEARTBEATS = int(os.environ.get("BENCH_HEARTBEATS", "120"))  # few enough pings each that none is pruned
KILLS = int(os.environ.get("BENCH_KILLS", "62"))


def lifetime(chance: random.Random) -> float:
    """Some are killed while they start."""
    return chance.uniform(0.2, 2.5)


def run() -> Result:
    with workspace() as folder:
        found = run_ping_kills(folder, 20261128, HEARTBEATS, KILLS, lifetime)
    ours = found.numbers | {
        "heartbeats": HEARTBEATS,
        "kills": KILLS,
        "wrong_count": len(found.wrong),
        "wrong": found.wrong[:20],
    }
    return Result("kill_pings", ours, {"measured": False}, None, KILLS >= 60 and not found.wrong)
