from __future__ import annotations

from collections.abc import Iterator

import pytest

from patient.tests.running import RunningDemo

_GREEN_S = {"light": 45, "full": 90}


@pytest.fixture(scope="module")
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """Of the stand that the module names in RUNS. Issue 4 promises green within 30 seconds; the test has
    other processes beside it."""
    runs = request.module.RUNS
    found = RunningDemo(tmp_path_factory.mktemp(f"demo-{runs}"), runs)
    try:
        found.wait_green(_GREEN_S[runs])
        yield found
    finally:
        found.close()
