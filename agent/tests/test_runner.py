"""The background runner: deadlines that hold, what hangs, what returns late, and the end of the process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from django_watchpost.health import Check, Result, Status, ok
from django_watchpost.health.run import run_check
from django_watchpost.health.runner import Runner, Snapshot, _pause
from tests import checks_of_mine as mine


def until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    ends = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends, "it did not come to pass"
        time.sleep(0.005)


@pytest.fixture
def run() -> Iterator[Callable[..., Runner]]:
    started: list[Runner] = []

    def begin(*checks: Check) -> Runner:
        runner = Runner({one.id: one for one in checks})
        runner.start()
        started.append(runner)
        return runner

    mine.release.clear()
    mine.runs.clear()
    yield begin
    mine.release.set()
    for runner in started:
        runner.stop()


def status(runner: Runner, name: str) -> Status:
    return runner.snapshot.readings[name].result.status


def test_a_check_that_hangs_is_an_error_when_its_deadline_passes_and_others_go_on(run):
    runner = run(mine.Hangs(), mine.Fine(interval=0.5))
    began = time.monotonic()
    until(lambda: status(runner, "hangs") is Status.ERROR)
    assert 0.45 < time.monotonic() - began < 2.0
    result = runner.snapshot.readings["hangs"].result
    assert (result.code, result.message) == ("health.check_timeout", "It did not answer within 0.5 s.")
    seen = mine.runs.count("fine")
    until(lambda: mine.runs.count("fine") > seen + 1)
    assert mine.runs.count("hangs") == 1, "it is not asked again while it hangs"


def test_what_came_back_late_does_not_count_and_is_asked_again(run):
    runner = run(mine.Hangs(interval=0.5))
    until(lambda: status(runner, "hangs") is Status.ERROR)
    mine.release.set()
    until(lambda: mine.runs.count("hangs") == 2)
    until(lambda: status(runner, "hangs") is Status.OK)


def test_an_async_check_that_hangs_in_a_thread(run):
    runner = run(mine.HangsAsync(), mine.Fine())
    until(lambda: status(runner, "hangs-async") is Status.ERROR)
    assert runner.snapshot.readings["hangs-async"].result.code == "health.check_timeout"
    until(lambda: status(runner, "fine") is Status.OK)


def test_many_that_hang_leave_room_for_the_rest(run):
    stuck = [mine.Hangs(id=f"hangs-{n}", timeout=0.5) for n in range(20)]
    runner = run(*stuck, mine.Fine(interval=0.5))
    until(lambda: all(status(runner, one.id) is Status.ERROR for one in stuck), 15)
    seen = mine.runs.count("fine")
    until(lambda: mine.runs.count("fine") > seen)
    hanging = [one for one in threading.enumerate() if one.name.startswith("watchpost-health-hangs")]
    assert len(hanging) == 20, "one thread each, and no more"


def test_raising_exiting_and_nonsense_are_errors_in_words(run):
    runner = run(mine.Raises(), mine.Exits(), mine.Nonsense())
    until(lambda: runner.snapshot.knows(["raises", "exits", "nonsense"]))
    said = {name: one.result for name, one in runner.snapshot.readings.items()}
    assert said["raises"].message == "ConnectionError: redis://:[hidden]@cache:6379 refused"
    assert said["exits"].message == "SystemExit: goodbye"
    assert said["nonsense"].code == "health.check_broken"
    assert {one.status for one in said.values()} == {Status.ERROR}


def test_where_a_check_broke_off_is_logged_once_and_without_secrets(caplog):
    """The fix that the monitor gives is to look for it in the log."""
    for _ in range(3):
        run_check(mine.Raises(id="raises-for-the-log"))
    (record,) = caplog.records
    said = record.getMessage()
    assert "health check raises-for-the-log raised ConnectionError: redis://:[hidden]@cache:6379" in said
    assert 'checks_of_mine.py", line ' in said
    assert "in run\n" in said
    assert "hunter2" not in said


def test_since_is_the_beginning_of_a_state_and_not_the_last_look(run):
    runner = run(mine.Fine(interval=0.5))
    until(lambda: status(runner, "fine") is Status.OK)
    first = runner.snapshot.readings["fine"]
    until(lambda: (runner.snapshot.readings["fine"].at or first.at) > first.at)
    assert runner.snapshot.readings["fine"].since == first.since


def test_an_old_result_is_not_believed_for_ever():
    runner = Runner({"fine": mine.Fine(interval=10, timeout=5)}, monotonic=lambda: 1000.0)
    assert runner.snapshot.good_until == float("inf")
    snapshot: Snapshot = runner.snapshot
    assert snapshot.readings["fine"].good_until == 10 * 1.05 + 5 + 30


def test_what_times_out_again_and_again_is_asked_less_often_but_at_least_every_minute():
    check = mine.Hangs(interval=10)
    assert 9 < _pause(check, 0) < 11
    assert 9 < _pause(check, 1) < 11
    assert 19 < _pause(check, 2) < 22
    assert 57 <= _pause(check, 30) <= 63
    assert 285 < _pause(mine.Hangs(interval=300), 30) < 320


def test_a_machine_without_threads_is_told_and_does_not_end_the_runner(run, monkeypatch):
    class NoThread(threading.Thread):
        def start(self) -> None:
            if self.name == "watchpost-health-fine" and not allowed.is_set():
                raise RuntimeError("can't start new thread")
            super().start()

    allowed = threading.Event()
    monkeypatch.setattr("django_watchpost.health.runner.threading.Thread", NoThread)
    runner = run(mine.Fine(interval=0.5))
    until(lambda: runner.snapshot.readings["fine"].result.code == "health.no_thread")
    allowed.set()
    until(lambda: status(runner, "fine") is Status.OK)


@dataclass(kw_only=True)
class Spinning(Check):
    """Holds the interpreter most of the time, as a bad regular expression does."""

    id: str = "spinning"
    timeout: float = 0.5

    def run(self) -> Result:
        ends = time.monotonic() + 3
        while time.monotonic() < ends and not mine.release.is_set():
            pass
        return ok()


def test_a_deadline_holds_against_a_busy_loop(run):
    runner = run(Spinning())
    began = time.monotonic()
    until(lambda: status(runner, "spinning") is Status.ERROR)
    assert time.monotonic() - began < 2.5


PROGRAM = """
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
from django.conf import settings
django.setup()
settings.WATCHPOST = {"HEALTH_CHECKS": ["tests.checks_of_mine." + one for one in sys.argv[2:]]}
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
app = WSGIHandler()
def ask():
    return app.get_response(RequestFactory().get("/health/"))
