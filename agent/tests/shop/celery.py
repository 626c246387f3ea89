from __future__ import annotations

import os
import time

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
