"""SIGKILL of the real engine at random instants: nothing that happened goes untold."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from tests.kill.harness import run_kills
from tests.postgres import database_setting

MONITORS, KILLS = 20, 6


def one_outage_each(chance: random.Random, hosts: Sequence[str]) -> list[tuple[float, str, int]]:
    """Everyone goes down at a time of its own and comes back while kills go on."""
    steps = []
    for host in hosts:
        down = chance.uniform(0, 6)
        steps += [(down, host, 502), (chance.uniform(28, 33), host, 200)]
    return steps


def lifetime(chance: random.Random, number: int) -> float:
    """The third life is long enough to see everything twice."""
    return 15.0 if number == 2 else chance.uniform(0.5, 6.5)


def test_no_transition_goes_untold_when_the_engine_is_killed(tmp_path: Path) -> None:
    found = run_kills(
        tmp_path,
        seed=20261122,
        count=MONITORS,
        kills=KILLS,
        script=one_outage_each,
        lifetime=lifetime,
        settle_s=30,
        **database_setting("kills"),
    )
    print(found.numbers)
    assert not found.wrong, "\n".join(found.wrong[:20])
    assert found.numbers["kills"] >= KILLS
    assert found.numbers["transitions"] >= MONITORS
    assert found.numbers["messages"] >= MONITORS
