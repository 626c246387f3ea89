"""Who sees what, who may do what, and that looking at a link changes nothing."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.core import signing
from django.test import Client
from tests.e2e.seed import Seeded, seed

from watchpost.accounts.models import Membership, User
from watchpost.incidents.models import Channel, Incident
from watchpost.monitors.models import Monitor, Project

NOW = datetime.now(UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(NOW)


def enter(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def pages(seeded: Seeded) -> list[str]:
    pk, incident = seeded.home.pk, seeded.incident.pk
    return [f"/monitors/{pk}/", f"/incidents/{incident}/"]


def test_every_page_asks_who_you_are(seeded: Seeded) -> None:
    for path in ["/", "/add/", "/monitors/", "/incidents/", "/channels/", "/settings/", *pages(seeded)]:
        answer = Client().get(path)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/accounts/login/"), path


def test_a_foreign_project_does_not_exist(seeded: Seeded) -> None:
    stranger = enter(seeded.stranger)
    pk, incident = seeded.home.pk, seeded.incident.pk
    assert [stranger.get(path).status_code for path in pages(seeded)] == [404, 404]
    acts = [f"/monitors/{pk}/pause/", f"/monitors/{pk}/edit/", f"/monitors/{pk}/delete/"]
    acts += [f"/monitors/{pk}/maintenance/", f"/incidents/{incident}/acknowledge/"]
    assert {stranger.post(path).status_code for path in acts} == {404}
    for path in ("/", "/monitors/", "/incidents/"):
        assert b"Home page" not in stranger.get(path).content
        assert b"refuses" not in stranger.get(path).content


def test_a_viewer_looks_but_does_not_touch(seeded: Seeded) -> None:
    viewer = enter(seeded.viewer)
    pk, incident = seeded.home.pk, seeded.incident.pk
    assert [viewer.get(path).status_code for path in pages(seeded)] == [200, 200]
    acts = [f"/monitors/{pk}/{do}/" for do in ("pause", "edit", "delete", "maintenance")]
    acts += [f"/incidents/{incident}/{do}/" for do in ("acknowledge", "resolve", "snooze", "note")]
    for path in acts:
        answer = viewer.post(path, {"paused": "1", "text": "x"})
        assert answer.status_code == 403, path
        assert b"You may look at shop but not change it" in answer.content
    assert viewer.get("/add/").status_code == 403
    assert not Monitor.objects.get(pk=pk).paused
    assert Incident.objects.get(pk=incident).state == "open"


def test_only_admins_touch_the_installation(seeded: Seeded) -> None:
    viewer = enter(seeded.viewer)
    assert b"API tokens" not in viewer.get("/settings/").content
    for path in ("people/", "tokens/", "projects/", f"people/{seeded.admin.pk}/"):
        given = {"email": "x@example.com", "name": "x", "do": "remove"}
        assert viewer.post(f"/settings/{path}", given).status_code == 403, path
    for do in ("test", "switch", "delete", "edit"):
        assert viewer.post(f"/channels/{seeded.channel.pk}/{do}/").status_code == 403, do
    assert Channel.objects.filter(pk=seeded.channel.pk).exists()


def test_an_owner_makes_channels_for_own_projects_only(seeded: Seeded) -> None:
    Membership.objects.filter(user=seeded.viewer).update(role="owner")
    owner = enter(seeded.viewer)
    wanted = {"name": "mine", "to": "rui@example.com", "min_severity": "warning"}
    assert owner.post("/channels/new/email/", wanted).status_code == 422
    assert owner.post("/channels/new/email/", wanted | {"projects": "billing"}).status_code == 422
    assert owner.post("/channels/new/email/", wanted | {"projects": "shop"}).status_code == 302
    assert [project.slug for project in Channel.objects.get(name="mine").projects.all()] == ["shop"]


def test_a_shared_channel_does_not_name_projects_one_does_not_see(seeded: Seeded) -> None:
    channel = Channel.objects.create(
        name="both", kind="email", config={"to": ["x@example.com"]}, created_at=NOW
    )
    channel.projects.set(Project.objects.all())
    others = Project.objects.count() - 1
    viewer = enter(seeded.viewer)
    for path in ("/channels/", f"/channels/{channel.pk}/"):
        said = viewer.get(path).content.decode()
        assert "billing" not in said
        assert f"and {others} other project" in said


def test_a_signed_link_asks_before_it_acts(seeded: Seeded) -> None:
    token = signing.dumps({"incident": seeded.incident.pk, "do": "acknowledge"}, salt="incident-action")
    mail = Client()
    assert mail.get(f"/i/{token}/").status_code == 200
    assert Incident.objects.get(pk=seeded.incident.pk).state == "open"
    assert mail.post(f"/i/{token}/").status_code == 200
    incident = Incident.objects.get(pk=seeded.incident.pk)
    assert (incident.state, incident.acknowledged_by) == ("acknowledged", "Somebody with the link")
    assert b"Already acknowledged" in mail.post(f"/i/{token}/").content


@pytest.mark.parametrize("payload", [{"incident": 1, "do": "delete"}, {"do": "resolve"}, ["resolve"], 7])
def test_an_odd_link_is_gone(seeded: Seeded, payload: Any) -> None:
    assert Client().get(f"/i/{signing.dumps(payload, salt='incident-action')}/").status_code == 410
    assert Client().post(f"/i/{signing.dumps(payload, salt='other')}/").status_code == 410


def test_an_old_link_is_gone(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    token = signing.dumps({"incident": seeded.incident.pk, "do": "resolve"}, salt="incident-action")
    later = time.time() + timedelta(days=7, minutes=1).total_seconds()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert Client().post(f"/i/{token}/").status_code == 410


def test_people_act_on_an_incident(seeded: Seeded) -> None:
    admin, incident = enter(seeded.admin), seeded.incident.pk
    for do, given in (
        ("acknowledge", {}),
        ("snooze", {"for": "3600"}),
        ("note", {"text": "On it"}),
        ("resolve", {}),
    ):
        assert admin.post(f"/incidents/{incident}/{do}/", given).status_code == 302, do
    page = admin.get(f"/incidents/{incident}/").content
    assert b"On it" in page
    assert Incident.objects.get(pk=incident).state == "resolved"
    assert admin.post(f"/incidents/{incident}/explode/").status_code == 404


def test_the_first_question_makes_a_project_and_a_monitor(db: Any) -> None:
    admin = enter(User.objects.create_user("ana@example.com", "x" * 12, is_superuser=True))
    assert b"Which address shall be watched?" in admin.get("/").content
    answer = admin.post("/add/", {"url": "www.shop.example/basket", "contains": "Add to basket"})
    monitor = Monitor.objects.get()
    assert answer["Location"] == f"/monitors/{monitor.pk}/"
    assert (monitor.project.name, monitor.name) == ("shop", "www.shop.example/basket")
    assert monitor.config["url"] == "https://www.shop.example/basket"
    assert b"data-wait" in admin.get(answer["Location"]).content
    assert admin.post("/add/", {"url": "https://"}).status_code == 422
    assert Project.objects.count() == 1


def test_a_monitor_is_edited_paused_kept_and_deleted(seeded: Seeded) -> None:
    admin, pk = enter(seeded.admin), seeded.home.pk
    spec = {
        "name": "Front",
        "url": "https://x.example/",
        "interval": "5m",
        "timeout": "10s",
        "rest": "expect: {status: [200]}",
    }
    assert admin.post(f"/monitors/{pk}/edit/", spec | {"interval": "fast"}).status_code == 422
    assert admin.post(f"/monitors/{pk}/edit/", spec | {"rest": "a: ["}).status_code == 422
    assert admin.post(f"/monitors/{pk}/edit/", spec).status_code == 302
    monitor = Monitor.objects.get(pk=pk)
    assert (monitor.name, monitor.interval_s, monitor.slug) == ("Front", 300, "home-page")
    admin.post(f"/monitors/{pk}/pause/", {"paused": "1"})
    assert Monitor.objects.get(pk=pk).paused
    window = {"starts": "2031-01-01T10:00", "ends": "2031-01-01T11:00", "reason": "Move"}
    admin.post(f"/monitors/{pk}/maintenance/", window)
    assert monitor.windows.filter(reason="Move").exists()
    assert admin.get(f"/monitors/{pk}/delete/").status_code == 200
    admin.post(f"/monitors/{pk}/delete/")
    assert not Monitor.objects.filter(pk=pk).exists()


def test_secrets_are_never_shown(seeded: Seeded) -> None:
    admin = enter(seeded.admin)
    given = {
        "name": "hook",
        "url": "https://hooks.example.com/x",
        "secret": "s3cret-value",
        "min_severity": "error",
    }
    answer = admin.post("/channels/new/webhook/", given)
    assert answer.status_code == 302, answer.content
    for path in ("", "edit/"):
        assert b"s3cret-value" not in admin.get(answer["Location"] + path).content
    edited = {
        "name": "hook",
        "url": "https://hooks.example.com/y",
        "secret": "${HOOK_SECRET}",
        "min_severity": "error",
    }
    assert admin.post(answer["Location"] + "edit/", edited).status_code == 302
    assert "hooks.example.com/y" in str(Channel.objects.get(name="hook").config)


@pytest.mark.parametrize("path", ["/", "/monitors/", "/incidents/", "/channels/"])
def test_lists_need_few_queries(seeded: Seeded, path: str, django_assert_max_num_queries: Any) -> None:
    admin = enter(seeded.admin)
    with django_assert_max_num_queries(14):
        assert admin.get(path).status_code == 200


def test_nobody_told_is_said_until_something_arrived(seeded: Seeded) -> None:
    admin = enter(seeded.admin)
    assert b"Nobody will be told" not in admin.get("/").content
    Channel.objects.update(delivered_at=None)
    assert b"no message has arrived anywhere yet" in admin.get("/").content
    Channel.objects.all().delete()
    assert b"there is no channel yet" in admin.get("/").content


def test_pulse_moves_with_changes(seeded: Seeded) -> None:
    admin = enter(seeded.admin)
    before = admin.get("/pulse.json").json()["mark"]
    admin.post(f"/monitors/{seeded.home.pk}/pause/", {"paused": "1"})
    assert admin.get("/pulse.json").json()["mark"] != before


@pytest.mark.parametrize("odd", ["²", "9" * 30, "9" * 5000, "-1", "x", "\x00"])
def test_silly_numbers_are_nobodys_failure(seeded: Seeded, odd: str) -> None:
    admin, incident = enter(seeded.admin), seeded.incident.pk
    for path in ("/incidents/", "/monitors/"):
        assert admin.get(path, {"page": odd}).status_code == 200
    assert admin.post(f"/incidents/{incident}/snooze/", {"for": odd}).status_code == 302
    for moment in (odd, "9999-12-31T23:59", "0001-01-01T00:00"):
        window = {"starts": moment, "ends": "9999-12-31T23:59-14:00"}
        assert admin.post(f"/monitors/{seeded.home.pk}/maintenance/", window).status_code == 422
    assert Client().get(f"/static/watchpost/{quote(odd)}").status_code == 404


@pytest.mark.parametrize(
    "address", ["http://[::1", "http://[x]/", "http://", "https://a:b/", "http://a:99999/"]
)
def test_an_odd_first_address_is_refused_and_kept(seeded: Seeded, address: str) -> None:
    answer = enter(seeded.admin).post("/add/", {"url": address, "contains": "keep me", "project": "shop"})
    assert answer.status_code == 422
    assert b"keep me" in answer.content


def test_before_anybody_exists_the_way_in_is_the_terminal(db: Any) -> None:
    assert b"printed in the terminal" in Client().get("/accounts/login/").content
    User.objects.create_user("ana@example.com", "x" * 12)
    said = Client().get("/accounts/login/").content
    assert b"printed in the terminal" not in said
    assert b"Ask an admin" in said


def test_a_chart_without_looks_is_a_sentence(seeded: Seeded) -> None:
    export = Monitor.objects.get(name="Export")
    page = enter(seeded.admin).get(f"/monitors/{export.pk}/").content
    assert b"No look in this time." in page
    assert b"100 ms" not in page
