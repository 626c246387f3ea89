"""The whole menu on nginx, PostgreSQL, Redis and Memcached: in CI, and where PATIENT=full asks for it."""

from __future__ import annotations

import os

import pytest

from patient.faults import Fault, find_faults
from patient.tests.running import RunningDemo
from patient.tests.telling import tell

RUNS = "full"
FAULTS = find_faults(RUNS)

pytestmark = pytest.mark.skipif(
    not os.environ.get("CI") and os.environ.get("PATIENT") != "full",
    reason="the full menu runs in CI; PATIENT=full runs it here (nginx, PostgreSQL, Redis, Memcached)",
)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_it_is_one_incident_that_names_it_and_ends(demo: RunningDemo, fault: Fault) -> None:
    tell(demo, fault)
