from __future__ import annotations

import os
import signal
import time
from typing import Any

from celery import Celery

from django_watchpost.celery import report, tasks

report.EVERY_S = float(os.environ.get("SHOP_REPORTS_EVERY", report.EVERY_S))
tasks.EVERY_S = float(os.environ.get("SHOP_ENTRY_EVERY", tasks.EVERY_S))

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name="shop.fine")
def fine() -> None:
    """Ends at once."""


@app.task(name="shop.mail")
def mail() -> None:
    """Goes to a queue of its own."""


@app.task(name="shop.nap")
def nap(seconds: float) -> None:
    time.sleep(seconds)


@app.task(name="shop.broken")
def broken() -> None:
    raise ValueError("the shelf is empty")


@app.task(name="shop.killed")
def killed() -> None:
    """As the kernel does when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="shop.stubborn", bind=True, max_retries=1)
def stubborn(self: Any) -> None:
    """Succeeds at its second try."""
    if not self.request.retries:
        raise self.retry(countdown=0)
