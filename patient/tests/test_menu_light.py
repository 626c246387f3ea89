"""The whole menu of ``make demo``: each fault is one incident that names it, and heals."""

from __future__ import annotations

import time

import pytest

from patient.faults import Fault, find_faults
from patient.tests.running import RunningDemo, await_
from patient.tests.watched import named

FAULTS = find_faults("light")
# One interval (5 s, 10 s for static files), the second look that confirms, and ten seconds.
NOTICED_S = 30.0
HEALED_S = 45.0
SILENT_S = 12.0  # two looks and a confirmation: what is not seen by then is not seen


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_it_is_one_incident_that_names_it_and_ends(demo: RunningDemo, fault: Fault) -> None:
    demo.wait_green(HEALED_S)
    before = {one["id"] for one in demo.incidents()}
    codes = named(fault)
    expected = codes or fault.symptoms
    demo.order("break", fault.name)
    try:
        if expected:
            await_(lambda: _headed(demo, before, expected), NOTICED_S, demo.tell)
        else:
            time.sleep(SILENT_S)
    finally:
        demo.order("heal", fault.name)
    demo.wait_green(HEALED_S)
    new = [one for one in demo.incidents() if one["id"] not in before]
    assert len(new) == (1 if expected else 0), demo.tell()
    if not codes:
        seen = f"seen as {new[0]['title']}" if new else "not seen"
        pytest.skip(f"not yet watched: {fault.name} ({', '.join(fault.codes)}); {seen}")


def _headed(demo: RunningDemo, before: set[str], codes: tuple[str, ...]) -> bool:
    """Whether there is an incident whose first cause is one of these."""
    new = [one for one in demo.incidents() if one["id"] not in before]
    return any(one["causes"] and one["causes"][0]["code"] in codes for one in new)
