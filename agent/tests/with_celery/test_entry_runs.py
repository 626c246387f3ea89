"""A real Beat and a real worker: what Beat sends tells its heartbeat how it went."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.celery_stack import wait_for
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
            where, _, run = path.partition("?rid=")
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
    assert told(pinged, "beat-often")[:4] == ["start", "", "start", ""]
    wait_for(lambda: len(told(pinged, bad)) >= 2)
    assert told(pinged, bad)[:2] == ["start", "fail"]
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
