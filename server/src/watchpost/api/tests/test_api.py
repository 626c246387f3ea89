from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from watchpost import clock
from watchpost.accounts.models import ApiToken, User
from watchpost.api.tests.conftest import Call
from watchpost.incidents.models import Channel, Incident, IncidentMember
from watchpost.monitors import accept, edit
from watchpost.monitors.models import Look, MaintenanceWindow, Monitor, MonitorLast, Project
from watchpost.monitors.tests.conftest import PAGE
from watchpost.web.csp import POLICY

pytestmark = [pytest.mark.django_db, pytest.mark.urls("watchpost.api.tests.urls")]
CAUSE = {"code": "site.error_status", "confidence": 1.0, "sentence": "It answers 500.", "fix": "Look."}
NEW = {"project": "shop", "name": "Second", "kind": "page", "url": "https://shop.example.com/2"}


def refused(answer: HttpResponse, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.content)
    assert body.keys() >= {"type", "title", "status", "detail"}
    assert body["status"] == status
    return body


def trouble(monitor: Monitor, minutes: int = 5, state: str = "open") -> Incident:
    now = clock.now()
    incident = Incident.objects.create(
        project=monitor.project, environment="production", title="It answers 500.", severity=2, state=state,
        began_at=now - timedelta(minutes=minutes), detected_at=now,
        causes=[CAUSE],
    )  # fmt: skip
    IncidentMember.objects.create(
        incident=incident, monitor=monitor, code="site.error_status", subject=str(minutes),
        severity=2, rank=1,
        sentence="It answers 500.", fix="", began_at=now, joined_at=now,
    )  # fmt: skip
    return incident


def test_without_a_valid_token_nothing_is_answered(client: Client, home: Monitor) -> None:
    answer = client.get("/v1/monitors")
    refused(answer, 401)
    assert answer["WWW-Authenticate"] == "Bearer"
    refused(client.get("/v1/monitors", headers={"Authorization": "Bearer wp_nonsense"}), 401)
    admin = User.objects.create_user("a@example.com", "x", is_superuser=True)
    client.force_login(admin, "allauth.account.auth_backends.AuthenticationBackend")
    refused(client.get("/v1/monitors"), 401)  # a session is not accepted
    refused(client.post("/v1/monitors", NEW, content_type="application/json"), 401)


def test_the_promised_shape_of_a_monitor(call: Call, home: Monitor) -> None:
    finding = {
        "code": "site.error_status",
        "severity": "error",
        "sentence": "500",
        "fix": "Look.",
        "subject": "x",
    }
    MonitorLast.objects.create(
        monitor=home,
        at=1_700_000_000_123,
        outcome="ok",
        total_ms=12.5,
        phases={"dns": 1},
        address="::1",
        findings=[finding],
    )
    body = call("GET", "monitors").json()
    assert body["next"] is None
    (item,) = body["items"]
    assert item.keys() >= {"id", "project", "name", "kind", "state", "since", "reason", "last"}
    assert (item["id"], item["project"], item["state"]) == (str(home.pk), "shop", "new")
    assert item["last"] == {
        "at": "2023-11-14T22:13:20.123Z",
        "outcome": "ok",
        "total_ms": 12.5,
        "phases_ms": {"dns": 1},
        "address": "::1",
        "findings": [{key: finding[key] for key in ("code", "subject", "severity", "sentence", "fix")}],
    }
    assert call("GET", f"monitors/{home.pk}").json() == item | {"parts": [], "maintenance": []}
    assert "t-secret" not in json.dumps(item)


