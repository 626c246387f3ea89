"""The product under a steady load, as its real processes: CPU per look, median of the rounds, idle CPU taken off."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from common import Up, cpu_s, harness, wait

ROUNDS, ROUND_S, IDLE_S = 5, 3.0, 6.0


def measure_idle(folder: Path, resolver: str) -> float:
    """What the processes use with nothing to look at, as a share of one core."""
    (folder / "idle").mkdir()
    product = Up(folder / "idle", RESOLVERS=resolver)
    product.start()
    try:
        harness.wait_for(product.answers, 60, 0.2)
        wait(4)
        family = product.family()
        used, began = cpu_s(family), time.monotonic()
        wait(IDLE_S)
        return round((cpu_s(family) - used) / (time.monotonic() - began), 4)
    finally:
        product.stop()


def measure_product(
    home: Path,
    resolver: str,
    projects: Mapping[str, Sequence[Mapping[str, Any]]],
    idle: float,
    round_s: float = ROUND_S,
) -> dict[str, Any]:
    """``projects`` are watched in a new installation in ``home``; counted once all were looked at."""
    home.mkdir()
    count = sum(map(len, projects.values()))
    product = Up(home, RESOLVERS=resolver)
    product.installation.seed(projects)
    product.start()
    windows: list[tuple[float, float, float]] = []
    try:
        harness.wait_for(lambda: product.looked_at_since(0) >= count, 90, 0.5)
        wait(3)
        family = product.family()
        for _ in range(ROUNDS):
            used, began = cpu_s(family), harness.now()
            wait(round_s)
            windows.append((cpu_s(family) - used, began, harness.now()))
        wait(2)
        counted = [(used, end - began, product.looks(began, end)) for used, began, end in windows]
        read = product.installation.read
        failed = read("SELECT count(*) FROM monitors_look WHERE outcome <> 'ok'")[0][0]
        found = read("SELECT count(*) FROM monitors_monitorlast WHERE findings <> '[]'")[0][0]
        lag = product.installation.figure("schedule_lag_p99_s")
    finally:
        product.stop()
    return {
        "us_per_check": round(median((used - idle * took) / max(n, 1) * 1e6 for used, took, n in counted), 1),
        "us_per_check_with_idle": round(median(used / max(n, 1) * 1e6 for used, _, n in counted), 1),
        "checks_per_s": round(median(n / took for _, took, n in counted), 1),
        "failed_looks": failed,
        "monitors_with_findings": found,
        "lag_p99_s": lag,
        "rounds": ROUNDS,
    }
