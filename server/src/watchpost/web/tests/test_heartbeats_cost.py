"""What the pages of heartbeats ask of the database, however many there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.e2e.beats import make, ping
from tests.e2e.seed import Seeded, seed

from watchpost.monitors.models import Monitor
from watchpost.web.tests.test_access import enter

NOW = datetime.now(UTC).replace(microsecond=0)
pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(NOW)


def _many(seeded: Seeded, count: int) -> None:
    for place in range(count):
        cron = {"schedule": f"{place % 60} {place % 24} * * *", "timezone": "Europe/Lisbon"}
        one = make(seeded.shop, f"Job {place}", NOW, **(cron if place % 2 else {"period": "1h"}))
        ping(one, NOW - timedelta(minutes=place % 80))


def _queries(client: Any, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as found:
        assert client.get(path).status_code == 200
    return len(found)


def test_no_page_asks_more_of_the_database_with_more_heartbeats(seeded: Seeded) -> None:
    client = enter(seeded.admin)
    _many(seeded, 3)
    paths = ("/heartbeats/", "/monitors/", "/projects/shop/", "/")
    few = [_queries(client, path) for path in paths]
    one = Monitor.objects.filter(kind="heartbeat").first()
    assert one is not None
    alone = _queries(client, f"/monitors/{one.pk}/")
    for minute in range(30):
        ping(one, NOW - timedelta(minutes=30 - minute), body=b"x")
    _many_more(seeded)
    assert [_queries(client, path) for path in paths] == few
    assert _queries(client, f"/monitors/{one.pk}/") <= alone + 1  # the newest output is read


def _many_more(seeded: Seeded) -> None:
    for place in range(12):
        ping(make(seeded.shop, f"More {place}", NOW), NOW)
