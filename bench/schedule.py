"""How late looks begin when 200 targets are dead: half never take the connection, half never answer."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from common import (
    PROGRAM,
    Result,
    Up,
    cpu_s,
    harness,
    names,
    pin_myself,
    projects_of,
    wait,
    web_server,
    workspace,
)  # fmt: skip

MONITORS = int(os.environ.get("BENCH_MONITORS", "5000"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "90"))
DEAD, INTERVAL_S, BUDGET_S = 200, 60.0, 0.25
BUDGET_MONITORS = 5000  # fewer prove nothing about the budget


def run() -> Result:
    pin_myself(1 - PROGRAM)
    with (
        workspace() as folder,
        web_server(folder) as (port, _),
        names(int(INTERVAL_S)) as resolver,
        dead_targets() as dead,
    ):
        product = Up(folder, RESOLVERS=resolver)

        def url(name: str, i: int) -> str:
            return dead[i] if i < DEAD else f"http://{name}:{port}/{i}"

        product.installation.seed(projects_of(MONITORS, url, INTERVAL_S))
        product.start()
        try:
            harness.wait_for(lambda: product.looked_at_since(0) > 0, 30, 0.2)
            used, family, begun = cpu_s(product.family()), product.family(), harness.now()
            wait(SECONDS)
            used, took = cpu_s(family) - used, harness.now() - begun
            wait(6)  # the figures are stored every five seconds
            read = product.installation.figure
            ours = {
                "monitors": MONITORS,
                "dead": DEAD,
                "interval_s": INTERVAL_S,
                "lag_p99_s": read("schedule_lag_p99_s"),
                "loop_lag_s": read("loop_lag_s"),
                "skipped": read("skipped"),
                "looks_started": read("looks"),
                "looks_per_s": round(product.looks(begun, begun + took) / took, 1),
                "cpu_of_one_core": round(used / took, 3),
                "budget_lag_p99_s": BUDGET_S,
            }
        finally:
            product.stop()
    lag = ours["lag_p99_s"]
    return Result(
        "schedule",
        ours,
        {"measured": False},
        None,
        lag is not None and lag < BUDGET_S and MONITORS >= BUDGET_MONITORS,
    )


@contextmanager
def dead_targets() -> Iterator[list[str]]:
    """Addresses on loopback. A listener nobody accepts from answers no request; one whose queue is full
    takes no connection either."""
    with ExitStack() as stack:
        port, found = harness.free_port(), []
        for i in range(DEAD):
            host = f"127.9.0.{i + 1}"
            listener = stack.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(0 if i % 2 else 512)
            if i % 2:
                for _ in range(2):
                    filler = stack.enter_context(socket.socket())
                    filler.setblocking(False)
                    filler.connect_ex((host, port))
            found.append(f"http://{host}:{port}/")
        yield found
