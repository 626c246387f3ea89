"""The Celery workers are gone.

Pages are fine; orders are never confirmed.
Watchpost names it: celery.no_workers.
"""

from patient.stand import Stand

CODES = ("celery.no_workers",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    for name in shop.queues:
        shop.stop(name, with_kill=True)


def heal(shop: Stand) -> None:
    for name in shop.queues:
        shop.start(name)
