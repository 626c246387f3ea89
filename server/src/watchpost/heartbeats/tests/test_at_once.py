"""A ping and an edit of its heartbeat at the same moment: each is stored, and neither waits for the other for
ever. Only where two may write at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction

from watchpost.core.heartbeat import Ping, Sign
from watchpost.heartbeats.models import Flip, Heartbeat
from watchpost.heartbeats.rows import hold_row
from watchpost.heartbeats.store import Incoming, store_pings
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, MonitorLast, MonitorState

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("postgresql")]


@pytest.fixture
def one() -> Heartbeat:
    project = edit.create_project("Shop", NOON)
    monitor = edit.create_monitor(project, {"kind": "heartbeat", "name": "Backup"}, NOON)
    return Heartbeat.objects.get(pk=monitor.pk)


@pytest.fixture
def beside() -> Iterator[Callable[[Callable[[], Any]], Future[Any]]]:
    """Does something on a connection of its own; returns once it waits for a lock."""

    def closing(do: Callable[[], Any]) -> Any:
        try:
            return do()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:

        def start(do: Callable[[], Any]) -> Future[Any]:
            future = thread.submit(closing, do)
            ends = time.monotonic() + 10
            while not (_is_waited() or future.done()) and time.monotonic() < ends:
                time.sleep(0.01)
            return future

        yield start


def _is_waited() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(cursor.fetchone()[0])


def ping(one: Heartbeat) -> Incoming:
    return Incoming(Ping(NOON, Sign.SUCCESS), code=one.code)


def change(one: Heartbeat) -> object:
    monitor = Monitor.objects.get(pk=one.pk)
    spec = edit.spec_of(monitor) | {"ping_slug": "nightly", "paused": not monitor.paused}
    return edit.update_monitor(monitor, spec, NOON)


def resume(one: Heartbeat) -> object:
    return edit.set_paused(Monitor.objects.get(pk=one.pk), False, NOON)


def delete(one: Heartbeat) -> object:
    return edit.delete_monitor(Monitor.objects.get(pk=one.pk), NOON)


@pytest.mark.parametrize("do", [change, resume, delete])
def test_an_edit_waits_for_a_ping_and_no_ping_for_that_edit(
    one: Heartbeat, beside: Any, do: Callable[[Heartbeat], object]
) -> None:
    edit.set_paused(one.monitor, True, NOON)
    with transaction.atomic():
        hold_row(one.pk)  # as the pings of a batch do first
        edited = beside(lambda: do(one))
        assert [stored.outcome for stored in store_pings([ping(one)], NOON)] == ["ok"]
    edited.result(10)


def test_an_end_waits_for_the_engine_and_the_engine_for_no_end(one: Heartbeat, beside: Any) -> None:
    """The engine stores what a look came to: the last look, then the state."""
    MonitorLast.objects.create(monitor_id=one.pk, at=0, outcome="ok", total_ms=1.0, phases={}, address="")
    with transaction.atomic():
        MonitorLast.objects.select_for_update().get(pk=one.pk)
        ended = beside(lambda: delete(one))
        assert MonitorState.objects.filter(pk=one.pk).update(reason="It came.") == 1
    ended.result(10)
    assert not Monitor.objects.filter(pk=one.pk).exists()


def test_a_ping_that_waited_for_a_pause_ends_it(one: Heartbeat, beside: Any) -> None:
    with transaction.atomic():
        edit.set_paused(Monitor.objects.get(pk=one.pk), True, NOON)
        stored = beside(lambda: store_pings([ping(one)], NOON))
    assert [each.outcome for each in stored.result(10)] == ["ok"]
    flips = Flip.objects.filter(monitor=one.pk).order_by("id").values_list("before", "after")
    assert list(flips) == [("new", "paused"), ("paused", "up")]
    assert not Monitor.objects.get(pk=one.pk).paused


def test_a_ping_that_waited_for_the_end_is_unknown(one: Heartbeat, beside: Any) -> None:
    with transaction.atomic():
        edit.delete_monitor(Monitor.objects.get(pk=one.pk), NOON)
        stored = beside(lambda: store_pings([ping(one)], NOON))
    assert [each.outcome for each in stored.result(10)] == ["unknown"]
