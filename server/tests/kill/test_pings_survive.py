"""SIGKILL of web and engine processes under load: nothing acknowledged is lost, no flip goes untold."""

from __future__ import annotations

from pathlib import Path

from tests.kill.beats import run_ping_kills
from tests.postgres import database_setting


def test_nothing_acknowledged_is_lost_when_processes_are_killed(tmp_path: Path) -> None:
    own = database_setting("ping_kills")
    found = run_ping_kills(tmp_path, 20261128, 25, 8, lambda chance: chance.uniform(0.5, 2.5), **own)
    print(found.numbers)
    assert not found.wrong, "\n".join(found.wrong[:20])
    assert found.numbers["acknowledged"] >= 50
    assert found.numbers["downs"] >= 10
