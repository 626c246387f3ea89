"""Memory of all processes of ``watchpost up`` at 100, 1,000 and 5,000 monitors; start-up to the
first check from an empty data folder."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from common import (
    PROGRAM,
    Result,
    Up,
    harness,
    names,
    pin_myself,
    projects_of,
    pss_mb,
    wait,
    web_server,
    workspace,
)

SIZES = tuple(int(size) for size in os.environ.get("BENCH_MONITORS", "100,1000,5000").split(","))
INTERVAL_S = 20.0  # every monitor is looked at before memory is taken
BUDGET_MB, BUDGET_START_S = 300, 5.0

# Ready before the start, so that what is timed is the product and one INSERT.
FIRST = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "watchpost.config.settings"
import django; django.setup()
from watchpost import clock
from watchpost.monitors import edit
import watchpost.registry as registry; registry.kinds()
print("ready", flush=True); sys.stdin.readline()
edit.create_monitor(edit.create_project("first", clock.now()), {"name": "first", "kind": "http", "url": sys.argv[1]}, clock.now())
"""


def run() -> Result:
    pin_myself(1 - PROGRAM)
    ours: dict[str, Any] = {"start": first_check()}
    for size in SIZES:
        ours[f"pss_mb_{size}"] = memory(size)
    total = ours[f"pss_mb_{SIZES[min(1, len(SIZES) - 1)]}"]["total"]
    meets = total <= BUDGET_MB and ours["start"]["first_check_s"] < BUDGET_START_S
    ours |= {"budget_mb": BUDGET_MB, "budget_start_s": BUDGET_START_S}
    return Result("footprint", ours, {"measured": False}, None, meets)


def first_check() -> dict[str, float]:
    """From the start on an empty folder until the first look began, by way of a monitor added at once."""
    with workspace() as folder, web_server(folder) as (port, _):
        product = Up(folder)
        helper = subprocess.Popen(
            [sys.executable, "-c", FIRST, f"http://127.0.0.1:{port}/"],
            env=product.installation.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert helper.stdout is not None
        assert helper.stdin is not None
        helper.stdout.readline()
        try:
            product.start()
            if not harness.wait_for(product.answers, 60, 0.05):
                raise SystemExit("the pages never answered")
            answered = harness.now()
            helper.stdin.write(b"\n")
            helper.stdin.flush()
            if not harness.wait_for(lambda: product.looked_at_since(0), 60, 0.05):
                raise SystemExit("nothing was looked at")
            first = product.installation.read("SELECT min(at) FROM monitors_look")[0][0] / 1000
        finally:
            product.stop()
            helper.kill()
            helper.wait()
        return {
            "pages_answer_s": round(answered - product.started, 2),
            "first_check_s": round(first - product.started, 2),
        }


def memory(size: int) -> dict[str, float]:
    with workspace() as folder, web_server(folder) as (port, _), names(int(INTERVAL_S)) as resolver:
        product = Up(folder, RESOLVERS=resolver)
        product.installation.seed(projects_of(size, lambda name, i: f"http://{name}:{port}/{i}", INTERVAL_S))
        product.start()
        try:
            harness.wait_for(lambda: product.looked_at_since(0) >= size, 75, 0.5)
            for _ in range(20):
                product.answers()
            wait(3)
            looked_at = product.looked_at_since(0)
            sizes = pss_mb(product.pid)
        finally:
            product.stop()
        return sizes | {"total": round(sum(sizes.values()), 1), "monitors_looked_at": looked_at}
