"""Checks out of the database: many at the cost of one, and as the engine sees them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from watchpost.accounts.links import make_token
from watchpost.core.heartbeat import Ping, Sign
from watchpost.hcapi.rows import checks_of, rows_of
from watchpost.heartbeats.models import Heartbeat
from watchpost.heartbeats.store import Incoming, store_pings
from watchpost.monitors import edit
from watchpost.monitors.models import AliveSpan, Change, Project

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return edit.create_project("Shop", NOON)


def make(project: Project, name: str = "Backup", **own: Any) -> Heartbeat:
    monitor = edit.create_monitor(project, {"kind": "heartbeat", "name": name, **own}, NOON)
    return Heartbeat.objects.get(pk=monitor.pk)


def status(project: Project, now: datetime) -> str:
    return checks_of(rows_of(project), now)[0].status(now)


def test_our_own_absence_is_no_miss(project: Project) -> None:
    row = make(project, period="1h", grace="10m")
    store_pings([Incoming(Ping(NOON, Sign.SUCCESS), code=row.code)], NOON)
    times = {name: NOON + timedelta(minutes=n) for name, n in (("left", 62), ("back", 75), ("later", 90))}
    AliveSpan.objects.create(started_at=NOON - timedelta(days=1), alive_at=times["left"])
    AliveSpan.objects.create(started_at=times["back"], alive_at=times["later"])
    assert status(project, times["back"]) == "grace"
    assert status(project, times["later"]) == "down"
    AliveSpan.objects.all().delete()
    AliveSpan.objects.create(started_at=NOON - timedelta(days=1), alive_at=times["back"])
    assert status(project, times["back"]) == "down"


def test_a_long_list_costs_as_many_questions_as_a_short_one(
    project: Project, django_assert_num_queries: Any
) -> None:
    key = make_token("t", project, False, NOON)
    client = Client(headers={"X-Api-Key": key})
    make(project)
    client.get("/api/v3/checks/")  # the first one marks the token as used
    for count in (1, 20):
        with django_assert_num_queries(3):  # token, checks, channels
            assert len(client.get("/api/v3/checks/").json()["checks"]) == count
        for n in range(19):
            make(project, f"Job {n} {count}")


def test_every_write_tells_the_other_processes(project: Project) -> None:
    client = Client(headers={"X-Api-Key": make_token("t", project, False, NOON)})

    def post(path: str, body: dict[str, Any]) -> Any:
        Change.objects.all().delete()
        answer = client.post(path, json.dumps(body), content_type="application/json")
        assert answer.status_code in (200, 201)
        return answer.json()

    def told() -> set[tuple[str, str]]:
        return set(Change.objects.values_list("topic", "key"))

    made = post("/api/v3/checks/", {"name": "Backup"})
    row = Heartbeat.objects.get(code=made["uuid"])
    path, change = f"/api/v3/checks/{made['uuid']}", ("monitor", str(row.pk))
    assert told() == {change}
    for more, body in (("", {"timeout": 120}), ("/pause", {}), ("/resume", {})):
        post(path + more, body)
        assert told() == {change}
    post(path, {})
    assert told() == set()  # nothing was to be changed
    assert client.delete(path).status_code == 200
    assert told() == {change}
