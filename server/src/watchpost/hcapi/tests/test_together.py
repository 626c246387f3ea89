"""Clients that ask for the same at the same moment, on connections of their own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from watchpost.hcapi.write import make_check
from watchpost.heartbeats.make import make_from_ping
from watchpost.heartbeats.models import Heartbeat
from watchpost.monitors import edit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MANY = 6
pytestmark = pytest.mark.django_db(transaction=True)


def at_once(ask: Callable[[], Any]) -> list[Any]:
    def asked(_: int) -> Any:
        try:
            return ask()
        finally:
            connection.close()

    with ThreadPoolExecutor(MANY) as many:
        return list(many.map(asked, range(MANY)))


def test_an_upsert_makes_one() -> None:
    project = edit.create_project("Shop", NOON)
    wanted = {"name": "Backup", "tags": "db", "unique": ["name", "tags"]}
    made = at_once(lambda: make_check(project, wanted, 3, NOON))
    assert sorted(new for _, new in made) == [False] * (MANY - 1) + [True]
    assert Heartbeat.objects.count() == 1


def test_pings_that_make_their_check_make_one() -> None:
    project = edit.create_project("Shop", NOON)
    assert at_once(lambda: make_from_ping(project.ping_key, "backup", NOON)) == [True] * MANY
    assert Heartbeat.objects.count() == 1


def test_twins_at_once_are_two_with_names_of_their_own() -> None:
    project = edit.create_project("Shop", NOON)
    at_once(lambda: make_check(project, {"name": "Backup", "slug": "backup"}, 3, NOON))
    assert Heartbeat.objects.filter(slug="backup").count() == MANY
    slugs = set(project.monitors.values_list("slug", flat=True))
    assert slugs == {"backup"} | {f"backup-{n}" for n in range(2, MANY + 1)}
