"""The nightly job: when all is green although it has not run, and what keeps it from running."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from patient.desk import Desk, ask
from patient.watched import are_green
from patient.wedge.celery import _is_lost

HOME = {"kind": "http", "state": "up"}
JOB = {"kind": "heartbeat", "state": "up"}


@pytest.mark.parametrize(
    ("monitors", "green"),
    [
        ([HOME, JOB], True),
        ([HOME, JOB | {"state": "new"}], True),
        ([HOME, JOB, JOB | {"state": "down"}], False),
        ([HOME | {"state": "new"}, JOB], False),
        ([HOME], False),  # Beat has not told its entries
        ([], False),
    ],
)
def test_a_job_may_wait_for_its_first_run(monitors: list[dict[str, Any]], green: bool) -> None:
    assert are_green(monitors) is green


@pytest.mark.parametrize(
    ("rule", "count", "lost"),
    [
        ({"does": "lose_entry", "entry": "nightly"}, 1, True),
        ({"does": "lose_entry", "entry": "nightly"}, 0, False),  # it would never be missed
        ({"does": "lose_entry", "entry": "other"}, 1, False),
        ({"does": "hold_beat"}, 1, False),
    ],
)
def test_which_message_gets_lost(rule: dict[str, Any], count: int, lost: bool) -> None:
    assert _is_lost(rule, SimpleNamespace(name="nightly", total_run_count=count)) is lost


def test_a_fault_may_be_named_with_hyphens(tmp_path: Path) -> None:
    rules: list[str] = []

    def wedge(fault: str, **_: Any) -> None:
        rules.append(fault)

    stand = SimpleNamespace(runs="light", folder=tmp_path, kept={}, mind=lambda: None, wedge=wedge)
    desk = Desk(stand)  # type: ignore[arg-type]
    desk.open_door()
    try:
        answers: list[dict[str, Any]] = []
        asking = Thread(target=lambda: answers.append(ask(tmp_path, "break", "nightly-job-silent")))
        asking.start()
        while asking.is_alive():
            desk.work(0.05)
    finally:
        desk.close_door()
    assert answers[0]["ok"], answers[0]["said"]
    assert rules == desk.broken == ["nightly_job_silent"]
