"""The states of Healthchecks and their changes, seen through its API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from tests.contract.speaking import Project
from tests.e2e.installation import wait_for


def status(shop: Project, check: dict[str, Any], v: int = 3) -> str:
    return str(shop.get(check, v)["status"])


def act(shop: Project, check: dict[str, Any], what: str) -> int:
    return shop.api("POST", f"checks/{check['uuid']}/{what}").status


def test_from_new_over_up_and_late_to_down_and_back(shop: Project) -> None:
    check = shop.quick(period="2s", grace="2s")
    assert (check["status"], check["last_ping"], check["next_ping"]) == ("new", None, None)
    shop.ping(check)
    assert status(shop, check) == "up"
    seen: list[str] = []

    def is_down() -> bool:
        seen.append(status(shop, check))
        return seen[-1] == "down"

    wait_for(is_down, 15)
    assert list(dict.fromkeys(seen)) == ["up", "grace", "down"]
    wait_for(lambda: shop.flips(check) == [1, 0], 15)  # the flip is the engine's
    assert shop.get(check)["next_ping"] is None
    shop.ping(check)
    assert status(shop, check) == "up"
    assert shop.flips(check)[:3] == [1, 0, 1]


def test_the_next_ping_of_a_period(shop: Project) -> None:
    check = shop.check(timeout=3600, grace=60)
    shop.ping(check)
    told = shop.get(check)
    last, due = (datetime.fromisoformat(told[key]) for key in ("last_ping", "next_ping"))
    assert due - last == timedelta(hours=1)
    assert told["last_ping"].endswith("+00:00")
    assert "." not in told["last_ping"]


def test_the_next_ping_of_cron_is_on_its_clock(shop: Project) -> None:
    check = shop.check(schedule="30 4 * * *", tz="Europe/Riga", grace=60)
    shop.ping(check)
    told = shop.get(check)
    last, due = (datetime.fromisoformat(told[key]) for key in ("last_ping", "next_ping"))
    local = due.astimezone(ZoneInfo("Europe/Riga"))
    assert (local.hour, local.minute) == (4, 30)
    assert timedelta() < due - last <= timedelta(hours=25)


def test_a_calendar_that_never_comes_again_stays_up(shop: Project) -> None:
    check = shop.check(schedule="2005-05-05 12:00", tz="UTC")
    shop.ping(check)
    told = shop.get(check)
    assert (told["status"], told["next_ping"]) == ("up", None)


def test_a_run_is_told_apart_from_the_status_since_v2(shop: Project) -> None:
    check = shop.check()
    shop.ping(check, "/start")
    told = shop.get(check)
    assert (told["status"], told["started"], told["last_ping"]) == ("new", True, None)
    assert told["next_ping"] is not None  # the start
    assert shop.get(check, v=2)["status"] == "new"
    assert shop.get(check, v=1)["status"] == "started"
    shop.ping(check)
    shop.ping(check, "/start")
    assert (status(shop, check), status(shop, check, v=1)) == ("up", "started")
    shop.ping(check, "/fail")
    shop.ping(check, "/start")
    assert (status(shop, check), status(shop, check, v=1)) == ("down", "started")
    assert shop.get(check)["next_ping"] is None


@pytest.mark.parametrize("before", ["new", "up", "paused"])
def test_a_run_that_does_not_end_is_down_after_its_grace(shop: Project, before: str) -> None:
    check = shop.quick(period="1h", grace="1s")
    if before == "up":
        shop.ping(check)
    if before == "paused":
        act(shop, check, "pause")
    shop.ping(check, "/start")
    wait_for(lambda: status(shop, check) == "down", 10)
    assert status(shop, check, v=1) == "down"


def test_success_and_fail_end_a_run(shop: Project) -> None:
    check, run, another = shop.check(), uuid4(), uuid4()
    shop.ping(check, f"/start?rid={run}")
    shop.ping(check, f"?rid={another}")  # success of another run: the first one goes on
    told = shop.get(check)
    assert (told["started"], told["status"], "last_duration" in told) == (True, "up", False)
    assert told["last_ping"] is not None
    shop.ping(check, f"?rid={run}")
    assert shop.get(check)["started"] is False
    shop.ping(check, f"/start?rid={run}")
    shop.ping(check, f"/fail?rid={another}")  # any failure ends it
    assert shop.get(check)["started"] is False
    shop.ping(check, f"/start?rid={run}")
    shop.ping(check)  # so does a success without a run id
    assert shop.get(check)["started"] is False


def test_log_and_ignored_change_nothing(shop: Project) -> None:
    check = shop.check()
    shop.ping(check)
    before = shop.get(check)
    shop.ping(check, "/log", "POST", b"hello")
    after = shop.get(check)
    assert after.pop("n_pings") == before.pop("n_pings") + 1
    assert after == before


def test_a_duration_is_of_the_run_that_ended(shop: Project) -> None:
    check, first, second = shop.check(), uuid4(), uuid4()
    for more in (f"/start?rid={first}", f"/start?rid={second}", f"?rid={first}", f"?rid={second}"):
        shop.ping(check, more)
    ended_second, ended_first, began_second, began_first = shop.pings(check)
    for ended, began in ((ended_first, began_first), (ended_second, began_second)):
        took = datetime.fromisoformat(ended["date"]) - datetime.fromisoformat(began["date"])
        assert ended["duration"] == round(took.total_seconds(), 2)
        assert "duration" not in began


def test_pause_and_resume(shop: Project) -> None:
    check = shop.check()
    shop.ping(check)
    shop.ping(check, "/start")
    assert act(shop, check, "pause") == 200
    told = shop.get(check)
    assert (told["status"], told["started"], told["next_ping"]) == ("paused", False, None)
    assert told["last_ping"] is not None
    assert act(shop, check, "pause") == 200  # again: nothing
    assert shop.flips(check) == [1, 0]
    assert act(shop, check, "resume") == 200
    told = shop.get(check)
    assert (told["status"], told["last_ping"], told["next_ping"]) == ("new", None, None)
    refused = shop.api("POST", f"checks/{check['uuid']}/resume")
    assert (refused.status, refused.text) == (409, "check is not paused")
    assert shop.flips(check) == [1, 0, 0]


def test_a_ping_wakes_unless_by_hand(shop: Project) -> None:
    soft, hard = shop.check(), shop.check(manual_resume=True)
    for one in (soft, hard):
        act(shop, one, "pause")
        shop.ping(one)
    assert (status(shop, soft), status(shop, hard)) == ("up", "paused")
    assert (shop.types(soft), shop.types(hard)) == (["success"], ["ign"])
    assert shop.flips(soft) == [0, 1]


def test_a_second_failure_is_no_flip(shop: Project) -> None:
    check = shop.check()
    for more in ("/fail", "/2", "", ""):
        shop.ping(check, more)
    assert shop.flips(check) == [0, 1]


def test_of_pings_a_hundred_are_shown(shop: Project) -> None:
    check = shop.check()
    for n in range(203):
        shop.ping(check, method="POST", body=f"ping {n}".encode())
    found = shop.pings(check)
    assert [one["n"] for one in found] == list(range(203, 103, -1))
    assert shop.get(check)["n_pings"] == 203
    base = f"checks/{check['uuid']}/pings"
    assert shop.api("GET", f"{base}/104/body").text == "ping 103"
    assert shop.api("GET", f"{base}/103/body").status == 404
    assert shop.api("GET", f"{base}/1/body").status == 404
