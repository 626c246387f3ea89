"""The broker of Celery is down.

Pages are fine; nothing of what happens behind them does.
Watchpost names it: celery.broker_down.
"""

from patient.faults._files import block, unblock
from patient.stand import Stand

CODES = ("celery.broker_down", "redis.down")  # the Redis explains the broker
ALSO = ("celery.broker_down",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    if shop.runs == "light":
        block(shop.folder / "broker" / "queues")
    else:
        shop.stop("redis_broker", with_kill=True)


def heal(shop: Stand) -> None:
    if shop.runs == "light":
        unblock(shop.folder / "broker" / "queues")
    else:
        shop.start("redis_broker")
