from __future__ import annotations

from collections.abc import Iterator

import pytest

from patient.tests.running import RunningDemo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """Issue 4 promises 30 seconds; the test has other processes beside it."""
    found = RunningDemo(tmp_path_factory.mktemp("demo"))
    try:
        found.wait_green(45)
        yield found
    finally:
        found.close()
