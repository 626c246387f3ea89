"""The runner of this process: one, however many applications stand in it, and a new one after a fork."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from dataclasses import dataclass

from django_watchpost.conf import Conf, Problem, read_conf
from django_watchpost.guard import log
from django_watchpost.health.find import find_checks, members, unmatched
from django_watchpost.health.runner import Runner, Snapshot


@dataclass(frozen=True)
class Watch:
    """What runs here: the runner, which ids each group sums up, and what of the settings is wrong."""

    runner: Runner
    groups: dict[str, tuple[str, ...]]
    problems: tuple[Problem, ...]


_lock = threading.Lock()
_watch: Watch | None = None


def watching() -> Watch:
    """Starts the checks of this process when it is first asked. Nothing runs before: not in a master that
    forks its workers, not in a management command, not in tests."""
    return _watch or _begin()


def _begin() -> Watch:
    global _watch
    with _lock:
        if _watch is None:
            watch = gather(read_conf())
            for problem in watch.problems:
                log.warning("%s", problem)
            watch.runner.start()
            _watch = watch
        return _watch


def gather(conf: Conf) -> Watch:
    """The checks of ``conf``, not started."""
    found = find_checks(conf)
    listed = found.checks.values()
    groups = {
        name: tuple(one for one in found.checks if one in members(listed, wanted))
        for name, wanted in conf.groups.items()
    }
    problems = (*conf.problems, *found.problems, *unmatched(listed, conf))
    return Watch(Runner(found.checks), groups, problems)


def snapshot() -> Snapshot:
    return watching().runner.snapshot


def forget() -> None:
    """Stops the checks and begins anew when asked again."""
    global _watch
    with _lock:
        if _watch is not None:
            _watch.runner.stop()
        _watch = None


def is_testing() -> bool:
    """Whether Django's or pytest's test run is under way: then there are no threads, and whoever asks the
    endpoint gets the checks run there and then, in the database of the test."""
    test = sys.modules.get("django.test.utils")
    return test is not None and hasattr(getattr(test, "_TestState", None), "saved_data")


@atexit.register
def _at_exit() -> None:
    if _watch is not None:
        _watch.runner.abandon()


def _after_fork() -> None:
    """Threads do not survive a fork, locks may be held for ever, and the results are the parent's."""
    global _lock, _watch
    _lock, _watch = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
