"""Reaches into Beat and the workers: a tick that waits, a worker whose consumer is gone."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from celery import signals
from django.conf import settings

from patient.wedge.rules import rules

_STEP_S = 0.2


def connect() -> None:
    signals.beat_init.connect(_on_beat, weak=False)
    signals.worker_ready.connect(_on_worker, weak=False)


def _is_wanted(what: str) -> bool:
    return any(rule.get("does") == what for rule in rules().values())


def _on_beat(sender: Any, **_: Any) -> None:
    """``{"does": "hold_beat"}``: Beat waits within its tick, as for a broker that does not answer.
    ``{"does": "lose_entry", "entry": name}``: Beat notes the entry as sent, and nobody ever sees the message.
    The first one goes through: of a job that never ran nobody knows when it should."""
    tick, send = sender.scheduler.tick, sender.scheduler.apply_async

    def send_or_lose(entry: Any, *args: Any, **more: Any) -> Any:
        is_lost = any(_is_lost(rule, entry) for rule in rules().values())
        return None if is_lost else send(entry, *args, **more)

    sender.scheduler.apply_async = send_or_lose

    def wait_and_tick(*args: Any, **more: Any) -> Any:
        while _is_wanted("hold_beat"):
            time.sleep(_STEP_S)
        return tick(*args, **more)

    sender.scheduler.tick = wait_and_tick


def _is_lost(rule: Mapping[str, Any], entry: Any) -> bool:
    return rule.get("does") == "lose_entry" and rule.get("entry") == entry.name and entry.total_run_count > 0


def _on_worker(sender: Any, **_: Any) -> None:
    """``{"does": "deafen"}``: the worker lives, and asks the broker for nothing any more, as after a broken
    connection that was not resumed (celery/celery#7276). A file says since when: until its loop comes round,
    two seconds at most, it still takes what comes."""
    told = Path(f"{settings.WEDGE_FILE}.deaf.{sender.hostname}")
    told.unlink(missing_ok=True)

    def deafen() -> None:
        sender.task_consumer.cancel()
        told.touch()

    def hear() -> None:
        told.unlink(missing_ok=True)
        sender.task_consumer.consume()

    def follow() -> None:
        is_deaf = False
        while True:
            time.sleep(_STEP_S)
            if is_deaf != _is_wanted("deafen"):
                is_deaf = not is_deaf
                sender.call_soon(deafen if is_deaf else hear)

    threading.Thread(target=follow, daemon=True).start()
