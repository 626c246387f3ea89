"""The report as a page: its weeks, its switch, and that nobody sees what is not theirs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from watchpost.accounts.models import Membership
from watchpost.incidents.models import Incident
from watchpost.monitors.models import AliveSpan, Project, Transition
from watchpost.reports import post
from watchpost.reports.letter import stop_token
from watchpost.reports.tests.conftest import NOW, enter, member, page, seen
from watchpost.reports.tests.test_calendar import words
from watchpost.reports.week import UTC, last_week

pytestmark = pytest.mark.django_db
PAGE = "/reports/weekly/"


def test_the_page_tells_the_week_and_the_weeks_before_it(shop: Project, blog: Project) -> None:
    week = last_week(NOW, UTC)
    AliveSpan.objects.create(started_at=NOW - timedelta(days=70), alive_at=NOW + timedelta(hours=1))
    home = seen(shop, "shop.example", "f1", 20)
    page(blog, "blog.example")
    for days, before, after in ((40, "new", "up"), (0, "up", "down")):
        at = week.start + timedelta(days=1) - timedelta(days=days)
        Transition.objects.create(monitor=home, at=at, began=at, before=before, after=after, reason="x")
    at = week.start + timedelta(days=1, minutes=90)
    Transition.objects.create(monitor=home, at=at, began=at, before="down", after="up", reason="x")
    Incident.objects.create(
        project=shop, environment="production", title="every page fails", severity=2, state="resolved", causes=[{"sentence": "No database."}],
        began_at=week.start + timedelta(days=1), detected_at=week.start + timedelta(days=1), resolved_at=at,
    )  # fmt: skip
    client = enter(member(shop))
    said = words(client.get(PAGE))
    for part in (
        "1 h 30 min of downtime, 1 incident and 1 thing ends within 60 days.",
        "99.1 % up",
        "Every page fails",
        "lasted 1 h 30 min",
        "Cause: No database.",
        "Certificate of shop.example",
    ):
        assert part in said, (part, said)
    assert "blog" not in said
    quiet = words(client.get(f"{PAGE}?week={(week.monday - timedelta(days=7)).isoformat()}"))
    assert "downtime" not in quiet
    assert "never down" in quiet
    for odd in ("2026-13-01", "1970-01-05", "x", "9999-12-27", (week.monday - timedelta(days=3)).isoformat()):
        assert "1 h 30 min of downtime" in words(client.get(f"{PAGE}?week={odd}"))


def test_who_has_nothing_reads_so(shop: Project) -> None:
    assert "Nothing of yours was watched in that week." in words(enter(member(shop)).get(PAGE))


def test_the_switch_and_the_settings_say_the_same(shop: Project) -> None:
    user = member(shop)
    client = enter(user)
    user.refresh_from_db()
    assert "You get it." in words(client.get("/settings/"))
    client.post(f"{PAGE}wish/", {"wanted": "0"})
    assert not post.wants(user)
    assert "You do not get it." in words(client.get("/settings/"))
    client.get(f"{PAGE}wish/")
    assert not post.wants(user)
    client.post(f"{PAGE}wish/", {"wanted": "1"})
    assert post.wants(user)


def test_a_link_of_somebody_who_is_gone_answers_calmly(shop: Project) -> None:
    user = member(shop)
    link = f"/reports/stop/{stop_token(user.pk)}/"
    Membership.objects.all().delete()
    user.delete()
    answer = enter(member(shop, email="eva@example.com")).post(link)
    assert answer.status_code == 200