"""

ENDS = (
    PROGRAM
    + """
ask()
print("asked", flush=True)
if sys.argv[1] == "exit": sys.exit(3)
if sys.argv[1] == "term":
    import signal
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
"""
)

FORKS = (
    PROGRAM
    + """
from django_watchpost.health import process
assert ask().status_code == 200
parent = process.watching()
import threading
def hold(held, over):  # the worst moment to be forked: another thread holds every lock of ours
    with parent.runner._changed, process._lock:
        held.set()
        over.wait()
for round in range(20):
    held, over = threading.Event(), threading.Event()
    holder = threading.Thread(target=hold, args=(held, over))
    holder.start()
    held.wait()
    pid = os.fork()
    if pid == 0:
        assert threading.active_count() == 1, threading.enumerate()
        assert ask().status_code == 200
        assert process.watching() is not parent
        assert "watchpost-health" in {t.name for t in threading.enumerate()}
        sys.exit(7)  # atexit, too
    over.set()
    holder.join()
    _, code = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(code) == 7, code
print("forked")
"""
)


def python(program: str, *args: str, within_s: float = 20) -> subprocess.CompletedProcess[str]:
    here = Path(__file__).parent.parent
    env = {**os.environ, "PYTHONPATH": f"{here}/src:{here}"}
    return subprocess.run(
        [sys.executable, "-c", program, *args],
        env=env,
        cwd=here,
        capture_output=True,
        text=True,
        timeout=within_s,
    )


@pytest.mark.parametrize("how", ["exit", "term"])
@pytest.mark.parametrize("check", ["Hangs", "HangsAsync"])
def test_the_end_of_the_process_waits_for_nothing_that_hangs(how, check):
    began = time.monotonic()
    done = python(ENDS, how, check, "Fine")
    assert (done.returncode, done.stdout) == (3, "asked\n"), done.stderr
    assert time.monotonic() - began < 10, "the checks hang for 30 s"


def test_each_forked_process_watches_for_itself_and_ends():
    done = python(FORKS, "", "Fine", within_s=60)
    assert done.stdout == "forked\n", done.stderr
