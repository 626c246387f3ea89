"""The settings: secrets are shown once, what cannot be taken back asks first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.e2e.seed import Seeded, seed

from watchpost.accounts.links import make_token
from watchpost.accounts.models import ApiToken, Membership, SignInLink, User
from watchpost.monitors.models import Project
from watchpost.web.overview import Watched, project_row
from watchpost.web.tests.test_access import enter
from watchpost.web.tests.test_project import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(datetime.now(UTC))


def test_a_reload_neither_makes_nor_shows_a_second_token(seeded: Seeded) -> None:
    admin, before = enter(seeded.admin), ApiToken.objects.count()
    made: Any = admin.post("/settings/tokens/", {"name": "ci"}, follow=True)
    assert made.redirect_chain == [("/settings/", 302)]
    assert b"wp_" in made.content
    assert made["Cache-Control"] == "no-store"
    assert b"wp_" not in admin.get("/settings/").content
    assert "Press the button again" in words(admin.get("/settings/tokens/", follow=True))
    assert ApiToken.objects.count() == before + 1


def test_a_new_link_is_shown_once(seeded: Seeded) -> None:
    admin = enter(seeded.admin)
    path = f"/settings/people/{seeded.viewer.pk}/"
    assert b"/signin/" in admin.post(path, {"do": "link"}, follow=True).content
    assert b"/signin/" not in admin.get("/settings/").content
    assert SignInLink.objects.filter(user=seeded.viewer).count() == 1


def test_revoking_and_removing_ask_first(seeded: Seeded) -> None:
    admin = enter(seeded.admin)
    make_token("ci", None, True, datetime.now(UTC))
    token, member = (
        ApiToken.objects.get(name="ci"),
        Membership.objects.get(user=seeded.viewer, project=seeded.shop),
    )
    asked = {
        f"/settings/tokens/{token.pk}/delete/": "Revoke the token ci?",
        f"/projects/shop/people/{member.pk}/remove/": f"Remove {seeded.viewer.email} from",
        f"/settings/people/{seeded.viewer.pk}/": f"Remove {seeded.viewer.email}?",
    }
    for path, question in asked.items():
        assert question in words(admin.get(path)), path
    assert ApiToken.objects.filter(pk=token.pk).exists()
    assert Membership.objects.filter(pk=member.pk).exists()
    for path in asked:
        assert admin.post(path, {"do": "remove"}).status_code == 302
    assert not ApiToken.objects.filter(pk=token.pk).exists()
    assert not User.objects.filter(pk=seeded.viewer.pk).exists()


def test_twin_tokens_are_told_apart_by_when_they_were_made(seeded: Seeded) -> None:
    make_token("ci", None, True, datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    page = words(enter(seeded.admin).get("/settings/"))
    assert "Made" in page
    assert "2 Jan" in page


def test_one_paused_monitor_does_not_pause_its_project(seeded: Seeded) -> None:
    found = [Watched(seeded.shop.pk, "production", state) for state in ("up", "up", "paused")]
    row = project_row(seeded.shop, found, [], frozenset(), datetime.now(UTC))
    assert (row["state"], row["sentence"]) == ("up", "3 monitors, 1 paused")
    row = project_row(seeded.shop, found[2:], [], frozenset(), datetime.now(UTC))
    assert (row["state"], row["sentence"]) == ("paused", "1 of 1 monitor")


def test_the_form_of_a_channel_lists_the_projects_if_there_are_any(seeded: Seeded) -> None:
    page = "/channels/new/webhook/"
    assert "One on each line. Empty: all projects. There are: " in words(enter(seeded.admin).get(page))
    Project.objects.all().delete()
    said = words(enter(seeded.admin).get(page))
    assert "One on each line. Empty: all projects. There is none yet." in said
    assert "There are:" not in said
