"""At least sixty kills and a thousand transitions: is anything lost, is anyone told twice or wrongly?

There is no peer figure: no peer's engine survives this with a promise that could be compared.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Sequence

from common import Result, harness, workspace

MONITORS = int(os.environ.get("BENCH_MONITORS", "540"))
KILLS = int(os.environ.get("BENCH_KILLS", "62"))


def one_outage_each(chance: random.Random, hosts: Sequence[str]) -> list[tuple[float, str, int]]:
    """Two flips a monitor: fewer than count as flapping, so each outage has an incident with an end."""
    steps = []
    for host in hosts:
        down = chance.uniform(0, 45)
        steps += [(down, host, 502), (down + chance.uniform(70, 100), host, 200)]
    return steps


def lifetime(chance: random.Random, number: int) -> float:
    """Mostly shorter than an interval, some killed while they start; every tenth sees everything twice."""
    if number % 10 == 7:
        return chance.uniform(15, 16)
    return chance.uniform(0.2, 3.2) if chance.random() < 0.75 else chance.uniform(3, 6)


def run() -> Result:
    with workspace() as folder:
        found = harness.run_kills(folder, 20261122, MONITORS, KILLS, one_outage_each, lifetime, settle_s=60)
    kinds = Counter(re.sub(r"\d+(\.\d+)?", "N", sentence) for sentence in found.wrong)
    ours = found.numbers | {
        "monitors": MONITORS,
        "wrong_count": len(found.wrong),
        "wrong_by_kind": dict(kinds.most_common(20)),
        "wrong": found.wrong[:20],
    }
    enough = ours["kills"] >= 60 and ours["transitions"] >= 1000
    return Result("kill", ours, {"measured": False}, None, enough and not found.wrong)
