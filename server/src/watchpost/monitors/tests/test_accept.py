"""What a person declares to be expected is what is normal from then on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from watchpost.monitors import accept, edit
from watchpost.monitors.models import Change, Monitor, MonitorLast, MonitorState, Project, Remark
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


def looked_at(project: Project, name: str, *findings: Mapping[str, Any], issuer: str = "B") -> Monitor:
    monitor = edit.create_monitor(project, {"name": name, "kind": "page", "url": "x"}, NOW)
    MonitorState.objects.filter(monitor=monitor).update(baseline={"issuer": "A"})
    MonitorLast.objects.create(
        monitor=monitor,
        at=1,
        outcome="ok",
        total_ms=1,
        phases={},
        findings=list(findings),
        facts={"issuer": issuer},
    )
    return monitor


def baseline(monitor: Monitor) -> Any:
    return MonitorState.objects.get(monitor=monitor).baseline


@pytest.fixture
def home(db: None, monkeypatch: pytest.MonkeyPatch) -> Monitor:
    shop = edit.create_project("Shop", NOW)
    monitor = looked_at(shop, "Home", STRANGE, DOWN)
    monkeypatch.setattr(accept, "kinds", lambda: {"page": replace(PAGE, accept=learn)})
    Change.objects.all().delete()
    return monitor


def test_only_what_can_be_expected_is_offered(home: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert accept.acceptable(home) == {("page.changed", "issuer"): ()}
    monkeypatch.setattr(accept, "kinds", lambda: {"page": PAGE})
    assert accept.acceptable(home) == {}


def test_the_baseline_learns_it_and_the_engine_hears_of_it(home: Monitor) -> None:
    before = MonitorState.objects.get(monitor=home).version
    accept.accept_finding(home, "page.changed", "issuer", NOW)
    state = MonitorState.objects.get(monitor=home)
    assert (state.baseline, state.version) == ({"issuer": "B"}, before + 1)
    assert Change.objects.filter(topic="monitor", key=str(home.pk)).exists()
    assert accept.acceptable(home) == {}


@pytest.mark.parametrize(
    ("code", "subject"), [("page.down", "home"), ("page.changed", "other"), ("", ""), ("x", "y")]
)
def test_what_is_no_matter_of_expectation_is_refused(home: Monitor, code: str, subject: str) -> None:
    with pytest.raises(edit.Invalid):
        accept.accept_finding(home, code, subject, NOW)
    assert MonitorState.objects.get(monitor=home).baseline == {"issuer": "A"}


def test_one_change_is_accepted_at_every_monitor_of_the_project_that_found_it(home: Monitor) -> None:
    second = looked_at(home.project, "Second", STRANGE)
    other = looked_at(home.project, "Other", {**STRANGE, "subject": "key"})
    fine = looked_at(home.project, "Fine", DOWN)
    strange = looked_at(edit.create_project("Blog", NOW), "Blog", STRANGE)
    assert accept.acceptable(home) == {("page.changed", "issuer"): (second,)}
    Change.objects.all().delete()

    assert accept.accept_finding(home, "page.changed", "issuer", NOW, "Ada") == (home, second)
    assert [baseline(one)["issuer"] for one in (home, second)] == ["B", "B"]
    assert [baseline(one)["issuer"] for one in (other, fine, strange)] == ["A", "A", "A"]
    assert set(Change.objects.values_list("topic", "key")) == {
        ("monitor", str(home.pk)), ("monitor", str(second.pk)),
    }  # fmt: skip
    assert list(Remark.objects.order_by("pk").values_list("monitor__name", "sentence")) == [
        ("Home", "Ada said that this is expected: It is B now."),
        ("Second", "Ada said at Home that this is expected: It is B now."),
    ]


def test_what_one_change_is_says_the_kind(home: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another subject may be the same change, and the same subject another one."""
    kind = replace(PAGE, accept=learn, change=lambda _, facts, finding: str(facts["issuer"]))
    monkeypatch.setattr(accept, "kinds", lambda: {"page": kind})
    elsewhere = looked_at(home.project, "Elsewhere", {**STRANGE, "subject": "its issuer"})
    worse = looked_at(home.project, "Worse", {**STRANGE, "sentence": "It is C now."}, issuer="C")
    assert accept.accept_finding(home, "page.changed", "issuer", NOW) == (home, elsewhere)
    assert (baseline(elsewhere), baseline(worse)) == ({"issuer": "B"}, {"issuer": "A"})


def test_a_monitor_that_knows_it_already_is_not_written_again(home: Monitor) -> None:
    knows = looked_at(home.project, "Knows", STRANGE)
    MonitorState.objects.filter(monitor=knows).update(baseline={"issuer": "B"})
    assert accept.accept_finding(home, "page.changed", "issuer", NOW) == (home,)
    assert not Remark.objects.filter(monitor=knows).exists()