def test_monitors_are_created_changed_and_deleted(call: Call, shop: Project) -> None:
    made = call("POST", "monitors", NEW | {"token": "t-secret"})
    assert made.status_code == 201
    path = f"monitors/{made.json()['id']}"
    assert "t-secret" not in made.content.decode()
    changed = call("PATCH", path, {"interval": "5m", "tags": ["a"]}).json()
    assert changed["spec"]["interval"] == "5m"
    assert edit.config_of(Monitor.objects.get()).token == "t-secret"
    assert "interval" not in call("PATCH", path, {"interval": None}).json()["spec"]
    replaced = call("PUT", path, changed["spec"] | {"name": "Third"}).json()
    assert (replaced["name"], replaced["slug"]) == ("Third", "second")
    assert edit.config_of(Monitor.objects.get()).token == "t-secret"
    assert call("POST", f"{path}/pause").json()["paused"]
    assert "paused" in refused(call("POST", f"{path}/look"), 409)["detail"]
    assert not call("POST", f"{path}/resume").json()["paused"]
    assert call("POST", f"{path}/look").status_code == 202
    assert "less than 10 s ago" in refused(call("POST", f"{path}/look"), 429)["detail"]
    assert call("DELETE", path).status_code == 204
    refused(call("GET", path), 404)


def test_what_is_wrong_with_a_monitor_is_told_by_field(call: Call, shop: Project) -> None:
    body = refused(call("POST", "monitors", NEW | {"intervall": "5m", "confirm": 99}), 422)
    errors = {entry["field"]: entry["message"] for entry in body["errors"]}
    assert "did you mean interval?" in errors["intervall"]
    assert "1 to 20" in errors["confirm"]
    assert call("POST", "monitors", NEW).status_code == 201
    assert "another name or slug" in refused(call("POST", "monitors", NEW), 422)["detail"]
    refused(call("POST", "monitors", NEW | {"project": "nope"}), 404)
    refused(call("POST", "monitors", ["no", "object"]), 422)
    body = refused(call("POST", "monitors", NEW | {"name": "Leak", "token": "${WATCHPOST_SECRET_KEY}"}), 422)
    assert "only by `watchpost apply`" in body["detail"]


def test_a_token_of_another_project_sees_nothing(
    caller: Callable[..., Call], home: Monitor, blog: Project
) -> None:
    incident, other = trouble(home), caller(blog)
    window = edit.create_window(
        home.project, [], clock.now(), clock.now() + timedelta(hours=1), "", "me", clock.now()
    )
    channel = edit.create_channel(
        {"name": "ops", "kind": "hook", "url": "x", "projects": ["shop"]}, clock.now()
    )
    for method, path in [
        ("GET", f"monitors/{home.pk}"), ("PATCH", f"monitors/{home.pk}"), ("PUT", f"monitors/{home.pk}"),
        ("DELETE", f"monitors/{home.pk}"), ("POST", f"monitors/{home.pk}/pause"), ("POST", f"monitors/{home.pk}/look"),
        ("GET", f"monitors/{home.pk}/series"),
        ("GET", f"monitors/{home.pk}/observations"), ("GET", f"incidents/{incident.pk}"),
        ("POST", f"incidents/{incident.pk}/acknowledge"), ("POST", f"incidents/{incident.pk}/resolve"),
        ("DELETE", f"maintenance/{window.pk}"), ("GET", f"channels/{channel.pk}"),
        ("DELETE", f"channels/{channel.pk}"),
        ("POST", f"channels/{channel.pk}/test"), ("GET", "projects/shop"), ("DELETE", "projects/shop"),
        ("GET", "monitors?project=shop"), ("GET", "incidents?project=shop"),
        ("GET", f"incidents?monitor={home.pk}"),
    ]:  # fmt: skip
        refused(other(method, path, {} if method in ("PUT", "PATCH") else None), 404)
    refused(other("POST", "monitors", NEW), 404)
    for path in ("monitors", "incidents", "channels", "maintenance"):
        assert other("GET", path).json() == {"items": [], "next": None}
    assert [row["slug"] for row in other("GET", "projects").json()["items"]] == ["blog"]
    incident.refresh_from_db()
    assert incident.state == "open"


