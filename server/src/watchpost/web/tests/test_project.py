"""The page of a project: what it says, who may do what on it, and windows that end early."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from tests.e2e.seed import Seeded, seed

from watchpost.accounts.models import Membership, SignInLink, User
from watchpost.monitors import edit
from watchpost.monitors.models import MaintenanceWindow, Project, Transition
from watchpost.web.strips import last_day
from watchpost.web.tests.test_access import enter
from watchpost.web.words import word as state_word

NOW = datetime.now(UTC)
SHOP = "/projects/shop/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(NOW)


@pytest.fixture
def owner(seeded: Seeded) -> User:
    user = User.objects.create_user("olga@example.com", "x" * 12)
    Membership.objects.create(user=user, project=seeded.shop, role="owner")
    return user


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.unescape(answer.content.decode())).split())


def test_the_page_says_what_is_wrong_and_what_is_watched(seeded: Seeded) -> None:
    said = words(enter(seeded.admin).get(SHOP))
    for part in (
        "shop: one thing is wrong.",
        "refuses connections, every page with a basket fails",
        "2 of 4 layers",
        "Home page",
        "Basket",
        "ops-mail",
        "New switches",
        "rui@example.com",
        "dsn@localhost",
    ):
        assert part in said, part
    assert "api.billing" not in said
    empty = words(enter(seeded.admin).get("/projects/intranet/"))
    assert "Nothing is watched in intranet yet" in empty
    assert "Add an address" in empty


def test_foreign_projects_do_not_exist_and_viewers_see_no_keys(seeded: Seeded) -> None:
    assert enter(seeded.stranger).get(SHOP).status_code == 404
    said = words(enter(seeded.viewer).get(SHOP))
    assert "shop-ping" not in said
    assert "Give the role" not in said
    viewer = enter(seeded.viewer)
    member, window = Membership.objects.get(), MaintenanceWindow.objects.get()
    for path in ("people/", f"people/{member.pk}/remove/", "maintenance/"):
        assert viewer.post(SHOP + path, {"email": "x@example.com"}).status_code == 403
        assert enter(seeded.stranger).post(SHOP + path).status_code == 404
    assert viewer.post(f"/windows/{window.pk}/end/").status_code == 403
    assert enter(seeded.stranger).post(f"/windows/{window.pk}/end/").status_code == 404
    assert MaintenanceWindow.objects.exists()


def test_an_owner_adds_and_removes_people(seeded: Seeded, owner: User) -> None:
    client = enter(owner)
    answer = client.post(SHOP + "people/", {"email": "new@example.com", "role": "viewer"}, follow=True)
    assert "/signin/" in words(answer)
    assert answer["Cache-Control"] == "no-store"
    assert Membership.objects.get(user__email="new@example.com").role == "viewer"
    client.post(SHOP + "people/", {"email": "NEW@example.com", "role": "owner"})
    member = Membership.objects.get(user__email="new@example.com")
    assert member.role == "owner"
    client.post(f"{SHOP}people/{member.pk}/remove/")
    assert not Membership.objects.filter(pk=member.pk).exists()
    own = Membership.objects.get(user=owner)
    assert "cannot remove yourself" in words(client.post(f"{SHOP}people/{own.pk}/remove/", follow=True))
    assert "is not an e-mail address" in words(client.post(SHOP + "people/", {"email": "x"}, follow=True))


def test_an_owner_gets_no_link_into_an_account_of_others(seeded: Seeded, owner: User) -> None:
    invited = User.objects.create_user("invited@example.com", is_superuser=True)  # has no password yet
    answer = enter(owner).post(SHOP + "people/", {"email": invited.email, "role": "viewer"})
    assert answer.status_code == 302
    assert not SignInLink.objects.exists()


def test_windows_are_set_over_a_project_and_end_early(seeded: Seeded, owner: User) -> None:
    client, now = enter(owner), datetime.now(UTC)
    times = {"starts": f"{now:%Y-%m-%dT%H:%M}", "ends": f"{now + timedelta(hours=2):%Y-%m-%dT%H:%M}"}
    client.post(SHOP + "maintenance/", times | {"reason": "Moving"})
    window = MaintenanceWindow.objects.get(reason="Moving")
    assert not window.monitors.exists()
    assert "End it now" in words(client.get(SHOP))
    assert client.post(f"/windows/{window.pk}/end/")["Location"] == SHOP
    window.refresh_from_db()
    assert window.ends_at <= datetime.now(UTC)
    later = MaintenanceWindow.objects.get(reason="New switches")
    page = f"/monitors/{seeded.home.pk}/"
    assert "Take it back" in words(client.get(page))
    assert client.post(f"/windows/{later.pk}/end/", {"monitor": seeded.home.pk})["Location"] == page
    assert not MaintenanceWindow.objects.filter(pk=later.pk).exists()


def test_the_strip_of_the_last_day(seeded: Seeded) -> None:
    monitor = edit.create_monitor(
        seeded.shop,
        {"name": "Short", "kind": "http", "url": "https://s.example.com/"},
        NOW - timedelta(days=3),
    )
    for hours, before, after in ((6, "up", "down"), (5, "down", "up")):
        at = NOW - timedelta(hours=hours)
        Transition.objects.create(monitor=monitor, at=at, began=at, before=before, after=after, reason="x")
    strip = last_day([monitor], NOW)[monitor.pk]
    assert strip["share"] == pytest.approx(23 / 24)
    assert strip["says"] == "95.83 % up, down 1 h"
    assert [(bar["kind"], bar["x"], bar["w"]) for bar in strip["bars"]] == [
        ("", "0.00", "180.00"), ("d", "180.00", "10.00"), ("", "190.00", "50.00"),
    ]  # fmt: skip


def test_the_page_asks_little_of_the_database(seeded: Seeded, django_assert_max_num_queries: Any) -> None:
    client: Client = enter(seeded.admin)
    for number in range(30):
        spec = {"name": f"Page {number}", "kind": "http", "url": "https://s.example.com/"}
        edit.create_monitor(seeded.shop, spec, NOW)
    with django_assert_max_num_queries(32):
        assert client.get(SHOP).status_code == 200


@pytest.mark.parametrize("address", ["foo bar", "http://", "ftp://x.example/", "http://x.example:99999/"])
def test_an_address_that_will_not_do_leaves_no_project_behind(address: str) -> None:
    client = enter(User.objects.create_user("ada@example.com", "x" * 12, is_superuser=True))
    answer = client.post("/add/", {"url": address})
    assert answer.status_code == 422
    assert not Project.objects.exists()


def test_after_an_invitation_every_form_and_a_reload_still_work(seeded: Seeded) -> None:
    admin = enter(seeded.admin)
    answer: Any = admin.post(SHOP + "people/", {"email": "new@example.com", "role": "viewer"}, follow=True)
    assert answer.redirect_chain == [(SHOP, 302)]
    assert b"/signin/" in answer.content
    assert b"data-live" not in answer.content
    assert b"/signin/" not in admin.get(SHOP).content
    actions = re.findall(r'action="([^"]+)"', answer.content.decode())
    assert [action for action in actions if not action.startswith("/")] == []
    again = admin.get(SHOP + "people/", follow=True)
    assert again.redirect_chain == [(SHOP, 302)]
    assert b"/signin/" not in again.content


def test_an_action_that_was_only_opened_leads_to_its_page(seeded: Seeded) -> None:
    """Somebody acknowledged at night with a session that had run out: after signing in the address is opened."""
    admin, incident = enter(seeded.admin), f"/incidents/{seeded.incident.pk}/"
    answer = admin.get(incident + "acknowledge/", follow=True)
    assert answer.redirect_chain == [(incident, 302)]
    assert "Nothing was done by opening this address" in words(answer)
    assert "Nobody has acknowledged it yet" in words(answer)
    monitor, channel = f"/monitors/{seeded.home.pk}/", f"/channels/{seeded.channel.pk}/"
    for path in (monitor + "pause/", monitor + "maintenance/", channel + "test/", channel + "switch/"):
        assert admin.get(path, follow=True).status_code == 200, path
    assert admin.get("/windows/1/end/", follow=True).status_code == 200
    assert admin.put(incident + "acknowledge/").status_code == 405


def test_health_is_a_layer_of_its_own(seeded: Seeded) -> None:
    admin = enter(seeded.admin)
    before = words(admin.get(SHOP))
    assert "Health what the application says of itself Not watched Add its health endpoint" in before
    assert "2 monitors" in before.partition("seen from the outside")[2][:60]
    spec = {"name": "Health", "kind": "health", "url": "https://shop.example/health/"}
    edit.create_monitor(seeded.shop, spec, NOW)
    page = words(admin.get(SHOP))
    assert "3 of 4 layers" in page
    assert f"Health what the application says of itself {state_word('new')} 1 of 1 monitor" in page
    assert "2 monitors" in page.partition("seen from the outside")[2][:60]
    overview = words(admin.get("/"))
    assert "Project Uptime Health Scheduled work Alerting" in overview
    form = admin.get("/monitors/new/health/?project=shop")
    assert form.status_code == 200
    assert "Checks to leave in peace" in words(form)
