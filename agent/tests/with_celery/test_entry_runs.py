"""A real Beat and a real worker: what Beat sends tells its heartbeat how it went."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.celery_stack import HERE, wait_for
from tests.pinged import Pinged

KEY = "k" * 22


@pytest.fixture
def pinged() -> Iterator[Pinged]:
    server = Pinged()
    yield server
    server.close()


def told(pinged: Pinged, slug: str) -> list[str]:
    return [one.removeprefix(slug).strip("/") for one in pinged.pings() if one.split("/")[0] == slug]


def by_run(pinged: Pinged, slug: str) -> list[list[str]]:
    runs: dict[str, list[str]] = {}
    for _, path, _ in pinged.heard:
        if f"/{slug}" in path:
            where, _, query = path.partition("?")
            run = query.partition("&")[0]
            runs.setdefault(run, []).append(where.split(f"/{slug}")[1].strip("/"))
    return list(runs.values())


ENTRIES = {
    "often": {"task": "shop.fine", "schedule": 2.0},
    "Bad one": {"task": "shop.broken", "schedule": 2.0},
    "stubborn": {"task": "shop.stubborn", "schedule": 2.0},
    "killed": {"task": "shop.killed", "schedule": 5.0},
    "rare": {"task": "shop.fine", "schedule": 90_000.0},
}


def test_what_beat_sends_is_told_by_the_worker(use, redis, pinged):
    conf = {"PING_URL": pinged.url, "PING_KEY": KEY, "API_KEY": "a-key"}
    stack = use(redis.url, watchpost=conf, entries=ENTRIES)
    stack.worker()
    beat = stack.beat()
    wait_for(lambda: len(pinged.checks) == 5)
    made = {one["slug"]: one for one in pinged.checks.values()}
    bad = next(slug for slug in made if slug.startswith("beat-bad-one-"))
    assert made["beat-rare"]["timeout"] == 90_000
    assert made[bad]["name"] == "Bad one"

    wait_for(lambda: len(told(pinged, "beat-often")) >= 4)
    # Nothing was heard of it before, so Beat says that the first one is on its way.
    assert by_run(pinged, "beat-often")[0] == ["start", "start", ""]
    wait_for(
        lambda: len(by_run(pinged, "beat-often")) >= 2 and by_run(pinged, "beat-often")[1] == ["start", ""]
    )
    wait_for(lambda: len(told(pinged, bad)) >= 3)
    assert told(pinged, bad)[:3] == ["start", "start", "fail"]
    assert any("ValueError: the shelf is empty (" in body for body in pinged.bodies())
    wait_for(lambda: ["start", "log", "start", ""] in by_run(pinged, "beat-stubborn"))
    # It may be gone before its start could be sent; that it was killed is told by the worker's main process.
    wait_for(lambda: any(run[-1] == "fail" for run in by_run(pinged, "beat-killed")))
    assert any("WorkerLostError" in body for body in pinged.bodies())

    count = len(pinged.pings())
    stack.send("shop.fine")  # by hand: no entry's
    beat.send(signal.SIGKILL)
    wait_for(lambda: b"succeeded" in stack.processes[0].log.read_bytes())
    assert {one.split("/")[0] for one in pinged.pings()[count:]} <= set(made)


def test_the_first_run_of_an_entry_is_awaited_though_no_worker_takes_it(use, redis, pinged):
    """A heartbeat that never heard anything is silent: a task that never ran would be so for ever."""
    conf = {"PING_URL": pinged.url, "PING_KEY": KEY, "API_KEY": "a-key"}
    stack = use(redis.url, watchpost=conf, entries={name: ENTRIES[name] for name in ("often", "rare")})
    beat = stack.beat()
    wait_for(lambda: beat.log.read_bytes().count(b"Sending due task often") >= 3)
    assert pinged.pings() == ["beat-often/start"]
    assert pinged.bodies() == ["Beat sent it, and no worker has begun it yet."]


def test_an_entry_that_goes_is_paused_at_the_next_start_of_beat(use, redis, pinged):
    conf = {"PING_URL": pinged.url, "PING_KEY": KEY, "API_KEY": "a-key"}
    stack = use(redis.url, watchpost=conf, entries=ENTRIES)
    beat = stack.beat()
    wait_for(lambda: len(pinged.checks) == 5)
    beat.stop()
    stack.env["SHOP_ENTRIES"] = '{"often": {"task": "shop.fine", "schedule": 2.0}}'
    stack.beat("beat2")
    wait_for(lambda: sum(one["status"] == "paused" for one in pinged.checks.values()) == 4)
    assert next(one for one in pinged.checks.values() if one["name"] == "often")["status"] == "new"


def test_a_server_that_hangs_holds_up_neither_beat_nor_worker(use, redis):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as hung:
        url = f"http://127.0.0.1:{hung.getsockname()[1]}"
        entries = {"often": {"task": "shop.fine", "schedule": 1.0}}
        stack = use(redis.url, watchpost={"PING_URL": url, "PING_KEY": KEY, "API_KEY": "k"}, entries=entries)
        worker = stack.worker()
        stack.beat()
        wait_for(lambda: worker.log.read_bytes().count(b"succeeded") >= 8)


ROWS = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from datetime import timedelta
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask
far = (timezone.now() + timedelta(hours=12)).hour
cron = CrontabSchedule.objects.create(minute="30", hour=str(far), timezone="Europe/Athens")
often = IntervalSchedule.objects.create(every=10, period="minutes")
clocked = ClockedSchedule.objects.create(clocked_time=timezone.now() + timedelta(days=9))
PeriodicTask.objects.create(name="Far away", task="shop.fine", crontab=cron)
PeriodicTask.objects.create(name="often", task="shop.fine", interval=often)
PeriodicTask.objects.create(name="once", task="shop.fine", clocked=clocked, one_off=True)
PeriodicTask.objects.create(name="off", task="shop.fine", interval=often, enabled=False)
print(far)
"""


def test_a_schedule_in_the_database_is_told_as_a_whole(use, redis, pinged, tmp_path):
    """Its scheduler itself holds only what is due within the next hours."""
    stack = use(redis.url, watchpost={"PING_URL": pinged.url, "PING_KEY": KEY, "API_KEY": "a-key"})
    stack.env["SHOP_DATABASE"] = str(tmp_path / "shop.sqlite3")
    command = [sys.executable, "-c", ROWS]
    made = subprocess.run(
        command, env=stack.env, cwd=HERE, capture_output=True, text=True, check=True, timeout=60
    )
    beat = stack.beat()
    wait_for(lambda: len(pinged.checks) == 2)
    by_name = {one["name"]: one for one in pinged.checks.values()}
    assert by_name["often"]["timeout"] == 600
    far = by_name["Far away"]
    assert (far["schedule"], far["tz"]) == (f"30 {made.stdout.strip()} * * *", "Europe/Athens")
    wait_for(lambda: b"'once' does not become a heartbeat: it runs once" in beat.log.read_bytes())
