"""From the deadline of a heartbeat to its alert in the outbox: ``watchpost up`` with 10,000 heartbeats that all
fall silent, first spread over a minute, then in one second (the bad day). A channel hears them.

The budget is p99 below one second. Healthchecks looks every two seconds and then sends one after another; it is
not run here.
"""

from __future__ import annotations

import json
import os
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

from common import LOAD, Result, Up, harness, pin_myself, wait, workspace

HEARTBEATS = int(os.environ.get("BENCH_HEARTBEATS", "10000"))
SPREAD_S, STORM_S = 60.0, 1.0
START_S = 25.0  # what a start may take before the first deadline
PERIOD_S, GRACE_S = 3600.0, 60.0
BUDGET_P99_S = 1.0


def run() -> Result:
    pin_myself(LOAD)
    with workspace() as folder:
        ours: dict[str, Any] = {"heartbeats": HEARTBEATS, "budget_p99_s": BUDGET_P99_S}
        ours["spread_over_60_s"] = measure(folder / "spread", SPREAD_S)
        ours["all_in_one_second"] = measure(folder / "storm", STORM_S)
    peer = {"name": "Healthchecks: looks every 2 s, sends one after another", "measured": False}
    whole = all(ours[way]["told"] == HEARTBEATS for way in ("spread_over_60_s", "all_in_one_second"))
    return Result("overdue", ours, peer, None, whole and ours["spread_over_60_s"]["p99_s"] < BUDGET_P99_S)


def measure(home: Path, spread_s: float) -> dict[str, Any]:
    """Every heartbeat is up, and misses its deadline at its own moment of the spread."""
    home.mkdir()
    receiver = harness.Receiver()
    product = Up(home)
    beats = [
        {"name": f"Job {n}", "kind": "heartbeat", "period": "1h", "grace": "1m"} for n in range(HEARTBEATS)
    ]
    hook = {"name": "hook", "kind": "webhook", "url": receiver.url}
    product.installation.seed({"p0": beats}, [hook])
    first = harness.now() + START_S
    deadlines = set_deadlines(product.installation.data / "watchpost.sqlite3", first, spread_s)
    product.start()
    try:
        began = harness.wait_for(product.engine_runs, 60)
        wait(max(first + spread_s - harness.now(), 0) + 5)
        asked = "SELECT count(*) FROM incidents_delivery WHERE event = 'opened'"
        harness.wait_for(lambda: product.installation.read(asked)[0][0] >= HEARTBEATS, 240, 2)
        lags = sorted(lags_of(product, deadlines))
    finally:
        product.stop()
        receiver.close()
    return {
        "started": began,
        "told": len(lags),
        "p50_s": round(lags[len(lags) // 2], 3),
        "p99_s": round(lags[int(len(lags) * 0.99)], 3),
        "last_s": round(lags[-1], 3),
    }


def set_deadlines(database: Path, first: float, spread_s: float) -> dict[int, float]:
    """As if each had pinged once, an hour and a minute before its deadline."""
    with sqlite3.connect(database) as base:
        ids = [
            row[0] for row in base.execute("SELECT monitor_id FROM heartbeats_heartbeat ORDER BY monitor_id")
        ]
        deadlines = {one: first + spread_s * number / len(ids) for number, one in enumerate(ids)}
        base.executemany(
            "UPDATE heartbeats_heartbeat SET status = 'up', pings = 1, sign = 'success', last_ping = ? "
            "WHERE monitor_id = ?",
            [(int((at - PERIOD_S - GRACE_S) * 1000), one) for one, at in deadlines.items()],
        )
    return deadlines


def lags_of(product: Up, deadlines: dict[int, float]) -> list[float]:
    rows = product.installation.read(
        "SELECT d.payload, d.created_at FROM incidents_delivery d WHERE d.event = 'opened'"
    )
    found = []
    for payload, created in rows:
        [monitor] = json.loads(payload)["monitors"]
        at = datetime.fromisoformat(created + "+00:00").timestamp()
        found.append(at - deadlines[int(monitor["id"])])
    return found
