"""A health monitor that was told of any number of checks, some of them bad."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchpost.monitors.models import Monitor, MonitorLast, MonitorState, Project


def seed_checks(project: Project, count: int, bad: int, now: datetime) -> Monitor:
    monitor = Monitor.objects.create(
        project=project,
        slug=f"checks-{count}",
        name=f"Health of {count}",
        kind="health",
        created_at=now - timedelta(days=2),
        config={"url": "https://shop.example.com/health/"},
    )
    shown = "down" if bad else "up"
    MonitorState.objects.create(
        monitor=monitor,
        shown=shown,
        health=shown,
        since=now - timedelta(minutes=6),
        reason="Seeded.",
        findings=[],
    )
    checks = {f"check:{number:03}": _check(number < bad) for number in range(count)}
    report = {"format": "watchpost", "says": "error" if bad else "ok", "told": True, "waits": True}
    MonitorLast.objects.create(
        monitor=monitor, at=int(now.timestamp() * 1000), outcome="ok", total_ms=12.0, phases={},
        address="203.0.113.7", facts={"status": 200, "report": report, "checks": checks},
    )  # fmt: skip
    return monitor


def _check(is_bad: bool) -> dict[str, object]:
    about: dict[str, object] = {
        "critical": True,
        "age_s": 3.0,
        "interval_s": 10.0,
        "value": 4.0,
        "unit": "ms",
    }
    if not is_bad:
        return {"state": "ok"} | about
    return {"state": "error", "message": "it does not answer", "code": "health.failing"} | about
