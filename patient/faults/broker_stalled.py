"""The broker hangs: its Redis takes connections and never answers.

Pages are fine; whoever orders waits, and nothing happens behind the pages.
Watchpost names it: celery.broker_down, or redis.stalled, which explains it.
"""

from patient.stand import Stand

CODES = ("redis.stalled", "celery.broker_down")
ALSO = ("celery.broker_down",)
RUNS = ("full",)


def break_(shop: Stand) -> None:
    shop.children["redis_broker"].freeze()


def heal(shop: Stand) -> None:
    shop.children["redis_broker"].thaw()
