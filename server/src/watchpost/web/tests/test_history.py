"""Figures of the past: raw looks, roll-ups, time-weighted states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watchpost.core.sketch import Sketch
from watchpost.monitors.models import AliveSpan, Look, Monitor, Project, Rollup, Transition
from watchpost.web import history

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db
ZERO = {f"{phase}_ms": 0.0 for phase in ("dns", "connect", "tls", "transfer")}


@pytest.fixture
def monitor(db: Any) -> Monitor:
    project = Project.objects.create(slug="s", name="s", dsn_key="d", ping_key="p", created_at=NOW)
    made = NOW - timedelta(days=10)
    return Monitor.objects.create(
        project=project, slug="m", name="m", kind="http", config={}, created_at=made
    )


def move(monitor: Monitor, hours_ago: float, before: str, after: str) -> None:
    at = NOW - timedelta(hours=hours_ago)
    Transition.objects.create(monitor=monitor, at=at, began=at, before=before, after=after, reason="")


def test_series_counts_looks_and_seconds(monitor: Monitor) -> None:
    for minute, outcome in ((50, "ok"), (40, "ok"), (10, "timeout")):
        at = int((NOW - timedelta(minutes=minute)).timestamp() * 1000)
        Look.objects.bulk_create(
            [
                Look(
                    monitor_id=monitor.pk,
                    location="local",
                    at=at,
                    outcome=outcome,
                    total_ms=minute,
                    wait_ms=minute,
                    address="",
                    **ZERO,
                )
            ]
        )
    move(monitor, 200, "new", "up")
    move(monitor, 0.25, "up", "down")
    one, two = history.series(monitor, NOW - timedelta(hours=1), NOW, 1800)
    assert (one["n"], one["failed"], one["p50_ms"], one["p95_ms"], one["phases"]["wait"]) == (
        2,
        0,
        40,
        50,
        45,
    )
    assert (one["up"], one["down"]) == (1800, 0)
    assert (two["n"], two["failed"], two["p50_ms"], two["up"], two["down"]) == (1, 1, None, 900, 900)


def test_long_series_read_roll_ups(monitor: Monitor) -> None:
    day = int((NOW - timedelta(days=30)).replace(hour=0).timestamp() * 1000)
    phases = {"dns": 0, "connect": 0, "tls": 0, "wait": 200.0, "transfer": 0}
    sketch = Sketch.of([100.0, 100.0]).to_bytes()
    Rollup.objects.bulk_create(
        [
            Rollup(
                monitor_id=monitor.pk,
                location="local",
                span=2,
                start=day,
                n=3,
                failed=1,
                phases=phases,
                sketch=sketch,
            )
        ]
    )
    found = [point for point in history.series(monitor, NOW - timedelta(days=90), NOW, 86_400) if point["n"]]
    assert [(point["n"], point["failed"], point["phases"]["wait"]) for point in found] == [(3, 1, 100)]
    assert found[0]["p50_ms"] == pytest.approx(100, rel=0.01)


def test_our_own_downtime_is_unknown(monitor: Monitor) -> None:
    move(monitor, 200, "new", "up")
    for begin, end in ((48, 10), (8, 0)):
        AliveSpan.objects.create(started_at=NOW - timedelta(hours=begin), alive_at=NOW - timedelta(hours=end))
    shown = history.stretches(monitor, NOW - timedelta(hours=24), NOW)
    assert [(piece.shown, piece.seconds / 3600) for piece in shown] == [("up", 14), ("unknown", 2), ("up", 8)]
    assert history.figures(monitor, NOW, shown)["uptime"] == 1


def test_ninety_days_show_even_a_short_outage(monitor: Monitor) -> None:
    move(monitor, 200, "new", "up")
    move(monitor, 30, "up", "down")
    move(monitor, 29.95, "down", "up")
    shown = history.stretches(monitor, NOW - timedelta(days=90), NOW)
    days = history.ninety_days(shown, NOW)
    assert [day["kind"] for day in days[-3:]] == ["", "d", ""]
    assert days[0]["kind"] == "n"
    assert "down 3 min" in days[-2]["title"]
    assert history.figures(monitor, NOW, shown)["longest"] == pytest.approx(180)


def test_a_monitor_without_a_past_has_no_figures(monitor: Monitor) -> None:
    found = history.figures(monitor, NOW, history.stretches(monitor, NOW - timedelta(days=90), NOW))
    assert found == {"p50": None, "p95": None, "p99": None, "uptime": None, "longest": 0.0}
