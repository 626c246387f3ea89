from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from watchpost import clock
from watchpost.engine.figures import store_figures
from watchpost.monitors import edit
from watchpost.watching import health

pytestmark = pytest.mark.django_db


def test_healthz_needs_nothing(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_readyz_says_that_no_engine_runs(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "watchpost engine" in answer.json()["problems"][0]


def test_readyz_is_ok_while_the_engine_reports_and_not_when_it_stopped(client: Client) -> None:
    store_figures({"looks": 1}, clock.now())
    assert client.get("/readyz").status_code == 200
    store_figures({"looks": 1}, clock.now() - timedelta(minutes=2))
    assert "nothing for 120 s" in client.get("/readyz").json()["problems"][0]


def test_readyz_tells_of_a_database_that_cannot_be_written(client: Client) -> None:
    store_figures({"trouble": "The database cannot be written: disk full"}, clock.now())
    assert client.get("/readyz").json()["problems"] == ["The database cannot be written: disk full"]


def test_metrics_show_lag_outbox_and_states(client: Client) -> None:
    project = edit.create_project("shop", clock.now())
    edit.create_monitor(
        project, {"name": "Home", "kind": "http", "url": "https://shop.example/"}, clock.now()
    )
    store_figures({"looks": 5, "schedule_lag_p99_s": 0.01}, clock.now())
    text = client.get("/metrics", HTTP_HOST="localhost:8090").content.decode()
    assert "watchpost_looks_total 5" in text
    assert "watchpost_schedule_lag_p99_seconds 0.01" in text
    assert "watchpost_outbox_age_seconds 0" in text
    assert (
        'watchpost_monitor_state{project="shop",monitor="home",kind="http",environment="production",state="new"} 1'
        in text
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"REMOTE_ADDR": "203.0.113.5"},
        {"HTTP_X_FORWARDED_FOR": "203.0.113.5"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_HOST": "testserver"},  # a proxy on this machine that says nothing but the site's name
        {"HTTP_AUTHORIZATION": "Bearer wrong"},
    ],
)
def test_metrics_are_not_for_strangers(client: Client, asked: dict[str, Any]) -> None:
    assert client.get("/metrics", **({"HTTP_HOST": "localhost"} | asked)).status_code == 401


def test_a_load_balancer_asks_by_address(client: Client) -> None:
    store_figures({"looks": 1}, clock.now())
    for path in ("/healthz", "/readyz"):
        assert client.get(path, HTTP_HOST="10.1.1.1:8090").status_code == 200


@pytest.mark.only_on("sqlite")
def test_a_full_disk_is_what_readyz_says_first(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that the engine is silent: it cannot store that it lives."""
    store_figures({"looks": 1}, clock.now() - timedelta(minutes=2))
    monkeypatch.setattr(health, "FULL_BYTES", 1 << 62)  # whatever disk this runs on holds less
    problems = client.get("/readyz").json()["problems"]
    assert "is full" in problems[0]
    assert "Free some space" in problems[0]


def test_every_metric_is_documented(client: Client) -> None:
    project = edit.create_project("shop", clock.now())
    edit.create_monitor(
        project, {"name": "Home", "kind": "http", "url": "https://shop.example/"}, clock.now()
    )
    store_figures({"looks": 5}, clock.now())
    text = client.get("/metrics", HTTP_HOST="localhost").content.decode()
    names = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    page = Path(__file__).parents[5] / "docs" / "reference" / "watching.md"
    assert names
    assert names == set(re.findall(r"^\| `(watchpost_\w+)`", page.read_text(), re.M))


def test_who_asks_in_vain_every_second_does_not_fill_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.get("/readyz").status_code == 503
    assert not caplog.records
    assert client.get("/nowhere").status_code == 404
    assert caplog.records
