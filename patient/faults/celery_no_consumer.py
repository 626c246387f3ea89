"""Nobody serves the queue "mail": its worker was started with the wrong -Q.

Everything else works; orders are never confirmed.
Watchpost names it: celery.no_consumer.
"""

from patient.stand import Stand

CODES = ("celery.no_consumer",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.serve("celery")


def heal(shop: Stand) -> None:
    shop.serve()
