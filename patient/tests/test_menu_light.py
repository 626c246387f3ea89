"""The whole menu of ``make demo``."""

from __future__ import annotations

import pytest

from patient.faults import Fault, find_faults
from patient.tests.running import RunningDemo
from patient.tests.telling import tell

RUNS = "light"
FAULTS = find_faults(RUNS)


def test_what_beat_runs_is_a_heartbeat_by_itself(demo: RunningDemo) -> None:
    """Nothing in the file says so; and what takes the shop down takes them along."""
    watched = (demo.folder / "watchpost" / "watch.yaml").read_text()
    jobs = {one["name"]: one["spec"] for one in demo.get("monitors") if one["kind"] == "heartbeat"}
    assert set(jobs) == {"tidy up at night", "count what was sold"}
    assert not any(name in watched for name in jobs)
    assert all(spec["depends_on"] == ["health"] for spec in jobs.values())
    assert jobs["tidy up at night"]["grace"] == "60s"


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_it_is_one_incident_that_names_it_and_ends(demo: RunningDemo, fault: Fault) -> None:
    tell(demo, fault)
