"""The Redis of the cache is down.

Pages that ask it are errors 500.
Watchpost names it: cache.down.
"""

from patient.stand import Stand

CODES = ("cache.down", "redis.down")
SYMPTOMS = ("site.error_status",)
RUNS = ("full",)


def break_(shop: Stand) -> None:
    shop.stop("redis_cache", with_kill=True)


def heal(shop: Stand) -> None:
    shop.start("redis_cache")
