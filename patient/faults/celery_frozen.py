"""The Celery workers hang as a whole (SIGSTOP): their machine was suspended.

Their processes are there; orders are never confirmed.
Watchpost names it: celery.no_workers.
"""

from patient.stand import Stand

CODES = ("celery.no_workers",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    for name in shop.queues:
        shop.children[name].freeze()


def heal(shop: Stand) -> None:
    for name in shop.queues:
        shop.children[name].thaw()
