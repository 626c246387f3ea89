"""``watchpost up``: web and engine as children of one small process that imports no Django.

A child that dies is started again, later each time; children die with the supervisor, even when it is
killed, and leave SIGINT to it.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from watchpost.config.logs import log_to_stderr

log = logging.getLogger(__name__)
PR_SET_PDEATHSIG = 1
GRACE_S = 15.0
STABLE_S = 30.0
HUNG_S = 60.0


@dataclass(slots=True)
class Child:
    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    failures: int = 0
    start_at_s: float = field(default=0.0)
    pulse: Path | None = None  # a file it touches every few seconds
    touched_ns: int = 0
    alive_s: float = 0.0  # when that was last seen, by our clock, which stands still while a machine sleeps


def supervise(children: list[Child]) -> int:
    """Run until SIGTERM or SIGINT; the exit code. A child that ends with 2 (a wrong setting) ends all."""
    log_to_stderr()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    code = 0
    while not stop.is_set():
        for child in children:
            ended = _mind(child, time.monotonic())
            if ended == 2:
                code = 2
                stop.set()
        stop.wait(0.2)
    _stop_all(children)
    return code


def _mind(child: Child, now_s: float) -> int | None:
    """Start it when it is due, notice when it ended; its exit code at that moment."""
    if child.process is None:
        if now_s >= child.start_at_s:
            _start(child, now_s)
        return None
    code = child.process.poll()
    if code is None:
        _end_if_hung(child, child.process, now_s)
        return None
    child.process = None
    child.failures = 0 if now_s - child.started_s > STABLE_S else child.failures + 1
    pause_s = min(2 ** min(child.failures, 6) * 0.25, 15.0)
    child.start_at_s = now_s + pause_s
    if code != 2:
        log.error("%s %s; it is started again in %g s", child.name, _how(code), pause_s)
    return code


def _end_if_hung(child: Child, process: subprocess.Popen[bytes], now_s: float) -> None:
    """A process that is there and does nothing is worse than none: nobody would notice."""
    if child.pulse is None:
        return
    touched_ns = _touched_ns(child)
    if touched_ns != child.touched_ns:
        child.touched_ns, child.alive_s = touched_ns, now_s
    started = child.alive_s > child.started_s  # before, it may be migrating for as long as that takes
    if started and now_s - child.alive_s > HUNG_S:
        log.error("%s has not moved for %g s; it is killed", child.name, HUNG_S)
        process.kill()


def _touched_ns(child: Child) -> int:
    try:
        return child.pulse.stat().st_mtime_ns if child.pulse else 0
    except OSError:  # not made yet
        return 0


def _how(code: int) -> str:
    """Popen's code: a signal is negative."""
    if code >= 0:
        return f"ended with {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _start(child: Child, now_s: float) -> None:
    parent = os.getpid()

    def die_with_parent() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        end_with_parent(parent)

    child.process = subprocess.Popen(child.command, preexec_fn=die_with_parent)
    child.started_s = now_s
    child.touched_ns = _touched_ns(child)


def end_with_parent(parent: int, number: int = signal.SIGTERM) -> None:
    """The kernel sends us ``number`` when the parent dies, however it dies. Forks do not inherit it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)


def _stop_all(children: list[Child]) -> None:
    alive = [child.process for child in children if child.process is not None]
    for process in alive:
        process.terminate()
    deadline = time.monotonic() + GRACE_S
    for process in alive:
        try:
            process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
