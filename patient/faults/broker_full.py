"""The Redis of the broker is full and takes nothing more.

Pages are fine; orders are taken, and what should follow is lost.
Watchpost names it: redis.full.
"""

from patient.full import Full

CODES = ("redis.full",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    redis = shop.redis("redis_broker")
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"] * 0.9))


def heal(shop: Full) -> None:
    shop.redis("redis_broker").config_set("maxmemory", 0)
