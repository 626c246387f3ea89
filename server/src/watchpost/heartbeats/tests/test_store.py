"""Pings in the database: the row, the log, the flips, and what the engine is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from watchpost.core.heartbeat import Mail, Ping, Sign
from watchpost.heartbeats.addresses import exact_key, mail_addresses
from watchpost.heartbeats.models import Flip, Heartbeat
from watchpost.heartbeats.models import Ping as PingRow
from watchpost.heartbeats.rows import facts_of_row, ms_of, tell
from watchpost.heartbeats.store import Incoming, Timeout, note_timeouts, store_pings
from watchpost.monitors import edit
from watchpost.monitors.models import Change, Monitor, Project

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return edit.create_project("Shop", NOON)


def make(project: Project, name: str = "Backup", **own: Any) -> Heartbeat:
    monitor = edit.create_monitor(project, {"kind": "heartbeat", "name": name, **own}, NOON)
    return Heartbeat.objects.get(pk=monitor.pk)


def ping(one: Heartbeat, sign: str = "success", minutes: float = 0, **more: Any) -> Incoming:
    own = {key: more.pop(key) for key in ("body", "run", "method") if key in more}
    return Incoming(Ping(NOON + timedelta(minutes=minutes), Sign(sign), **own), code=one.code, **more)


def beats() -> set[str]:
    return set(Change.objects.filter(topic="beat").values_list("key", flat=True))


def test_one_batch_holds_many_of_the_same(project: Project) -> None:
    one, other = make(project), make(project, "Nightly")
    many = [ping(one, "start"), ping(other), ping(one, "success", 2, body=b"done\n"), ping(one, "log", 3)]
    assert [stored.outcome for stored in store_pings(many, NOON)] == ["ok"] * 4
    row = Heartbeat.objects.get(pk=one.pk)
    assert (row.status, row.pings, row.last_s, row.said) == ("up", 3, 120.0, "done\n")
    assert row.last_ping == ms_of(NOON + timedelta(minutes=2))
    log = PingRow.objects.filter(monitor_id=one.pk).order_by("n").values_list("n", "sign", "took_s")
    assert list(log) == [(1, "start", None), (2, "success", 120.0), (3, "log", None)]
    assert list(Flip.objects.filter(monitor=one.pk).values_list("before", "after", "why")) == [
        ("new", "up", "")
    ]
    assert beats() == {str(one.pk), str(other.pk)}


def test_a_success_that_changes_nothing_tells_the_engine_nothing(project: Project) -> None:
    one = make(project)
    store_pings([ping(one)], NOON)
    Change.objects.all().delete()
    store_pings([ping(one, minutes=1), ping(one, "log", 2)], NOON)
    assert not beats()
    store_pings([ping(one, "start", 3)], NOON)
    assert beats() == {str(one.pk)}


def test_by_slug_and_what_is_not_there(project: Project) -> None:
    one = make(project, slug="backup")
    first, second = make(project, "A", ping_slug="twice"), make(project, "B", ping_slug="twice")
    at = Ping(NOON, Sign.SUCCESS)
    asked = [
        Incoming(at, key=project.ping_key, slug="backup"),
        Incoming(at, key=project.ping_key, slug="twice"),
        Incoming(at, key="x" * 22, slug="backup"),
        Incoming(at, code=uuid4()),
        Incoming(at, code=one.code),
    ]
    outcomes = [stored.outcome for stored in store_pings(asked, NOON)]
    assert outcomes == ["ok", "ambiguous", "unknown", "unknown", "ok"]
    assert Heartbeat.objects.get(pk=one.pk).pings == 2
    assert first.pings == second.pings == 0


def test_a_ping_wakes_a_paused_one_unless_by_hand(project: Project) -> None:
    one, asleep = make(project), make(project, "Asleep", manual_resume=True)
    for each in (one, asleep):
        edit.set_paused(each.monitor, True, NOON)
    store_pings([ping(one), ping(asleep)], NOON)
    assert not Monitor.objects.get(pk=one.pk).paused
    assert Heartbeat.objects.get(pk=one.pk).status == "up"
    assert Monitor.objects.get(pk=asleep.pk).paused
    assert PingRow.objects.get(monitor_id=asleep.pk).sign == "ign"
    flips = Flip.objects.filter(monitor=one.pk).order_by("id").values_list("before", "after", "handled")
    assert list(flips) == [("new", "paused", True), ("paused", "up", False)]


def test_a_pause_ends_the_run_and_a_resume_forgets_what_was(project: Project) -> None:
    one = make(project)
    store_pings([ping(one), ping(one, "start", 1)], NOON)
    edit.set_paused(one.monitor, True, NOON)
    row = Heartbeat.objects.get(pk=one.pk)
    assert (row.last_ping, row.last_start, row.pings) == (ms_of(NOON), None, 2)
    assert facts_of_row(row)["status"] == "paused"
    edit.set_paused(one.monitor, False, NOON)
    row = Heartbeat.objects.get(pk=one.pk)
    assert (row.last_ping, facts_of_row(row)["status"]) == (None, "new")
    flips = Flip.objects.filter(handled=True).order_by("id").values_list("before", "after")
    assert list(flips) == [("up", "paused"), ("paused", "new")]


def test_the_log_keeps_the_last_hundred(project: Project) -> None:
    one = make(project)
    store_pings([ping(one, minutes=n) for n in range(250)], NOON)
    kept = PingRow.objects.filter(monitor_id=one.pk).order_by("n").values_list("n", flat=True)
    assert (kept[0], len(kept)) == (101, 150)


def test_rules_follow_an_edit(project: Project) -> None:
    one = make(project)
    store_pings([ping(one)], NOON)
    edit.update_monitor(
        one.monitor, {"kind": "heartbeat", "name": "Backup", "methods": "POST", "slug": "backup"}, NOON
    )
    store_pings([ping(one, minutes=5)], NOON)
    assert list(PingRow.objects.values_list("sign", flat=True).order_by("n")) == ["success", "ign"]


def test_the_engine_is_told_every_flip_in_order(project: Project) -> None:
    one = make(project)
    store_pings([ping(one, "fail", exit_code=3, body=b"no space"), ping(one, "success", 1)], NOON)
    [told] = tell([one.pk])
    assert [facts["status"] for _, _, facts in told.flips] == ["down", "up"]
    assert told.flips[0][2]["exit_code"] == 3
    assert told.flips[0][2]["said"] == "no space"
    assert told.facts["status"] == "up"


def test_a_ping_that_came_meanwhile_wins_over_a_miss(project: Project) -> None:
    one = make(project)
    store_pings([ping(one)], NOON)
    [told] = tell([one.pk])
    store_pings([ping(one, minutes=1)], NOON)
    note_timeouts([Timeout(one.pk, NOON, "up", told.facts)])
    assert Heartbeat.objects.get(pk=one.pk).status == "up"
    [told] = tell([one.pk])
    note_timeouts([Timeout(one.pk, NOON, "up", told.facts)])
    assert Heartbeat.objects.get(pk=one.pk).status == "down"
    assert list(Flip.objects.order_by("id").values_list("after", "why", "handled")) == [
        ("up", "", False), ("down", "timeout", True),
    ]  # fmt: skip


def test_bytes_that_no_text_has_are_kept_and_shown(project: Project) -> None:
    one = make(project)
    body = b"\x00\xff" + b"x" * 9000
    assert store_pings([ping(one, body=body)], NOON)[0].outcome == "ok"
    assert bytes(PingRow.objects.get(monitor_id=one.pk).body or b"") == body


def test_a_deleted_heartbeat_takes_its_pings_along(project: Project) -> None:
    one = make(project)
    store_pings([ping(one)], NOON)
    edit.delete_monitor(one.monitor, NOON)
    assert not PingRow.objects.exists()
    assert store_pings([ping(one)], NOON)[0].outcome == "unknown"


def test_one_whose_configuration_is_broken_costs_nobody_a_ping(project: Project) -> None:
    broken, other = make(project, "Broken"), make(project, "Other")
    Monitor.objects.filter(pk=broken.pk).update(config={"schedule": "whenever"}, revision=7)
    assert [stored.outcome for stored in store_pings([ping(broken), ping(other)], NOON)] == ["ok", "ok"]
    assert set(Heartbeat.objects.values_list("pings", flat=True)) == {1}


def test_by_code_and_by_slug_in_one_batch_is_one_heartbeat(project: Project) -> None:
    one = make(project, slug="backup")
    by_slug = Incoming(Ping(NOON, Sign.SUCCESS), key=project.ping_key, slug="backup")
    assert [stored.outcome for stored in store_pings([by_slug, ping(one), by_slug], NOON)] == ["ok"] * 3
    assert Heartbeat.objects.get(pk=one.pk).pings == 3


@pytest.mark.parametrize(
    ("mail", "said"),
    [
        (Mail(" [FAIL] Backup ", "long\ntext"), "[FAIL] Backup"),
        (Mail("", "first" + "x" * 600 + "last"), "x" * 496 + "last"),
        (Mail("s" * 600, ""), "s" * 500),
        (Mail("a\0b", ""), "ab"),
    ],
)
def test_a_mail_says_its_subject_or_the_end_of_its_text(project: Project, mail: Mail, said: str) -> None:
    one = make(project)
    store_pings([Incoming(Ping(NOON, Sign.SUCCESS, "", b"raw", mail=mail), code=one.code)], NOON)
    assert Heartbeat.objects.get(pk=one.pk).said == said


def test_ping_keys_of_mail_are_found_whatever_their_case(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(ping_key="Ab_cDefghijklmnopqrst1")
    assert exact_key("ab_cdefghijklmnopqrst1") == "Ab_cDefghijklmnopqrst1"
    assert exact_key("abxcdefghijklmnopqrst1") == "abxcdefghijklmnopqrst1"  # _ is no wildcard
    twin = edit.create_project("Twin", NOON)
    Project.objects.filter(pk=twin.pk).update(ping_key="AB_CDefghijklmnopqrst1")
    assert exact_key("ab_cdefghijklmnopqrst1") == "ab_cdefghijklmnopqrst1"  # nobody's rather than somebody's
    assert exact_key("Ab_cDefghijklmnopqrst1") == "Ab_cDefghijklmnopqrst1"


def test_mail_addresses_are_there_while_mail_is_taken(project: Project, settings: Any) -> None:
    one = make(project, ping_slug="backup")
    monitor = Monitor.objects.get(pk=one.pk)
    settings.PING_MAIL_DOMAIN = ""
    assert mail_addresses(monitor) == {}
    settings.PING_MAIL_DOMAIN = "ping.example.com"
    assert mail_addresses(monitor) == {
        "by_id": f"{one.code}@ping.example.com",
        "by_name": f"{project.ping_key}+backup@ping.example.com",
    }
