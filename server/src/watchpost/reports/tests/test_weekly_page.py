"""The report as a page: its weeks, its switch, and that nobody sees what is not theirs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import pytest

from watchpost.accounts.models import Membership
from watchpost.core.sketch import Sketch
from watchpost.incidents.models import Incident
from watchpost.monitors.models import AliveSpan, Project, Rollup, Transition
from watchpost.reports import post
from watchpost.reports.letter import stop_token
from watchpost.reports.tests.conftest import NOW, enter, member, page, seen
from watchpost.reports.tests.test_calendar import words
from watchpost.reports.week import last_week, zone_of
from watchpost.reports.weekly import Figures

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
    Incident.objects.create(
        project=blog, environment="production", title="hidden trouble", severity=3,
        began_at=week.start + timedelta(days=1), detected_at=week.start + timedelta(days=1),
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
    assert "idden trouble" not in said
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


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Lima", "Asia/Kolkata"])
def test_a_p95_is_that_of_the_whole_week_in_every_zone(shop: Project, zone: str) -> None:
    """Days and hours together: nothing twice, nothing left out."""
    week = last_week(NOW, zone_of(zone))
    monitor = page(shop, "shop.example")
    first, hours = ceil((week.start - timedelta(days=7)).timestamp() / 3600), 14 * 24
    days: dict[int, Sketch] = {}
    of_week, before = [], []
    try:
        for hour in range(first - 48, first + hours + 48):
            at = datetime.fromtimestamp(hour * 3600, UTC)
            inside = week.start <= at < week.end
            earlier = week.start - timedelta(days=7) <= at < week.start
            values = [100.0 + hour % 97] * 30 if inside or earlier else [9000.0] * 30  # must not count
            (of_week if inside else before if earlier else []).extend(values)
            sketch = Sketch.of(values)
            Rollup.objects.bulk_create([Rollup(**_rolled(monitor.pk, 1, hour * 3_600_000, sketch))])
            day = hour // 24 * 86_400_000
            days[day] = days.get(day, Sketch()).merge(sketch)
        Rollup.objects.bulk_create([Rollup(**_rolled(monitor.pk, 2, day, one)) for day, one in days.items()])
        found = Figures().p95s(monitor, week)
        assert found == (Sketch.of(of_week).quantile(0.95), Sketch.of(before).quantile(0.95))
    finally:
        Rollup.objects.all().delete()


def _rolled(pk: int, span: int, start: int, sketch: Sketch) -> dict[str, Any]:
    return {
        "monitor_id": pk, "location": "local", "span": span, "start": start, "n": sketch.count, "failed": 0, "phases": {},
        "sketch": sketch.to_bytes(),
    }  # fmt: skip
