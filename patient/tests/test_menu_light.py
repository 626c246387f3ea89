"""The whole menu of ``make demo``."""

from __future__ import annotations

import pytest

from patient.faults import Fault, find_faults
from patient.tests.running import RunningDemo
from patient.tests.telling import tell

RUNS = "light"
FAULTS = find_faults(RUNS)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_it_is_one_incident_that_names_it_and_ends(demo: RunningDemo, fault: Fault) -> None:
    tell(demo, fault)
