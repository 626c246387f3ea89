"""What a piece of work tells of itself, and that it never costs the application more than its second."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import BaseCommand

from django_watchpost import heartbeat
from django_watchpost.conf import read_conf
from django_watchpost.doctor import standing
from django_watchpost.health.process import is_testing
from django_watchpost.heartbeats import line as line_module
from django_watchpost.heartbeats import target
from tests.pinged import Pinged

KEY = "k" * 22


@pytest.fixture
def pinged() -> Iterator[Pinged]:
    server = Pinged()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def told(monkeypatch, settings, pinged) -> None:
    """As in production, with lines of its own."""
    monkeypatch.setattr("django_watchpost.heartbeats.run.is_testing", lambda: False)
    monkeypatch.setattr(line_module, "_lines", {})
    monkeypatch.setattr(target, "_used", {})
    settings.WATCHPOST = {"PING_URL": pinged.url, "PING_KEY": KEY}


def test_a_function_that_succeeds(pinged):
    @heartbeat("nightly")
    def work(a, *, b):
        """Adds."""
        return a + b

    assert work(1, b=2) == 3
    assert (work.__name__, work.__doc__) == ("work", "Adds.")
    assert pinged.pings() == ["nightly/start", "nightly"]  # told when it returns
    (_, first, _), (_, last, body) = pinged.heard
    assert re.fullmatch(re.escape(first.partition("?")[2]) + r"&took_ms=\d{1,3}", last.partition("?")[2])
    assert re.fullmatch(rf"/ping/{KEY}/nightly/start\?rid=[0-9a-f-]{{36}}&create=1", first)
    assert re.fullmatch(rb"Took 0\.\d s\.", body)


def test_a_failure_tells_type_and_message_and_no_values(pinged, settings):
    settings.PAYMENT_SECRET = "hunter2hunter2"
    from django_watchpost.health import scrub

    scrub._secrets.cache_clear()

    @heartbeat("nightly")
    def work():
        local = "a local value"
        raise ValueError(f"no row for {len(local)}, password=swordfish, hunter2hunter2")

    with pytest.raises(ValueError, match="no row for 13"):
        work()
    scrub._secrets.cache_clear()
    assert pinged.pings() == ["nightly/start", "nightly/fail"]
    said = pinged.bodies()[-1]
    assert re.match(
        r"Failed after 0\.\d s: ValueError: no row for 13, password=\[hidden\] \[hidden\] \(.*test_heartbeat.py:\d+\)$",
        said,
    ), said
    assert "a local value" not in said


def test_a_block_with_notes(pinged):
    with heartbeat("import", create=False) as run:
        run.note(f"{40} rows")
    assert "create" not in pinged.heard[0][1]
    assert pinged.bodies()[-1].startswith("40 rows\nTook ")


def test_coroutines_side_by_side_are_runs_of_their_own(pinged):
    together = heartbeat("together")

    @together
    async def work(fails):
        await asyncio.sleep(0.05)
        if fails:
            raise RuntimeError("no")

    async def all_of_them():
        async with together:
            return await asyncio.gather(work(False), work(True), work(False), return_exceptions=True)

    results = asyncio.run(all_of_them())
    assert [type(one) for one in results] == [type(None), RuntimeError, type(None)]
    pinged.wait(8)
    runs: dict[str, list[str]] = {}
    for _, path, _ in pinged.heard:
        runs.setdefault(path.partition("rid=")[2].partition("&")[0], []).append(
            path.split("/")[3].partition("?")[0] + "/".join(path.partition("?")[0].split("/")[4:])
        )
    assert sorted(runs.values()) == [["togetherstart", "together"]] * 3 + [["togetherstart", "togetherfail"]]


def test_a_loop_never_stands_still_for_a_ping(settings):
    with hung() as url:
        settings.WATCHPOST = {"PING_URL": url, "PING_KEY": KEY}

        async def work():
            async with heartbeat("loop"):
                pass

        began = time.monotonic()
        asyncio.run(work())
        assert time.monotonic() - began < 0.5


def test_a_management_command(pinged):
    class Clear(BaseCommand):
        def add_arguments(self, parser):
            parser.add_argument("--code", type=int)

        @heartbeat("clear")
        def handle(self, *args, **options):
            sys.exit(options.get("code"))

    for code, end in ((0, "clear"), (3, "clear/fail")):
        with pytest.raises(SystemExit):
            call_command(Clear(), code=code)
        assert pinged.pings()[-1] == end
    assert pinged.bodies()[-1].endswith("it exited with 3.")


def test_a_celery_task_and_its_retry(pinged):
    from celery import Celery
    from celery.exceptions import Retry

    app = Celery("t", broker="memory://", set_as_current=False)

    @app.task(bind=True, name="t.work")
    @heartbeat("task")
    def work(self, fails):
        if fails:
            raise Retry("later", ValueError("locked"))

    work.run(False)
    with pytest.raises(Retry):
        work.run(True)
    pinged.wait(4)
    assert pinged.pings() == ["task/start", "task", "task/start", "task/log"]
    assert work.apply_async is not None


def test_above_a_task_it_is_said_and_the_task_stays_a_task():
    from celery import Celery, shared_task

    def empty():
        pass

    app = Celery("t", set_as_current=False)
    for number, maker in enumerate((app.task, shared_task)):
        task = heartbeat(f"above-{number}")(maker(name=f"t.{number}")(empty))
        assert hasattr(task, "delay")
    said = [str(one.sentence) for one in standing(read_conf()) if one.id == "watchpost.W005"]
    assert len(said) == 2
    assert "stands above the task's decorator" in said[0]


# ---- bad days -------------------------------------------------------------------------------------


class hung:
    """A server that takes connections and says nothing."""

    def __enter__(self) -> str:
        self._socket = socket.create_server(("127.0.0.1", 0))
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def test_a_server_that_hangs_costs_a_second_once_and_then_nothing(settings):
    with hung() as url:
        settings.WATCHPOST = {"PING_URL": url, "PING_KEY": KEY}
        began = time.monotonic()
        with heartbeat("slow"):
            assert time.monotonic() - began < 0.2
        assert 0.9 < time.monotonic() - began < 1.3
        began = time.monotonic()
        for _ in range(50):
            with heartbeat("slow"):
                pass
        assert time.monotonic() - began < 0.5


def test_a_server_that_is_gone_costs_a_second_once(settings, caplog):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings.WATCHPOST = {"PING_URL": f"http://127.0.0.1:{port}", "PING_KEY": KEY}
    began = time.monotonic()
    for _ in range(20):
        with heartbeat("gone"):
            pass
    assert time.monotonic() - began < 1.5
    until(lambda: "the heartbeat 'gone' was not told" in caplog.text)
    assert KEY not in caplog.text


def test_what_was_not_taken_is_sent_again_and_in_order(pinged):
    pinged.answers = [(200, b"OK"), (503, b""), (503, b"")]
    with heartbeat("again"):
        pass
    pinged.wait(4)
    assert pinged.pings() == ["again/start", "again", "again", "again"]


def test_a_start_that_failed_never_arrives_after_its_end(pinged):
    pinged.answers = [(503, b"")]
    with heartbeat("first"):
        time.sleep(0.05)
    assert pinged.pings() == ["first/start", "first"]


def test_an_unknown_heartbeat_is_one_line_with_what_to_do(pinged, caplog):
    pinged.answers = [(404, b"not found")] * 8
    for _ in range(4):
        with heartbeat("typo", create=False):
            pass
    pinged.wait(8)
    lines = [one for one in caplog.messages if "typo" in one]
    assert len(lines) == 1
    assert "make it, or correct its slug and WATCHPOST['PING_KEY']" in lines[0]


def test_a_connection_is_kept_and_opened_anew_when_the_server_closed_it(pinged):
    for _ in range(20):
        with heartbeat("kept"):
            pass
    assert (len(pinged.heard), pinged.connections) == (40, 1)
    line = line_module.line_to(pinged.url)
    line._wire._open.sock.shutdown(socket.SHUT_RDWR)  # as a proxy that cut it
    with heartbeat("kept"):
        pass
    assert pinged.connections == 2
    assert pinged.pings()[-2:] == ["kept/start", "kept"]


def test_a_fork_has_a_line_of_its_own(pinged):
    with heartbeat("parent"):
        pass

    def child():
        with heartbeat("child"):
            pass
        os._exit(0)  # as Celery's pool does: no atexit

    with line_module.line_to(pinged.url)._more:  # whatever the parent holds at that moment
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join(10)
    assert process.exitcode == 0
    assert pinged.pings() == ["parent/start", "parent", "child/start", "child"]


def test_the_end_of_the_process_waits_for_what_nobody_waited_for(pinged):
    code = (
        "import asyncio, django; django.setup()\n"
        "from django_watchpost import heartbeat\n"
        "async def main():\n"
        "    async with heartbeat('short'): pass\n"
        "asyncio.run(main())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env=outside(pinged.url), cwd=Path(__file__).parents[1], timeout=30
    )
    assert ran.returncode == 0
    assert pinged.pings() == ["short/start", "short"]


def test_threads_tell_all_of_theirs(pinged):
    def work():
        for _ in range(10):
            with heartbeat("threads"):
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    pinged.wait(160)
    assert pinged.pings().count("threads") == 80


def test_nothing_of_ours_reaches_the_application(monkeypatch):
    def broken(*_: object, **__: object):
        raise OSError("broken")

    for name in ("Line.send", "Line.wait"):
        monkeypatch.setattr(f"django_watchpost.heartbeats.line.{name}", line_module.guard(None)(broken))
    monkeypatch.setattr("django_watchpost.heartbeats.run.read_conf", broken)
    with heartbeat("broken") as run:
        run.note("x")
    for bad in ("Bad Slug", "", "ä"):
        with heartbeat(bad):
            pass


# ---- set-up ---------------------------------------------------------------------------------------


def test_tests_are_quiet(pinged, monkeypatch):
    monkeypatch.setattr("django_watchpost.heartbeats.run.is_testing", is_testing)
    with heartbeat("quiet"):
        pass
    time.sleep(0.1)
    assert pinged.heard == []


def test_use_without_settings_is_a_system_check(settings):
    settings.WATCHPOST = {}
    assert not [one for one in standing(read_conf()) if one.id == "watchpost.W004"]
    heartbeat("nightly")
    (found,) = [one for one in standing(read_conf()) if one.id == "watchpost.W004"]
    assert found.sentence == "Nobody is told of the heartbeats nightly: WATCHPOST has no PING_URL."
    assert "PING_KEY" in found.fix


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"PING_URL": "watchpost.example"}, "['PING_KEY']: must be the address of the server"),
        ({"PING_URL": "https://w.example"}, "['PING_KEY']: is missing: the ping key of the project"),
        ({"PING_KEY": KEY}, "['PING_URL']: must be the address of the server"),
        ({"PING_URL": "https://w.example", "PING_KEY": "a/b"}, "holds no ping key"),
        ({"PING_URL": 3, "PING_KEY": KEY}, "['PING_URL']: must be a text, not int"),
        ({"HEARTBEATS": {"x": {"grace": 1}}}, "must be False, or {'grace': seconds}"),
        ({"HEARTBEATS": {"x": {}}}, "must be False, or {'grace': seconds}"),
        ({"HEARTBEATS": {"x": {"depends_on": []}}}, "or {'depends_on': 'health'} with the slugs"),
        ({"HEARTBEATS": {"x": {"depends_on": 5}}}, "or {'depends_on': 'health'} with the slugs"),
        (
            {"HEARTBEATS": {"x": {"grace": 60, "depend_on": "health"}}},
            "or {'depends_on': 'health'} with the slugs",
        ),
        ({"PING_URI": "x"}, "did you mean PING_URL?"),
    ],
)
def test_settings_that_cannot_be_used(given, says):
    assert any(says in str(one) for one in read_conf(given).problems), read_conf(given).problems


@pytest.mark.parametrize(
    "url",
    [
        "https://w.example/a",
        "https://w.example/a/",
        "https://w.example/a/ping",
        f"https://w.example/a/ping/{KEY}",
    ],
)
def test_addresses(url):
    conf = read_conf({"PING_URL": url, "PING_KEY": "" if KEY in url else KEY})
    assert conf.problems == ()
    assert (
        conf.ping.url + conf.ping.path("s", "start", "r", True)
        == f"https://w.example/a/ping/{KEY}/s/start?rid=r&create=1"
    )


def outside(url: str) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.shop.settings",
        "SHOP_WATCHPOST": f'{{"PING_URL": "{url}", "PING_KEY": "{KEY}"}}',
        "PYTHONPATH": "src:.",
    }


def until(holds, within_s: float = 10) -> None:
    ends = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends, "did not come true"
        time.sleep(0.02)
