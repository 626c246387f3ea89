"""Maintenance over the API: one-off windows and series, the same fields as the file, clear errors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from watchpost import clock
from watchpost.api.tests.test_api import refused
from watchpost.monitors import edit
from watchpost.monitors.models import MaintenanceWindow, Monitor, Project
from watchpost.monitors.recurrence import rule_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("watchpost.api.tests.urls")]
Call = Callable[..., Any]
SUNDAY: dict[str, Any] = {
    "name": "Sunday backup",
    "weekly": {"days": ["sun"], "at": "02:00"},
    "for": "2h",
    "timezone": "Europe/Lisbon",
}
SHOP = "projects/shop/maintenance"


def stamps(row: MaintenanceWindow, count: int) -> list[dict[str, str]]:
    starts = islice(rule_of(row).starts(clock.now() - timedelta(hours=2)), count)
    return [
        {
            "starts_at": f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
            "ends_at": f"{at + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}.000Z",
        }
        for at in starts
    ]


def test_a_series_is_made_shown_changed_and_deleted(call: Call, home: Monitor) -> None:
    made = call("POST", SHOP, SUNDAY | {"monitors": [str(home.pk)], "reason": "the disks"})
    assert made.status_code == 201
    body, path = made.json(), f"maintenance/{made.json()['id']}"
    row = MaintenanceWindow.objects.get()
    assert body == {
        "id": str(row.pk), "project": "shop", "monitors": [str(home.pk)], "starts_at": None, "ends_at": None,
        "name": "Sunday backup", "slug": "sunday-backup", "weekly": {"days": ["sun"], "at": "02:00"},
        "cron": None, "for": "2h", "timezone": "Europe/Lisbon", "first_day": None, "last_day": None,
        "rule": "every Sunday 02:00 to 04:00 Europe/Lisbon", "paused": False, "next": stamps(row, 3),
        "reason": "the disks", "created_by": "ci (API)",
    }  # fmt: skip
    assert call("GET", path).json() == body
    assert call("GET", "maintenance?project=shop").json()["items"] == [body]
    other = {"cron": "0 3 * * 0", "for": "1h", "slug": "sunday-backup", "last_day": "2040-01-01"}
    changed = call("PUT", path, other).json()
    assert (changed["cron"], changed["timezone"], changed["monitors"]) == ("0 3 * * 0", "UTC", [])
    assert (changed["name"], changed["last_day"]) == (
        "At 03:00 on Sunday, for 1 h, UTC (cron 0 3 * * 0), until 1 Jan 2040",
        "2040-01-01",
    )
    assert call("POST", f"{path}/pause").json()["next"] == []
    assert len(call("POST", f"{path}/resume").json()["next"]) == 3
    assert call("DELETE", path).status_code == 204
    refused(call("GET", path), 404)


def test_a_monitor_and_a_project_say_what_comes_next(call: Call, home: Monitor, shop: Project) -> None:
    for path in (f"monitors/{home.pk}", "projects/shop"):
        assert call("GET", path).json()["maintenance"] == []
    call("POST", f"monitors/{home.pk}/maintenance", SUNDAY)
    ends = (clock.now() + timedelta(minutes=1)).isoformat()
    once = call("POST", f"monitors/{home.pk}/maintenance", {"ends_at": ends, "reason": "deploy"}).json()
    other = edit.create_monitor(shop, {"name": "O", "kind": "page", "url": "https://o.example/"}, clock.now())
    call("POST", f"monitors/{other.pk}/maintenance", SUNDAY)
    row = MaintenanceWindow.objects.get(slug="sunday-backup")
    coming = [{"window": str(row.pk), "name": "Sunday backup"} | one for one in stamps(row, 2)]
    said = call("GET", f"monitors/{home.pk}").json()["maintenance"]
    # Should this test run on a Sunday morning, the running one of the two comes first.
    assert sorted(said, key=str) == sorted(
        [
            {
                "window": once["id"],
                "name": "deploy",
                "starts_at": once["starts_at"],
                "ends_at": once["ends_at"],
            },
            *coming,
        ],
        key=str,
    )
    assert len(call("GET", "projects/shop").json()["maintenance"]) == 3


def test_ending_now_ends_this_one(call: Call, home: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    made = call("POST", f"monitors/{home.pk}/maintenance", SUNDAY).json()
    path = f"maintenance/{made['id']}"
    sunday = datetime(2026, 6, 7, 1, 30, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: sunday - timedelta(hours=9))
    assert "is not running" in refused(call("POST", f"{path}/end"), 409)["detail"]
    monkeypatch.setattr(clock, "now", lambda: sunday)
    assert call("GET", path).json()["next"][0]["starts_at"] == "2026-06-07T01:00:00.000Z"
    assert call("POST", f"{path}/end").json()["next"][0]["starts_at"] == "2026-06-14T01:00:00.000Z"
    refused(call("POST", f"{path}/end"), 409)


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        (SUNDAY | {"timezone": "Europe/Lisabon"}, "timezone", "did you mean Europe/Lisbon?"),
        (SUNDAY | {"weekly": {"days": ["sunn"], "at": "02:00"}}, "weekly.days", "did you mean sun?"),
        (SUNDAY | {"for": 0}, "for", "not possible"),
        (SUNDAY | {"for": "7d"}, "for", "hardly ever end"),
        (SUNDAY | {"last_day": "2020-01-01"}, "last_day", "has passed"),
        (SUNDAY | {"cron": "0 2 * * *"}, "cron", "stands beside weekly"),
        (SUNDAY | {"weekly": 7}, "weekly", "dictionary"),
        (SUNDAY | {"ends_at": "2040-01-01T00:00:00Z"}, "ends_at", "comes once"),
        (SUNDAY | {"starts": 1}, "starts", "no key starts"),
        (SUNDAY | {"reason": "${HOME}"}, "reason", "only by `watchpost apply`"),
        ({"cron": "0 2 30 2 *", "for": "2h"}, "cron", "never comes"),
        ({"cron": "0 2 * * 0"}, "for", "is missing"),
        ({"for": "2h"}, "for", "write weekly or cron beside it"),
        ({"ends_att": "2040-01-01T00:00:00Z"}, "ends_att", "did you mean ends_at?"),
        ({}, "ends_at", "is missing"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_field(
    call: Call, shop: Project, body: dict[str, Any], field: str, says: str
) -> None:
    errors = refused(call("POST", SHOP, body), 422)["errors"]
    assert says in {entry["field"]: entry["message"] for entry in errors}[field]
    assert not MaintenanceWindow.objects.exists()


def test_what_does_not_fit_a_window_is_said(call: Call, home: Monitor) -> None:
    body = SUNDAY | {"monitors": [str(home.pk)]}
    refusal = refused(call("POST", f"monitors/{home.pk}/maintenance", body), 422)
    assert "use /v1/projects/shop/maintenance" in refusal["detail"]
    refused(call("POST", SHOP, SUNDAY | {"monitors": ["77"]}), 422)
    end = (clock.now() + timedelta(hours=1)).isoformat()
    once = call("POST", SHOP, {"ends_at": end}).json()
    assert (once["rule"], once["weekly"], len(once["next"])) == (None, None, 1)
    for method, do, sent in (("PUT", "", SUNDAY), ("POST", "/pause", None), ("POST", "/resume", None)):
        refused(call(method, f"maintenance/{once['id']}{do}", sent), 409)
    assert call("POST", f"maintenance/{once['id']}/end").json()["next"] == []


def test_another_project_and_a_reader_change_no_series(
    call: Call, caller: Callable[..., Call], home: Monitor, blog: Project
) -> None:
    made = call("POST", SHOP, SUNDAY).json()
    path = f"maintenance/{made['id']}"
    other, looks = caller(blog), caller(None, True)
    for method, do in (("GET", ""), ("PUT", ""), ("POST", "/end"), ("POST", "/pause"), ("POST", "/resume")):
        sent = SUNDAY if method == "PUT" else None
        refused(other(method, path + do, sent), 404)
        if method != "GET":
            refused(looks(method, path + do, sent), 403)
    assert not MaintenanceWindow.objects.get().paused
