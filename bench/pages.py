"""What a page takes with a thousand monitors and a past: 8 days of single looks (11.5 million rows), 90 days of
roll-ups and a thousand heartbeats, ``watchpost up`` on one core with its engine looking on, a signed-in reader.

The time is the reader's, over a kept connection: server and loopback. No peer is run here; Uptime Kuma was measured
at about 45 s an action with 700 monitors. The budget is that of the overview and of a monitor's page; the lists are
measured beside them.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import sqlite3
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from common import PROGRAM, Result, Up, harness, names, pin_myself, projects_of, web_server, workspace

MONITORS = int(os.environ.get("BENCH_MONITORS", "1000"))
HEARTBEATS = int(os.environ.get("BENCH_HEARTBEATS", "1000"))
RAW_DAYS, ROLLUP_DAYS, INTERVAL_S = 8, 90, 60
ROUNDS = 40
BUDGET_P95_MS = 100.0
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
EMAIL, PASSWORD = "ada@example.com", "a long one for the bench"


def run() -> Result:
    pin_myself(1 - PROGRAM)
    with workspace() as folder, web_server(folder) as (port, _), names(INTERVAL_S) as resolver:
        product = Up(folder, RESOLVERS=resolver)
        projects = projects_of(MONITORS, lambda name, i: f"http://{name}:{port}/{i}", INTERVAL_S)
        projects["beats"] = [
            {"name": f"Job {n}", "kind": "heartbeat", "schedule": f"{n % 60} {n % 24} * * *"}
            for n in range(HEARTBEATS)
        ]
        product.installation.seed(projects)
        let_in(product)
        database = product.installation.data / "watchpost.sqlite3"
        ids = remember(database)
        product.start()
        try:
            harness.wait_for(product.answers, 60, 0.2)
            harness.wait_for(lambda: product.looked_at_since(product.started) >= MONITORS, INTERVAL_S + 30, 1)
            reader = Reader(product.port)
            found = {name: measure(reader, paths) for name, paths in paths_of(ids).items()}
        finally:
            product.stop()
        ours = {
            "monitors": MONITORS, "heartbeats": HEARTBEATS, "looks": len(ids) * RAW_DAYS * 86_400 // INTERVAL_S,
            "database_mb": round(database.stat().st_size / 1e6), "pages": found, "budget_p95_ms": BUDGET_P95_MS,
        }  # fmt: skip
    budgeted = [found[name]["p95_ms"] for name in found if name.startswith(("overview", "monitor,"))]
    return Result("pages", ours, {"measured": False}, None, max(budgeted) < BUDGET_P95_MS)


def paths_of(ids: list[int]) -> dict[str, list[str]]:
    """The pages by their name; a monitor's page is another monitor's each time, as its past must be read anew."""
    some = random.Random(7).choices(ids, k=ROUNDS)
    return {
        "overview": ["/"],
        "monitors": ["/monitors/"],
        "project": ["/projects/p0/"],
        "heartbeats": ["/heartbeats/"],
        "incidents": ["/incidents/"],
        **{
            f"monitor, {span}": [f"/monitors/{pk}/?range={span}" for pk in some]
            for span in ("24h", "7d", "90d")
        },
    }


def measure(reader: Reader, paths: Sequence[str]) -> dict[str, float]:
    """Each page is asked once before: the first one of a process reads templates and code."""
    reader.get(paths[-1])
    took = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        page = reader.get(paths[number % len(paths)])
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return {
        "p50_ms": round(median(took), 1),
        "p95_ms": round(took[int(len(took) * 0.95)], 1),
        "kb": round(len(page) / 1000),
    }


class Reader:
    """Somebody signed in, with one kept connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}
        form = self.get("/accounts/login/").decode()
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert found is not None
        body = urlencode({"login": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": found[1]})
        status, _ = self._ask("POST", "/accounts/login/", body)
        if status != 302:
            raise SystemExit("the reader could not sign in")

    def get(self, path: str) -> bytes:
        status, page = self._ask("GET", path)
        if status != 200:
            raise SystemExit(f"{path} answered {status}")
        return page

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.read()


# ---- the past ----------------------------------------------------------------------------------------


def let_in(product: Up) -> None:
    command = [*harness.WATCHPOST, "user", "create", EMAIL, "--admin", "--password-stdin"]
    subprocess.run(
        command, input=PASSWORD, env=product.installation.env, text=True, check=True, capture_output=True
    )


def remember(database: Path) -> list[int]:
    """Everything ran for ninety days, each monitor was down once a week; the ids of the monitors."""
    now = int(time.time() * 1000)
    hour = now // HOUR_MS * HOUR_MS
    with sqlite3.connect(database) as base:
        base.execute("PRAGMA synchronous = OFF")
        ids = [
            row[0] for row in base.execute("SELECT id FROM monitors_monitor WHERE kind = 'http' ORDER BY id")
        ]
        base.execute(
            "UPDATE monitors_monitor SET created_at = datetime(?, 'unixepoch')",
            [now / 1000 - ROLLUP_DAYS * 86_400],
        )
        base.executemany(LOOKS, [(now - RAW_DAYS * DAY_MS, now, one) for one in ids])
        base.executemany(
            ROLLUPS,
            [
                (one, span, start, n, json.dumps(PHASES), sketch)
                for one in ids
                for span, step, n in ((1, HOUR_MS, 60), (2, DAY_MS, 1440))
                for sketch in [sketch_of(n)]
                for start in range(hour - ROLLUP_DAYS * DAY_MS, hour, step)
            ],
        )
        weeks = range(1, ROLLUP_DAYS // 7)
        base.executemany(
            FLIPS,
            [
                (one, at, at, *change)
                for one in ids
                for week in weeks
                for at, *change in outage(now / 1000 - week * 7 * 86_400 + one * 60)
            ],
        )
        base.execute(
            "INSERT INTO monitors_alivespan (started_at, alive_at, note) "
            "VALUES (datetime(?, 'unixepoch'), datetime(?, 'unixepoch'), '')",
            [now / 1000 - ROLLUP_DAYS * 86_400, now / 1000],
        )
        base.execute(
            "INSERT OR REPLACE INTO monitors_fact (name, value, at) VALUES "
            "('rolled_until', ?, datetime('now'))",
            [str(hour)],
        )
    return ids


def outage(at: float) -> list[tuple[float, str, str, int | None, str]]:
    """Ten minutes."""
    return [(at, "up", "down", 2, "It answered 502."), (at + 600, "down", "up", None, "It answers again.")]


def sketch_of(count: int) -> bytes:
    from watchpost.core.sketch import Sketch

    chance = random.Random(count)
    return Sketch.of(chance.lognormvariate(4.5, 0.4) for _ in range(count)).to_bytes()


PHASES = {"dns": 2.0, "connect": 5.0, "tls": 20.0, "wait": 70.0, "transfer": 3.0}
LOOKS = """
WITH RECURSIVE moment(at) AS (SELECT ? UNION ALL SELECT at + 60000 FROM moment WHERE at + 60000 < ?)
INSERT INTO monitors_look SELECT ?, 'local', at, 'ok', NULL, 80 + abs(random() % 400) / 10.0, 2, 5, 20, 70, 3,
       '127.0.0.1', NULL FROM moment
"""
ROLLUPS = "INSERT INTO monitors_rollup VALUES (?, 'local', ?, ?, ?, 0, ?, ?)"
FLIPS = """
INSERT INTO monitors_transition (track, findings, monitor_id, at, began, before, after, severity, reason, handled_at)
VALUES ('', '[]', ?1, datetime(?2, 'unixepoch'), datetime(?3, 'unixepoch'), ?4, ?5, ?6, ?7, datetime('now'))
"""
