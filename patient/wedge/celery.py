"""Reaches into Beat and the workers: a tick that waits, a worker whose consumer is gone."""

import threading
import time
from typing import Any

from celery import signals

from patient.wedge.rules import rules

_STEP_S = 0.2


def connect() -> None:
    signals.beat_init.connect(_on_beat, weak=False)
    signals.worker_ready.connect(_on_worker, weak=False)


def _is_wanted(what: str) -> bool:
    return any(rule.get("does") == what for rule in rules().values())


def _on_beat(sender: Any, **_: Any) -> None:
    """``{"does": "hold_beat"}``: Beat waits within its tick, as for a broker that does not answer."""
    tick = sender.scheduler.tick

    def wait_and_tick(*args: Any, **more: Any) -> Any:
        while _is_wanted("hold_beat"):
            time.sleep(_STEP_S)
        return tick(*args, **more)

    sender.scheduler.tick = wait_and_tick


def _on_worker(sender: Any, **_: Any) -> None:
    """``{"does": "deafen"}``: the worker lives, and asks the broker for nothing any more, as after a broken
    connection that was not resumed (celery/celery#7276)."""

    def follow() -> None:
        is_deaf = False
        while True:
            time.sleep(_STEP_S)
            if is_deaf != _is_wanted("deafen"):
                is_deaf = not is_deaf
                consumer = sender.task_consumer
                sender.call_soon(consumer.cancel if is_deaf else consumer.consume)

    threading.Thread(target=follow, daemon=True).start()
