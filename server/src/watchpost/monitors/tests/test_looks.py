"""History is read by the key it lies by: what is asked for, not all there is."""

from __future__ import annotations

import pytest
from django.db import connection

from watchpost.monitors.looks import last_looks, locations_of, looks_of, looks_of_many, newest_look_ms
from watchpost.monitors.models import Look

pytestmark = pytest.mark.django_db


def store(monitor_id: int, location: str, *moments: int) -> None:
    for at in moments:
        Look.objects.create(
            monitor_id=monitor_id, location=location, at=at, outcome="ok", total_ms=1.0, dns_ms=0.0,
            connect_ms=0.0, tls_ms=0.0, wait_ms=1.0, transfer_ms=0.0, address="",
        )  # fmt: skip


def test_places_are_found_by_seeking_from_one_to_the_next() -> None:
    store(7, "fra", 1, 2, 3)
    store(7, "ams", 2)
    store(8, "nyc", 9)
    assert locations_of(Look, 7) == ["ams", "fra"]
    assert locations_of(Look, 9) == []


def test_the_newest_come_first_whichever_place_they_are_from() -> None:
    store(7, "fra", 1, 3, 5)
    store(7, "ams", 2, 4)
    assert [(row.at, row.location) for row in last_looks(7, 3)] == [(5, "fra"), (4, "ams"), (3, "fra")]
    assert newest_look_ms(7) == 5
    assert newest_look_ms(9) is None
    assert looks_of(7).count() == 5
    assert looks_of(9).count() == 0
    store(8, "nyc", 6)
    assert looks_of_many([7, 8]).count() == 6


def test_a_time_range_of_one_place_is_read_along_the_key_and_not_sorted() -> None:
    store(7, "fra", *range(1, 50))
    rows = looks_of(7).filter(at__gte=10, at__lt=20).order_by("-at", "location")
    plan = rows.explain()
    assert rows.count() == 10
    if connection.vendor == "sqlite":
        assert "location=?" in plan
        assert "TEMP B-TREE" not in plan
