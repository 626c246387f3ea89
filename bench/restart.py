"""After a restart: how long until every one of 1,000 monitors has a new look, and how evenly they come."""

from __future__ import annotations

import os
from collections import Counter
from statistics import mean

from common import PROGRAM, Result, Up, harness, names, pin_myself, projects_of, web_server, workspace

MONITORS = int(os.environ.get("BENCH_MONITORS", "1000"))
INTERVAL_S = 60.0


def run() -> Result:
    pin_myself(1 - PROGRAM)
    with workspace() as folder, web_server(folder) as (port, _), names(int(INTERVAL_S)) as resolver:
        product = Up(folder, RESOLVERS=resolver)
        product.installation.seed(
            projects_of(MONITORS, lambda name, i: f"http://{name}:{port}/{i}", INTERVAL_S)
        )
        product.start()
        try:
            _wait_for_all(product, product.started)
            product.stop()
            product.start()
            again = product.started
            covered = _wait_for_all(product, again)
            rows = product.installation.read(
                "SELECT min(at) FROM monitors_look WHERE at >= ? GROUP BY monitor_id", [int(again * 1000)]
            )
        finally:
            product.stop()
    firsts = sorted(row[0] / 1000 for row in rows)
    begun, ended = firsts[0], firsts[-1]
    per_second = Counter(int(at - begun) for at in firsts)
    rate = mean(per_second.values())
    ours = {
        "monitors": MONITORS,
        "interval_s": INTERVAL_S,
        "covered": covered,
        "full_coverage_s": round(ended - again, 2),
        "of_that_until_the_first_look_s": round(begun - again, 2),
        "looks_a_second_mean": round(rate, 1),
        "looks_a_second_max": max(per_second.values()),
        "budget_s": INTERVAL_S,
    }
    meets = covered == MONITORS and ended - begun <= INTERVAL_S and ours["looks_a_second_max"] <= 3 * rate
    return Result("restart", ours, {"measured": False}, None, meets)


def _wait_for_all(product: Up, since: float) -> int:
    harness.wait_for(lambda: product.looked_at_since(since) >= MONITORS, INTERVAL_S + 15, 0.5)
    return product.looked_at_since(since)
