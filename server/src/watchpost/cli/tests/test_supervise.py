"""A child that is there and does nothing is ended; one that is merely slow to start is not."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchpost.cli import supervise
from watchpost.cli.supervise import HUNG_S, Child


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    pulse = tmp_path / "engine.lock"
    pulse.touch()
    one = Child("engine", [sys.executable, "-c", "import time; time.sleep(60)"], pulse=pulse)
    supervise._mind(one, 1000.0)
    yield one
    if one.process is not None:
        one.process.kill()
        one.process.wait()


def touch(child: Child, at_s: float) -> None:
    assert child.pulse is not None
    os.utime(child.pulse, (at_s, at_s))


def test_a_child_that_hangs_is_killed_and_started_again(child: Child) -> None:
    touch(child, 5.0)
    assert supervise._mind(child, 1003.0) is None
    touch(child, 10.0)
    supervise._mind(child, 1008.0)
    supervise._mind(child, 1008.0 + HUNG_S - 1)
    process = child.process
    assert process is not None
    assert process.poll() is None
    supervise._mind(child, 1008.0 + HUNG_S + 1)
    deadline = time.monotonic() + 5
    while (ended := supervise._mind(child, 1008.0 + HUNG_S + 2)) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ended == -9
    supervise._mind(child, 1008.0 + HUNG_S + 60)
    assert child.process is not None


def test_a_long_migration_is_no_hang(child: Child) -> None:
    for later_s in (10, 100, 1000):
        supervise._mind(child, 1000.0 + HUNG_S + later_s)
    assert child.process is not None
    assert child.process.poll() is None
