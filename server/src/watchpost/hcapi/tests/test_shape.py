"""Checks, pings and flips as JSON, and the metrics: by tables."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from watchpost.core.heartbeat import Beat, Status
from watchpost.hcapi.exposition import write_metrics
from watchpost.hcapi.shape import Check, Logged, check_object, durations, flip_object, ping_object
from watchpost.kinds.heartbeat.config import HeartbeatConfig

CODE, BADGE = UUID("803f680d-e89b-492b-82ef-2be7b774a92d"), UUID("102eaa82-a274-4b15-a499-c1bb6bbcd7b6")
NOON = datetime(2026, 3, 2, 12, 0, 0, 123_000, tzinfo=UTC)
HOUR = timedelta(hours=1)
SITE = "https://watch.example"


def check(status: str = "new", name: str = "Backup", **more: Any) -> Check:
    config = {key: more.pop(key) for key in list(more) if key in HeartbeatConfig.model_fields}
    own = HeartbeatConfig.model_validate({"period": 3600, "grace": 600} | config)
    tags = more.pop("tags", ())
    return Check(CODE, BADGE, name, "backup", tags, own, Beat(Status(status), **more))


@pytest.mark.parametrize(
    ("one", "after", "v1", "v3", "started", "next_ping"),
    [
        (check(), HOUR * 99, "new", "new", False, None),
        (check("up", last_ping=NOON), HOUR * 0.99, "up", "up", False, NOON + HOUR),
        (check("up", last_ping=NOON), HOUR, "grace", "grace", False, NOON + HOUR),
        (check("up", last_ping=NOON), HOUR * 1.2, "down", "down", False, NOON + HOUR),
        (check("down", last_ping=NOON), HOUR * 99, "down", "down", False, None),
        (check("paused", last_ping=NOON), HOUR * 99, "paused", "paused", False, None),
        (check(last_start=NOON), HOUR * 0.1, "started", "new", True, NOON),
        (check(last_start=NOON), HOUR * 0.17, "down", "down", True, NOON),
        (check("paused", last_start=NOON), HOUR * 0.1, "started", "paused", True, NOON),
        (check("paused", last_start=NOON), HOUR * 0.17, "down", "down", True, NOON),
        (check("down", last_start=NOON), HOUR * 0.1, "started", "down", True, None),
        (check("down", last_start=NOON), HOUR * 0.17, "down", "down", True, None),
        (check("up", last_ping=NOON - HOUR * 1.1, last_start=NOON), HOUR * 0.05, "started", "grace", True,
         NOON - HOUR * 0.1),
        (check("up", last_ping=NOON, last_start=NOON, longest="2h"), HOUR * 0.9, "started", "up", True, NOON),
    ],
)  # fmt: skip
def test_states(
    one: Check, after: timedelta, v1: str, v3: str, started: bool, next_ping: datetime | None
) -> None:
    for version, status in ((1, v1), (2, v3), (3, v3)):
        told = check_object(one, NOON + after, version, SITE, "")
        assert (told["status"], told["started"]) == (status, started)
        due = None if next_ping is None else next_ping.replace(microsecond=0).isoformat()
        assert told["next_ping"] == due


def test_a_whole_check() -> None:
    one = check(
        "up", tags=("a", "b"), pings=7, last_ping=NOON, last_s=61.9, description="What", methods="POST",
        manual_resume=True, start_words="S", success_words="OK", failure_words="NO", read_subject=True,
    )  # fmt: skip
    assert check_object(one, NOON, 2, SITE, "1,2") == {
        "name": "Backup", "slug": "backup", "tags": "a b", "desc": "What", "grace": 600, "n_pings": 7,
        "status": "up", "started": False, "last_ping": "2026-03-02T12:00:00+00:00",
        "next_ping": "2026-03-02T13:00:00+00:00", "manual_resume": True, "methods": "POST", "subject": "OK",
        "subject_fail": "NO", "start_kw": "S", "success_kw": "OK", "failure_kw": "NO", "filter_subject": True,
        "filter_body": False, "filter_http_body": False, "filter_default_fail": False,
        "badge_url": f"{SITE}/b/2/{BADGE}.svg", "last_duration": 61, "uuid": str(CODE),
        "ping_url": f"{SITE}/ping/{CODE}", "update_url": f"{SITE}/api/v2/checks/{CODE}",
        "pause_url": f"{SITE}/api/v2/checks/{CODE}/pause", "resume_url": f"{SITE}/api/v2/checks/{CODE}/resume",
        "channels": "1,2", "timeout": 3600,
    }  # fmt: skip


def test_who_may_only_look_learns_no_address() -> None:
    told = check_object(check(), NOON, 3, SITE, "1", read_only=True)
    assert str(CODE) not in str(told)
    assert told["unique_key"] == hashlib.sha1(b"803f680de89b492b").hexdigest()
    assert not {"uuid", "ping_url", "update_url", "pause_url", "resume_url", "channels"} & set(told)


@pytest.mark.parametrize(
    ("config", "has", "lacks"),
    [({"schedule": "5 * * * *", "timezone": "Europe/Riga"}, {"schedule": "5 * * * *", "tz": "Europe/Riga"},
      "timeout"), ({"timezone": "Europe/Riga"}, {"timeout": 3600}, "tz")],
)  # fmt: skip
def test_a_schedule_or_a_timeout(config: dict[str, Any], has: dict[str, Any], lacks: str) -> None:
    told = check_object(check(**config), NOON, 3, SITE, "")
    assert {key: told[key] for key in has} == has
    assert lacks not in told


def log(*signs: tuple[str, str, float]) -> list[Logged]:
    """Of (sign, run, minutes), the oldest first."""
    found = [
        Logged(n, NOON + timedelta(minutes=minutes), sign, "http", "", "GET", "", run, False)
        for n, (sign, run, minutes) in enumerate(signs, 1)
    ]
    return found[::-1]


@pytest.mark.parametrize(
    ("signs", "took"),
    [
        ([("start", "", 0), ("success", "", 1)], {2: 60.0}),
        ([("start", "a", 0), ("start", "b", 1), ("success", "a", 2), ("fail", "b", 6)], {3: 120.0, 4: 300.0}),
        ([("start", "", 0), ("success", "a", 1), ("success", "", 2)], {3: 120.0}),
        ([("start", "", 0), ("success", "", 1), ("success", "", 2)], {2: 60.0}),
        (
            [("start", "", 0), ("start", "", 1), ("log", "", 2), ("ign", "", 2), ("success", "", 3)],
            {5: 120.0},
        ),
        ([("start", "", 0), ("success", "", 72 * 60 - 1)], {2: 72 * 3600 - 60.0}),
        ([("start", "", 0), ("success", "", 72 * 60)], {}),
        ([("success", str(n), n) for n in range(12)], {}),
    ],
)
def test_durations(signs: list[tuple[str, str, float]], took: dict[int, float]) -> None:
    assert durations(log(*signs)) == took


def test_a_ping() -> None:
    full = Logged(3, NOON, "fail", "https", "1.2.3.4", "POST", "curl", str(BADGE), True)
    assert ping_object(full, 1.25, CODE, 3, SITE) == {
        "type": "fail", "date": "2026-03-02T12:00:00.123000+00:00", "n": 3, "scheme": "https",
        "remote_addr": "1.2.3.4", "method": "POST", "ua": "curl", "rid": str(BADGE),
        "body_url": f"{SITE}/api/v3/checks/{CODE}/pings/3/body", "duration": 1.25,
    }  # fmt: skip
    bare = ping_object(Logged(1, NOON, "success", "http", "", "GET", "", "", False), None, CODE, 1, SITE)
    assert (bare["rid"], bare["body_url"], bare["remote_addr"], "duration" in bare) == (
        None,
        None,
        None,
        False,
    )


@pytest.mark.parametrize(("after", "up"), [("up", 1), ("down", 0), ("paused", 0), ("new", 0)])
def test_flips(after: str, up: int) -> None:
    assert flip_object(NOON, after) == {"timestamp": "2026-03-02T12:00:00+00:00", "up": up}


def test_metrics() -> None:
    odd = check("down", name='Line 1\n"2"\\', tags=("A\\C", "web"))
    runs = check("up", name="runs", tags=("web", "ok"), last_ping=NOON - HOUR, last_start=NOON)
    lines = write_metrics([odd, runs, check("paused", name="")], NOON).splitlines()
    key = f'unique_key="{odd.unique_key}"'
    first = f'{{name="Line 1\\n\\"2\\"\\\\", tags="A\\\\C web", {key}}}'
    second, third = f'{{name="runs", tags="web ok", {key}}}', f'{{name="", tags="", {key}}}'
    for name, values in (
        ("up", (0, 1, 1)),
        ("started", (0, 1, 0)),
        ("grace", (0, 1, 0)),
        ("paused", (0, 0, 1)),
    ):
        expected = [f"hc_check_{name}{label} {value}"
                    for label, value in zip((first, second, third), values, strict=True)]  # fmt: skip
        assert [line for line in lines if line.startswith(f"hc_check_{name}{{")] == expected
        assert f"# TYPE hc_check_{name} gauge" in lines
    assert [line for line in lines if line.startswith("hc_tag")] == [
        'hc_tag_up{tag="A\\\\C"} 0', 'hc_tag_up{tag="ok"} 1', 'hc_tag_up{tag="web"} 0',
    ]  # fmt: skip
    assert lines[-1] == "hc_checks_down_total 1"
    assert "hc_checks_total 3" in lines


def test_time_in_which_nobody_listened_is_no_miss() -> None:
    late = check("up", last_ping=NOON)  # down at 70 minutes
    runs = check("up", period="3h", last_ping=NOON, last_start=NOON + HOUR)  # the same
    minutes = [NOON + timedelta(minutes=n) for n in range(100)]
    for one in (late, runs):
        assert one.status(minutes[71]) == "down"
        assert one.with_absence([]).status(minutes[71]) == "down"
        assert one.with_absence([(minutes[10], minutes[20])]).status(minutes[71]) == "down"
        away = one.with_absence([(minutes[65], minutes[75])])
        assert away.status(minutes[74]) != "down"
        assert away.status(minutes[80]) == "down"
