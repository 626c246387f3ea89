"""The queue in front of the database, with the database."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection

from watchpost.core.heartbeat import Ping, Sign
from watchpost.heartbeats.models import Heartbeat
from watchpost.heartbeats.store import Incoming
from watchpost.ingest.address import Address
from watchpost.ingest.intake import Intake
from watchpost.ingest.pings import _make
from watchpost.monitors import edit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
@pytest.mark.only_on("postgresql")
def test_a_ping_after_a_restart_of_the_database_is_stored() -> None:
    project = edit.create_project("Shop", NOON)
    monitor = edit.create_monitor(project, {"kind": "heartbeat", "name": "Backup"}, NOON)
    one = Incoming(Ping(NOON, Sign.SUCCESS), code=monitor.heartbeat.code)
    intake = Intake(lambda: NOON)

    async def twice() -> list[str]:
        loop = asyncio.get_running_loop()
        before = await intake.store(one)
        await asyncio.to_thread(_cut, await loop.run_in_executor(intake._thread, _process))
        after = await intake.store(one)
        await loop.run_in_executor(intake._thread, lambda: connection.close())
        return [before.outcome, after.outcome]

    assert asyncio.run(twice()) == ["ok", "ok"]
    assert Heartbeat.objects.get(pk=monitor.pk).pings == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.only_on("postgresql")
def test_a_ping_that_makes_its_heartbeat_outlives_a_restart_of_the_database() -> None:
    """Whatever a thread did before may have left it a connection."""
    project = edit.create_project("Shop", NOON)
    where = Address(Sign.SUCCESS, key=project.ping_key, slug="nightly", create=True)
    with ThreadPoolExecutor(1) as thread:
        _cut(thread.submit(_process).result())
        assert thread.submit(_make, where, NOON).result()
    assert Heartbeat.objects.filter(slug="nightly").count() == 1


def _process() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _cut(process: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [process])
    connection.close()
