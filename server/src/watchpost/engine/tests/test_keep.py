"""Roll-ups and retention on the real database."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from watchpost.core.sketch import Sketch, percentile
from watchpost.engine import keep
from watchpost.engine.keep import DAY, HOUR, HOUR_MS, forget, roll_up
from watchpost.heartbeats.models import Flip
from watchpost.incidents.models import Channel, Delivery, Incident, TimelineEntry
from watchpost.monitors.models import Change, Fact, Look, Monitor, Project, Remark, Rollup, Transition

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 11, 3, 14, tzinfo=UTC)
T0_MS = int(T0.timestamp() * 1000)
RAW_S, ROLLUP_S = 8 * 86400.0, 400 * 86400.0
PHASES = dict(dns_ms=1.0, connect_ms=2.0, tls_ms=3.0, wait_ms=40.0, transfer_ms=5.0)


def ms(hours: float) -> int:
    """Milliseconds since the epoch, this many hours after T0."""
    return T0_MS + int(hours * HOUR_MS)


def project() -> Project:
    return Project.objects.get_or_create(
        slug="shop", defaults=dict(name="shop", dsn_key="d", ping_key="p", created_at=T0)
    )[0]


def monitor(**more: Any) -> Monitor:
    slug = f"m{Monitor.objects.count()}"
    return Monitor.objects.create(
        project=project(), slug=slug, name=slug, kind="http", config={}, created_at=T0, **more
    )


def looks(
    of: Monitor, since: float, count: int, apart_s: float = 60, location: str = "local", **more: Any
) -> None:
    values = {"outcome": "ok", "total_ms": 50.0, "address": "", **PHASES} | more
    Look.objects.bulk_create(
        Look(monitor_id=of.pk, location=location, at=ms(since) + int(n * apart_s * 1000), **values)
        for n in range(count)
    )


def roll_all(now_ms: int, most: int = 40) -> int:
    steps = 0
    while roll_up(now_ms, most):
        steps += 1
        assert steps < 500, "rolling up never ends"
    return steps


def forget_all(now: datetime) -> None:
    cursor = forget(now, RAW_S, ROLLUP_S, 0)
    while cursor:
        cursor = forget(now, RAW_S, ROLLUP_S, cursor)


def rollup(of: Monitor, span: int = HOUR, start: int = T0_MS) -> Rollup:
    return Rollup.objects.get(monitor_id=of.pk, span=span, start=start)


def raw(of: Monitor) -> int:
    return Look.objects.filter(monitor_id=of.pk).count()


def test_an_hour_holds_its_looks_its_failures_its_phases_and_percentiles_within_one_percent() -> None:
    one, dice = monitor(), random.Random(4)
    totals = [dice.lognormvariate(4, 1) for _ in range(59)]
    for n, total in enumerate(totals):
        looks(one, n / 60, 1, total_ms=total)
    looks(one, 59 / 60, 1, outcome="timeout", severity=2, total_ms=9000)
    looks(one, 1, 30)  # the next hour is none of its business
    roll_all(ms(1.1))

    row = rollup(one)
    sketch = Sketch.from_bytes(bytes(row.sketch))
    assert (row.n, row.failed, sketch.count) == (60, 1, 59)
    assert row.phases == {"dns": 59, "connect": 118, "tls": 177, "wait": 59 * 40, "transfer": 59 * 5}
    for q in (0.5, 0.95, 0.99):
        assert sketch.quantile(q) == pytest.approx(percentile(sorted(totals), q), rel=0.0101)


def test_an_answer_that_brings_the_site_down_is_a_failure_in_the_roll_up_too() -> None:
    one = monitor()
    looks(one, 0, 2, severity=2)  # a 502 is a complete answer
    looks(one, 0.5, 3, severity=1)
    roll_all(ms(1.1))
    assert (rollup(one).n, rollup(one).failed) == (5, 2)


def test_an_hour_of_nothing_but_failures_has_a_roll_up_without_percentiles() -> None:
    one = monitor()
    looks(one, 0, 20, outcome="failed", severity=2)
    roll_all(ms(1.1))
    assert (rollup(one).n, rollup(one).failed) == (20, 20)
    assert Sketch.from_bytes(bytes(rollup(one).sketch)).quantile(0.5) is None


def test_a_day_merges_its_hours_and_no_others() -> None:
    one = monitor()
    for hour in range(-15, 12):  # 14:00 is T0: from 23:00 the day before to 01:00 the day after
        looks(one, hour, 2, total_ms=100.0 + hour, outcome="ok" if hour else "failed")
    roll_all(ms(13))
    day = rollup(one, DAY, ms(-14))
    assert (day.n, day.failed) == (48, 2)
    assert Sketch.from_bytes(bytes(day.sketch)).count == 46
    assert day.phases["wait"] == 46 * 40
    assert rollup(one, DAY, ms(10)).n == 4


def test_locations_are_rolled_up_apart() -> None:
    one = monitor()
    for n, location in enumerate(("fra", "local", "nyc"), start=1):
        looks(one, 0, n, location=location)
    roll_all(ms(1.1))
    rows = Rollup.objects.filter(span=HOUR).order_by("location").values_list("location", "n")
    assert list(rows) == [("fra", 1), ("local", 2), ("nyc", 3)]


def test_an_hour_is_left_alone_until_it_is_over_and_five_minutes_more() -> None:
    looks(monitor(), 0, 10)
    assert roll_up(ms(1.08)) == 0
    assert roll_up(ms(1.09)) == 1


def test_nothing_to_do_costs_one_small_read() -> None:
    looks(monitor(), 0, 10)
    roll_all(ms(1.1))
    with CaptureQueriesContext(connection) as queries:
        assert roll_up(ms(1.5)) == 0
    assert len(queries) == 1


def test_monitors_without_looks_do_not_stop_the_others() -> None:
    for _ in range(60):
        monitor()
    last = monitor()
    looks(last, 0, 5)
    looks(last, 1, 5)
    roll_all(ms(2.1))
    assert (rollup(last).n, rollup(last, start=ms(1)).n) == (5, 5)


def test_without_any_looks_rolling_up_ends_at_once() -> None:
    monitor()
    assert roll_up(ms(1.1)) == 0
    assert Rollup.objects.count() == 0


def test_three_days_without_a_server_cost_no_steps() -> None:
    one = monitor()
    looks(one, 0, 5)
    roll_all(ms(1.1))
    looks(one, 73, 5)
    assert roll_all(ms(74.1)) <= 3
    assert rollup(one, start=ms(73)).n == 5


def test_a_crash_between_steps_costs_nothing() -> None:
    for n in range(9):
        looks(monitor(), 0, n + 1)
    roll_up(ms(1.1), most=4)
    assert Rollup.objects.filter(span=HOUR).count() == 4
    Fact.objects.filter(pk="rolled_after").delete()  # as if the step's end was never stored
    roll_all(ms(1.1), most=4)
    rows = Rollup.objects.filter(span=HOUR).order_by("monitor_id").values_list("n", flat=True)
    assert list(rows) == list(range(1, 10))
    before = sorted(Rollup.objects.values_list("monitor_id", "span", "n", "failed"))
    Fact.objects.all().delete()  # and as if nothing was
    roll_all(ms(1.1))
    assert sorted(Rollup.objects.values_list("monitor_id", "span", "n", "failed")) == before


def test_a_step_stops_when_it_has_read_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "MOST_LOOKS", 100)
    for _ in range(4):
        looks(monitor(), 0, 60)
    assert roll_up(ms(1.1)) == 2
    roll_all(ms(1.1))
    assert Rollup.objects.filter(span=HOUR, n=60).count() == 4


def test_a_clock_that_ran_ahead_does_not_cost_the_hours_it_skipped() -> None:
    one = monitor()
    looks(one, 0, 20)
    roll_all(ms(30))  # the clock is a day ahead
    looks(one, 0.5, 20)  # it is right again: the same hour goes on
    assert roll_up(ms(0.9)) == 0
    roll_all(ms(1.1))
    assert rollup(one).n == 40


def test_a_clock_in_the_past_deletes_nothing_and_spoils_nothing() -> None:
    one = monitor()
    looks(one, 0, 20)
    roll_all(ms(1.1))
    past = T0 - timedelta(days=365)
    assert roll_up(int(past.timestamp() * 1000)) == 0
    forget_all(past)
    assert (raw(one), rollup(one).n) == (20, 20)


# ---- retention


def test_raw_looks_go_by_whole_hours_once_they_are_too_old() -> None:
    one = monitor()
    looks(one, 0, 180)
    roll_all(ms(200))
    forget_all(T0 + timedelta(seconds=RAW_S, hours=1.5))
    assert raw(one) == 120
    forget_all(T0 + timedelta(seconds=RAW_S, hours=3))
    assert raw(one) == 0
    assert Rollup.objects.filter(span=HOUR, n=60).count() == 3


def test_raw_looks_stay_until_their_hour_was_rolled_up() -> None:
    one = monitor()
    looks(one, 0, 120)
    forget_all(T0 + timedelta(seconds=RAW_S, days=5))
    assert raw(one) == 120
    roll_all(ms(1.1))
    forget_all(T0 + timedelta(seconds=RAW_S, days=5))
    assert raw(one) == 60


def test_looks_that_came_late_are_in_the_roll_up_before_they_go() -> None:
    one, late = monitor(), None
    looks(one, 0, 10)
    looks(one, 5, 10)
    roll_all(ms(6.1))
    looks(one, 0.5, 5)  # an hour that was rolled up long ago: a database that was locked, an import
    late = monitor()
    looks(late, -24, 7)  # a monitor made later, with a past
    forget_all(T0 + timedelta(seconds=RAW_S, hours=1))
    assert (raw(one), raw(late)) == (10, 0)
    assert rollup(one).n == 15
    assert rollup(one, DAY, ms(-14)).n == 25
    assert (rollup(late, start=ms(-24)).n, rollup(late, DAY, ms(-38)).n) == (7, 7)


def test_a_roll_up_is_never_replaced_by_what_is_left_of_its_hour() -> None:
    one = monitor()
    looks(one, 0, 60)
    roll_all(ms(1.1))
    Look.objects.filter(at__gte=ms(0.25)).delete()
    Fact.objects.all().delete()
    roll_all(ms(1.1))
    assert rollup(one).n == 60


def test_much_that_is_too_old_goes_in_small_steps_and_nobody_waits_for_the_others() -> None:
    first, second = monitor(), monitor()
    looks(first, 0, 2400, apart_s=6)
    looks(second, 0, 60)
    roll_all(ms(5))
    now = T0 + timedelta(seconds=RAW_S, hours=4)
    assert forget(now, RAW_S, ROLLUP_S, 0) == second.pk
    assert 2400 - raw(first) == 600  # one hour: the most that was in it
    assert raw(second) == 0
    for _ in range(6):
        forget_all(now)
    assert raw(first) == 0


def test_one_transition_before_the_limit_stays() -> None:
    one = monitor()
    for days in (500, 450, 410, 300):
        at = T0 - timedelta(days=days)
        Transition.objects.create(monitor=one, at=at, began=at, before="up", after="down", reason=str(days))
    forget_all(T0)
    assert list(Transition.objects.order_by("at").values_list("reason", flat=True)) == ["410", "300"]


def test_what_people_noted_goes_with_the_rest_of_the_history() -> None:
    one = monitor()
    for days in (410, 300):
        Remark.objects.create(monitor=one, at=T0 - timedelta(days=days), sentence=str(days))
    forget_all(T0)
    assert list(Remark.objects.values_list("sentence", flat=True)) == ["300"]


def test_flips_go_with_the_roll_ups_once_they_are_handled() -> None:
    one = monitor()
    for days, handled in ((410, True), (410, False), (300, True)):
        at = ms(-24 * days)
        Flip.objects.create(monitor=one, at=at, before="up", after="down", facts={}, handled=handled)
    forget(T0, RAW_S, ROLLUP_S, 0)
    kept = Flip.objects.order_by("id").values_list("at", "handled")
    assert list(kept) == [(ms(-24 * 410), False), (ms(-24 * 300), True)]


def test_roll_ups_go_when_they_are_too_old_hours_and_days_alike() -> None:
    one = monitor()
    looks(one, 0, 10)
    looks(one, 30, 10)
    roll_all(ms(32))
    forget_all(T0 + timedelta(seconds=ROLLUP_S, hours=9))
    assert sorted(Rollup.objects.values_list("span", "start")) == [(HOUR, ms(30)), (DAY, ms(10))]


def incident(state: str, ended_days_ago: float) -> Incident:
    ended = T0 - timedelta(days=ended_days_ago)
    row = Incident.objects.create(
        project=project(), environment="production", title=state, state=state, severity=2,
        began_at=ended, detected_at=ended, resolved_at=ended if state == "resolved" else None,
    )  # fmt: skip
    channel, _ = Channel.objects.get_or_create(
        name="hook", defaults=dict(kind="webhook", config={}, created_at=T0)
    )
    Delivery.objects.create(
        delivery_id=f"{row.pk}", channel=channel, incident=row, event="opened", payload={}, created_at=ended
    )
    TimelineEntry.objects.create(incident=row, at=ended, kind="opened", sentence="It broke.")
    return row


def test_old_resolved_incidents_go_with_all_that_is_theirs_and_open_ones_never() -> None:
    gone, kept = (
        incident("resolved", 401),
        [incident("resolved", 399), incident("open", 900), incident("acknowledged", 900)],
    )
    forget_all(T0)
    assert set(Incident.objects.all()) == set(kept)
    assert not Delivery.objects.filter(delivery_id=str(gone.pk)).exists()
    assert (Delivery.objects.count(), TimelineEntry.objects.count()) == (3, 3)


def test_many_old_incidents_go_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "MOST_INCIDENTS", 3)
    for _ in range(5):
        incident("resolved", 500)
    forget_all(T0)
    assert Incident.objects.count() == 2
    forget_all(T0)
    assert Incident.objects.count() == 0


def test_announced_changes_go_after_an_hour() -> None:
    for minutes in (61, 59):
        Change.objects.create(topic="monitor", key=str(minutes), at=T0 - timedelta(minutes=minutes))
    forget_all(T0)
    assert list(Change.objects.values_list("key", flat=True)) == ["59"]


# ---- cost


def cost_of(step: Any) -> int:
    with CaptureQueriesContext(connection) as queries:
        step()
    return len(queries)


def test_a_step_costs_the_same_with_ten_times_the_monitors() -> None:
    def grow(count: int) -> None:
        for _ in range(count):
            looks(monitor(), 0, 2)

    grow(40)
    now = T0 + timedelta(seconds=RAW_S, days=2)
    few = cost_of(lambda: roll_up(ms(1.1))), cost_of(lambda: forget(now, RAW_S, ROLLUP_S, 0))
    Fact.objects.all().delete()
    Rollup.objects.all().delete()
    Look.objects.all().delete()
    Monitor.objects.all().delete()
    grow(400)
    many = cost_of(lambda: roll_up(ms(1.1))), cost_of(lambda: forget(now, RAW_S, ROLLUP_S, 0))
    assert many == few


@pytest.mark.only_on("sqlite")  # asks for its plan
def test_the_first_look_of_everybody_is_found_by_seeking_in_the_key() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN QUERY PLAN {keep.LOOKED_AT} SELECT min({keep.FIRST_LOOK}) FROM pair", [0, 100, 0]
        )
        plan = " / ".join(row[3] for row in cursor.fetchall())
    assert "SEARCH l USING PRIMARY KEY (monitor_id=? AND location=? AND at>?)" in plan
    assert "SCAN x" not in plan
    assert "SCAN l" not in plan
