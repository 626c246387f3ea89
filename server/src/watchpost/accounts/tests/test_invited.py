"""Whoever invited somebody never comes in by that account's later rights."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from tests.e2e.seed import Seeded, seed

from watchpost.accounts.links import find_link, make_link
from watchpost.accounts.models import Membership, User
from watchpost.monitors.models import Project

NOW = datetime.now(UTC)
BOSS = "boss@example.com"
pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(db: None) -> Seeded:
    """An admin, and an owner of shop."""
    seeded = seed(NOW)
    Membership.objects.filter(user=seeded.viewer).update(role="owner")
    return seeded


def enter(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def invited(owner: Client) -> str:
    """The link an owner is shown for somebody who is new."""
    said = html.unescape(
        owner.post("/projects/shop/people/", {"email": BOSS, "role": "viewer"}, follow=True).content.decode()
    )
    found = re.search(r"(/signin/[\w-]+/)", said)
    assert found is not None
    return found[1]


def test_a_link_that_was_kept_is_void_once_an_admin_stands_for_the_account(seeded: Seeded) -> None:
    link = invited(enter(seeded.viewer))
    admin = enter(seeded.admin)
    said = admin.post("/settings/people/", {"email": BOSS, "role": "admin"}, follow=True).content.decode()
    assert "begins anew" in said
    assert User.objects.get(email=BOSS).is_superuser
    assert Client().get(link).status_code == 410


def test_a_password_the_inviter_set_and_his_session_end_as_well(seeded: Seeded) -> None:
    link = invited(enter(seeded.viewer))
    thief = Client()
    thief.post(link, {"password": "a long enough one"})
    assert thief.get("/").status_code == 200
    enter(seeded.admin).post("/settings/people/", {"email": BOSS, "role": "admin"})
    assert thief.get("/").status_code == 302
    assert not User.objects.get(email=BOSS).has_usable_password()


def test_another_owner_cannot_widen_an_account_nobody_stands_for(seeded: Seeded) -> None:
    link = invited(enter(seeded.viewer))
    assert Client().post(link, {"password": "a long enough one"}).status_code == 302
    Membership.objects.create(user=seeded.stranger, project=Project.objects.get(slug="billing"), role="owner")
    other = enter(seeded.stranger)
    other.post("/projects/billing/people/", {"email": BOSS, "role": "viewer"})
    assert not Membership.objects.filter(user__email=BOSS, project__slug="billing").exists()
    enter(seeded.admin).post("/settings/people/", {"email": BOSS, "role": "viewer", "project": "shop"})
    other.post("/projects/billing/people/", {"email": BOSS, "role": "viewer"})
    assert Membership.objects.filter(user__email=BOSS, project__slug="billing").exists()


def test_one_link_used_or_one_password_changed_voids_all_others(db: None) -> None:
    user = User.objects.create_user("b@example.com", "x" * 12)
    first, second, third = (make_link(user, NOW) for _ in range(3))
    assert Client().post(f"/signin/{second}/", {"password": ""}).status_code == 302
    assert find_link(first, NOW) is None
    fourth = make_link(user, NOW)
    user.set_password("another long one")
    user.save()
    assert find_link(fourth, NOW) is None
    assert find_link(third, NOW) is None


def test_an_admin_can_be_made_less_by_another_one(seeded: Seeded) -> None:
    other = User.objects.create_user("two@example.com", "x" * 12, is_superuser=True)
    admin = enter(seeded.admin)
    said = admin.post(
        "/settings/people/", {"email": other.email, "role": "viewer", "project": "shop"}, follow=True
    )
    assert b"two@example.com is viewer of shop now" in said.content
    other.refresh_from_db()
    assert not other.is_superuser
    said = admin.post("/settings/people/", {"email": seeded.admin.email, "role": "viewer"}, follow=True)
    assert "cannot take your own rights away" in html.unescape(said.content.decode())
    seeded.admin.refresh_from_db()
    assert seeded.admin.is_superuser


@pytest.mark.parametrize("given", [{"role": "king"}, {"role": "viewer", "project": "nope"}])
def test_nobody_is_made_for_a_role_or_a_project_that_is_not_there(
    seeded: Seeded, given: dict[str, str]
) -> None:
    said = enter(seeded.admin).post("/settings/people/", given | {"email": "new@example.com"}, follow=True)
    assert b"Nobody was added: there is no" in said.content
    assert not User.objects.filter(email="new@example.com").exists()
