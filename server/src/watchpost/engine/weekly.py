"""The weekly letters' own thread: figures of many monitors and a slow mail server hold up nothing else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from watchpost.reports import post
from watchpost.reports.weekly import Figures

EVERY_S = 30.0
log = logging.getLogger(__name__)


class Weekly:
    """Looks every half minute whose Monday morning it has become. Runs while its engine leads."""

    def __init__(self, outbound: Any, now: Callable[[], datetime]) -> None:
        self.outbound, self.now = outbound, now
        self.closing = threading.Event()

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="weekly", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        self.closing.set()

    def _run(self) -> None:
        while not self.closing.wait(EVERY_S):
            try:
                tick(self.outbound, self.now, self.closing.is_set)
            except DatabaseError as error:
                log.error("the weekly reports wait: %s", error)
            except Exception:
                log.exception("the weekly reports failed; trying again")
            finally:
                connection.close()


def tick(outbound: Any, now: Callable[[], datetime], closing: Callable[[], bool] = lambda: False) -> int:
    """Queues who is due and sends what waits; how many letters were dealt with. Without a mail server
    nobody is queued: once there is one, reports of up to two days ago follow."""
    if not settings.WATCHPOST["EMAIL_URL"]:
        return 0
    if post.queue(now()):
        post.forget(now())
    figures, count = Figures(), 0
    while not closing() and post.send_next(outbound, now, figures):
        count += 1
    return count
