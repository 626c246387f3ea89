"""Whether a check gives back all it takes, however often it runs."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable

from django_watchpost.health.contract import Check, Status
from django_watchpost.health.run import run_check
from tests import servers


def runs_leave_nothing(
    check: Check, number: int, count: Callable[[], int], status: Status = Status.OK
) -> None:
    """Runs ``check`` as the runner does, each time in a thread of its own, and compares the server's count of
    connections, and the open files and threads of this process, before and after."""
    gc.collect()
    before = (count(), files(), servers.threads())
    wrong = []

    def once() -> None:
        result = run_check(check)
        if result.status is not status:
            wrong.append(result)

    for _ in range(number):
        thread = threading.Thread(target=once)
        thread.start()
        thread.join()
    assert not wrong, wrong[0]
    ends = time.monotonic() + 10
    while True:  # a server sees the end of a connection a moment later
        after = (count(), files(), servers.threads())
        if all(now <= then for now, then in zip(after, before, strict=True)) or time.monotonic() > ends:
            break
        time.sleep(0.05)
    assert all(now <= then for now, then in zip(after, before, strict=True)), (before, after)


def files() -> int:
    return len(os.listdir("/proc/self/fd"))