def test_a_read_only_token_changes_nothing(caller: Callable[..., Call], home: Monitor) -> None:
    looks = caller(None, True)
    assert looks("GET", "monitors").status_code == 200
    for method, path in [("POST", "monitors"), ("DELETE", f"monitors/{home.pk}"), ("POST", "projects")]:
        refused(looks(method, path, NEW), 403)
    assert Monitor.objects.exists()


def test_last_use_is_written_at_most_once_a_minute(call: Call) -> None:
    call("GET", "projects")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    call("GET", "projects")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    call("GET", "projects")
    assert ApiToken.objects.get().last_used_at >= first


@pytest.mark.parametrize(
    "path", ["nothing", "monitors/0x1", "monitors/99999999999999999999", "incidents/none", "", "monitors/%F0"]
)
def test_what_does_not_exist_is_a_problem_too(call: Call, path: str) -> None:
    refused(call("GET", path), 404)


def test_a_wrong_method_is_a_problem_too(call: Call) -> None:
    answer = call("DELETE", "monitors")
    refused(answer, 405)
    assert "GET" in answer["Allow"]


def test_a_bug_is_a_problem_without_details(
    call: Call, home: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchpost.api.monitors.monitor_object", lambda row: 1 / 0)
    assert "zero" not in refused(call("GET", f"monitors/{home.pk}"), 500)["detail"]


def test_pages_follow_each_other(call: Call, home: Monitor) -> None:
    for minutes in (1, 2, 2, 3, 4):
        incident = trouble(home, minutes)
        IncidentMember.objects.filter(incident=incident).update(left_at=clock.now())
    seen: list[str] = []
    path = "incidents?limit=2"
    while True:
        body = call("GET", path).json()
        seen += [item["id"] for item in body["items"]]
        if body["next"] is None:
            break
        path = f"incidents?limit=2&cursor={body['next']}"
    assert len(seen) == len(set(seen)) == 5
    began = list(
        Incident.objects.filter(pk__in=seen).order_by("-began_at", "-pk").values_list("pk", flat=True)
    )
    assert [int(pk) for pk in seen] == began
    for cursor in ("nonsense", "W10", "WzEsMl0x", "!!!", "WyJ4IiwxXQ"):
        refused(call("GET", f"incidents?cursor={cursor}"), 422)


def test_the_promised_shape_of_incidents(call: Call, home: Monitor) -> None:
    incident = trouble(home)
    old = trouble(home, 90, "resolved")
    (item,) = call("GET", "incidents?state=open").json()["items"]
    assert item.keys() >= {
        "id", "project", "title", "state", "severity", "began_at", "detected_at", "resolved_at",
        "causes", "monitors",
        "url",
    }  # fmt: skip
    assert item["monitors"] == [{"id": str(home.pk), "name": "Home", "kind": "page", "state": "new"}]
    assert item["causes"][0].keys() == {"code", "confidence", "sentence", "fix"}
    (done,) = call("GET", "incidents?state=resolved").json()["items"]
    assert (item["id"], done["id"]) == (str(incident.pk), str(old.pk))
    assert len(call("GET", f"incidents?monitor={home.pk}").json()["items"]) == 2
    assert "one of open" in refused(call("GET", "incidents?state=bad"), 422)["detail"]


def test_people_act_on_incidents(call: Call, home: Monitor) -> None:
    incident = trouble(home)
    path = f"incidents/{incident.pk}"
    taken = call("POST", f"{path}/acknowledge").json()
    assert (taken["state"], taken["acknowledged_by"]) == ("acknowledged", "ci (API)")
    assert call("GET", "incidents?state=open").json()["items"]  # unresolved
    refused(call("POST", f"{path}/acknowledge"), 409)
    assert (
        "future" in refused(call("POST", f"{path}/snooze", {"until": "2020-01-01T00:00:00Z"}), 409)["detail"]
    )
    until = (clock.now() + timedelta(hours=1)).isoformat()
    assert call("POST", f"{path}/snooze", {"until": until}).json()["snoozed_until"]
    refused(call("POST", f"{path}/snooze", {"until": "later"}), 422)
    noted = call("POST", f"{path}/notes", {"text": "on it"}).json()
    assert noted["timeline"][-1]["sentence"] == "on it"
    assert call("POST", f"{path}/resolve").json()["state"] == "resolved"
    refused(call("POST", f"{path}/resolve"), 409)


def add_look(monitor: Monitor, at: int, location: str = "local") -> None:
    Look.objects.create(
        monitor_id=monitor.pk, location=location, at=at, outcome="ok", total_ms=10, dns_ms=1,
        connect_ms=1, tls_ms=1, wait_ms=6, transfer_ms=1,
        address="192.0.2.1",
    )  # fmt: skip


def test_observations_in_pages(call: Call, home: Monitor) -> None:
    for at, location in [(1000, "a"), (2000, "a"), (2000, "b"), (2000, "c"), (3000, "a")]:
        add_look(home, at, location)
    for limit in (1, 2, 3, 5):
        seen, path = [], f"monitors/{home.pk}/observations?limit={limit}"
        body: dict[str, Any] = {"next": ""}
        while body["next"] is not None:
            body = call("GET", f"{path}&cursor={body['next']}" if body["next"] else path).json()
            seen += [(item["at"], item["location"]) for item in body["items"]]
        assert len(seen) == len(set(seen)) == 5
    assert body["items"][-1]["phases_ms"] == {"dns": 1, "connect": 1, "tls": 1, "wait": 6, "transfer": 1}


def test_series(call: Call, home: Monitor) -> None:
    add_look(home, int(clock.now().timestamp() * 1000) - 1000)
    body = call("GET", f"monitors/{home.pk}/series?step=1h").json()
    assert len(body["items"]) == 24
    assert body["items"][-1].keys() >= {
        "p50_ms", "p95_ms", "p99_ms", "n", "up", "degraded", "down", "unknown", "maintenance",
    }  # fmt: skip
    assert (body["items"][-1]["n"], body["items"][-1]["p95_ms"]) == (1, 10)
    path = f"monitors/{home.pk}/series?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"
    assert len(call("GET", f"{path}&step=3600").json()["items"]) == 24
    for wrong in (
        "step=1s",
        "step=soon",
        "step=0s",
        "from=2030-01-01T00:00:00Z&to=2029-01-01T00:00:00Z",
        "from=x",
    ):
        refused(call("GET", f"monitors/{home.pk}/series?{wrong}"), 422)


def test_projects(call: Call, caller: Callable[..., Call]) -> None:
    made = call("POST", "projects", {"name": "My shop"})
    assert made.status_code == 201
    assert made.json().keys() >= {"id", "slug", "dsn", "ping_key", "api_key"}
    assert "ping_key" not in call("GET", "projects/my-shop").json()
    refused(call("POST", "projects", {"name": "My shop"}), 422)
    refused(call("POST", "projects", {}), 422)
    assert call("PATCH", "projects/my-shop", {"name": "Shop"}).json()["name"] == "Shop"
    mine = caller(Project.objects.get())
    refused(mine("POST", "projects", {"name": "Another"}), 403)
    refused(mine("DELETE", "projects/my-shop"), 403)
    assert call("DELETE", "projects/my-shop").status_code == 204


def test_maintenance(call: Call, home: Monitor) -> None:
    end = (clock.now() + timedelta(hours=1)).isoformat()
    made = call("POST", f"monitors/{home.pk}/maintenance", {"ends_at": end, "reason": "deploy"}).json()
    assert (made["monitors"], made["created_by"]) == ([str(home.pk)], "ci (API)")
    assert call("POST", "projects/shop/maintenance", {"ends_at": end}).json()["monitors"] == []
    refused(call("POST", "projects/shop/maintenance", {"ends_at": end, "monitors": ["77"]}), 422)
    refused(call("POST", "projects/shop/maintenance", {"ends_at": "2020-01-01T00:00:00Z"}), 422)
    assert len(call("GET", "maintenance?project=shop").json()["items"]) == 2
    assert call("DELETE", f"maintenance/{made['id']}").status_code == 204
    assert MaintenanceWindow.objects.get(pk=made["id"]).ends_at <= clock.now()


def test_channels(call: Call, caller: Callable[..., Call], shop: Project, blog: Project) -> None:
    spec = {"name": "ops", "kind": "hook", "url": "https://h.example.com", "secret": "s3cret"}
    made = call("POST", "channels", spec)
    assert made.status_code == 201
    assert "s3cret" not in made.content.decode()
    path = f"channels/{made.json()['id']}"
    assert call("PATCH", path, {"min_severity": "warning"}).json()["min_severity"] == "warning"
    assert edit.channel_config_of(Channel.objects.get()).secret == "s3cret"
    assert (
        "did you mean url?"
        in refused(call("POST", "channels", spec | {"name": "b", "ulr": "x"}), 422)["detail"]
    )
    assert call("POST", f"{path}/test").json()["ok"]
    mine = caller(shop)
    refused(mine("GET", path), 404)  # it hears all
    refused(mine("POST", "channels", spec | {"name": "mine"}), 403)
    own = mine("POST", "channels", spec | {"name": "mine", "projects": ["shop"]}).json()
    refused(mine("PATCH", f"channels/{own['id']}", {"projects": None}), 403)
    call("PATCH", f"channels/{own['id']}", {"projects": ["shop", "blog"]})
    refused(mine("DELETE", f"channels/{own['id']}"), 403)
    shared = mine("GET", f"channels/{own['id']}").json()
    assert (shared["projects"], shared["spec"]) == (
        ["shop"],
        None,
    )  # blog and the address are not its to know
    assert mine("GET", "channels").json()["items"] == [shared]
    assert call("DELETE", path).status_code == 204


def test_the_docs_need_no_script(client: Client) -> None:
    page = client.get("/v1/docs")
    assert page.status_code == 200
    assert page["Content-Security-Policy"] == POLICY
    assert b"<script" not in page.content
    assert b"style" not in page.content
    schema = client.get("/v1/openapi.json").json()
    assert "/v1/monitors/{monitor_id}/series" in schema["paths"]


def test_a_list_takes_few_queries(call: Call, shop: Project, django_assert_max_num_queries: Any) -> None:
    spec = {key: value for key, value in NEW.items() if key != "project"}
    for place in range(10):
        edit.create_monitor(shop, spec | {"name": f"m{place}"}, clock.now())
    with django_assert_max_num_queries(6):
        assert len(call("GET", "monitors").json()["items"]) == 10


def test_what_is_expected_says_where(call: Call, home: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = {"code": "page.changed", "subject": "issuer", "sentence": "It is B now.", "fix": ""}
    second = edit.create_monitor(home.project, {"name": "Second", "kind": "page", "url": "x"}, clock.now())
    for each in (home, second):
        MonitorLast.objects.create(
            monitor=each, at=1, outcome="ok", total_ms=1, phases={}, address="", findings=[finding], facts={}
        )
    learn = replace(PAGE, accept=lambda baseline, *_: {**baseline, "issuer": "B"})
    monkeypatch.setattr(accept, "kinds", lambda: {"page": learn})
    path, asked = f"monitors/{home.pk}/accept", {"code": "page.changed", "subject": "issuer"}
    assert call("POST", path, asked).json()["expected_at"] == [str(home.pk), str(second.pk)]
    assert second.remarks.get().sentence == "ci (API) said at Home that this is expected: It is B now."
    assert (
        "not a matter of what is expected" in refused(call("POST", path, asked), 422)["errors"][0]["message"]
    )
