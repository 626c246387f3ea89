from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from django_watchpost.celery import ask, lookout
from django_watchpost.celery.stamp import stamp
from tests.celery_stack import Redis, Stack


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    yield server
    server.process.stop(signal.SIGKILL)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Makes a stack, and this process one of its web processes."""
    made: list[Stack] = []
    monkeypatch.setattr(lookout, "_FRESH_S", 0.0)
    monkeypatch.setattr(ask, "EVERY_S", 0.0)
    monkeypatch.setattr(ask, "_last", None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def make(broker: str, **more: Any) -> Stack:
        from celery import signals

        made.append(Stack(tmp_path, broker, **more))
        monkeypatch.setitem(sys.modules, "tests.celery", SimpleNamespace(app=made[-1].app))
        signals.before_task_publish.connect(stamp, weak=False, dispatch_uid="stamp")
        return made[-1]

    yield make
    for one in made:
        one.close()
    lookout._lookouts.clear()


@pytest.fixture
def stack(use: Callable[..., Stack], redis: Redis) -> Stack:
    return use(redis.url)


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "messages").mkdir()
    return {
        "data_folder_in": str(tmp_path / "messages"),
        "data_folder_out": str(tmp_path / "messages"),
        "control_folder": str(tmp_path / "control"),
    }
