"""One fault, from all is well to all is well."""

from __future__ import annotations

import time

import pytest

from patient.faults import Fault
from patient.tests.running import RunningDemo, await_
from patient.tests.watched import named

# One interval (5 s, 10 s for static files and certificates), the second look that confirms, and ten seconds.
NOTICED_S = 30.0
HEALED_S = 45.0
SETTLED_S = 8.0  # a doubt is settled by a second look three seconds later
SILENT_S = 12.0  # two looks and a confirmation: what is not seen by then is not seen


def tell(demo: RunningDemo, fault: Fault) -> None:
    """It is one incident that names the fault, and ends with it. Where nobody can name it yet, it is what is
    seen from outside, or nothing, and the test is skipped with the code that is wanting."""
    demo.wait_green(HEALED_S)
    before = {one["id"] for one in demo.incidents()}
    codes = named(fault)
    expected = codes or fault.symptoms
    demo.order("break", fault.name)
    try:
        if expected:
            also = fault.also if codes else ()
            await_(lambda: _headed(demo, before, expected, also), fault.within_s or NOTICED_S, demo.tell)
            _let_doubts_settle(demo)
        else:
            time.sleep(SILENT_S)
    finally:
        demo.order("heal", fault.name)
    demo.wait_green(HEALED_S)
    new = [one for one in demo.incidents() if one["id"] not in before]
    assert len(new) == (1 if expected else 0), demo.tell()
    # What is over still names why: whoever recovered last was not the reason.
    assert all({cause["code"] for cause in one["causes"]} & set(expected) for one in new), demo.tell()
    if not codes:
        seen = f"seen as {new[0]['title']}" if new else "not seen"
        pytest.skip(f"not yet watched: {fault.name} ({', '.join(fault.codes)}); {seen}")


def _let_doubts_settle(demo: RunningDemo) -> None:
    """Whoever has seen it once looks again before it is mended: else that look may call down, for itself, what
    is over for the others."""
    ends = time.monotonic() + SETTLED_S
    while time.monotonic() < ends and any("looking again" in one["reason"] for one in demo.get("monitors")):
        time.sleep(0.25)


def _headed(demo: RunningDemo, before: set[str], codes: tuple[str, ...], also: tuple[str, ...]) -> bool:
    """Whether there is an incident whose first cause is one of ``codes``, and in which ``also`` stand."""
    new = [one for one in demo.incidents() if one["id"] not in before]
    told = [[cause["code"] for cause in one["causes"]] for one in new]
    return any(causes[:1] and causes[0] in codes and set(also) <= set(causes) for causes in told)
