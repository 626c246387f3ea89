"""What a person declares to be expected is what is normal from then on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from watchpost.monitors import accept, edit
from watchpost.monitors.models import Change, Monitor, MonitorLast, MonitorState
from watchpost.monitors.tests.conftest import PAGE

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
STRANGE = {
    "code": "page.changed",
    "subject": "issuer",
    "sentence": "It is B now.",
    "fix": "",
    "severity": "warning",
}
DOWN = {"code": "page.down", "subject": "home", "sentence": "It is down.", "fix": "", "severity": "error"}
pytestmark = pytest.mark.django_db


def learn(baseline: Mapping[str, Any], facts: Mapping[str, Any], finding: Any) -> Mapping[str, Any]:
    return {**baseline, "issuer": facts["issuer"]} if finding.code == "page.changed" else baseline


@pytest.fixture
def home(db: None, monkeypatch: pytest.MonkeyPatch) -> Monitor:
    shop = edit.create_project("Shop", NOW)
    monitor = edit.create_monitor(shop, {"name": "Home", "kind": "page", "url": "x"}, NOW)
    MonitorState.objects.filter(monitor=monitor).update(baseline={"issuer": "A"})
    MonitorLast.objects.create(
        monitor=monitor,
        at=1,
        outcome="ok",
        total_ms=1,
        phases={},
        findings=[STRANGE, DOWN],
        facts={"issuer": "B"},
    )
    monkeypatch.setattr(accept, "kinds", lambda: {"page": replace(PAGE, accept=learn)})
    Change.objects.all().delete()
    return monitor


def test_only_what_can_be_expected_is_offered(home: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert accept.acceptable(home) == {("page.changed", "issuer")}
    monkeypatch.setattr(accept, "kinds", lambda: {"page": PAGE})
    assert accept.acceptable(home) == set()


def test_the_baseline_learns_it_and_the_engine_hears_of_it(home: Monitor) -> None:
    before = MonitorState.objects.get(monitor=home).version
    accept.accept_finding(home, "page.changed", "issuer", NOW)
    state = MonitorState.objects.get(monitor=home)
    assert (state.baseline, state.version) == ({"issuer": "B"}, before + 1)
    assert Change.objects.filter(topic="monitor", key=str(home.pk)).exists()
    assert accept.acceptable(home) == set()


@pytest.mark.parametrize(
    ("code", "subject"), [("page.down", "home"), ("page.changed", "other"), ("", ""), ("x", "y")]
)
def test_what_is_no_matter_of_expectation_is_refused(home: Monitor, code: str, subject: str) -> None:
    with pytest.raises(edit.Invalid):
        accept.accept_finding(home, code, subject, NOW)
    assert MonitorState.objects.get(monitor=home).baseline == {"issuer": "A"}
