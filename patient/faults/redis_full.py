"""The Redis of the cache is full and takes nothing more.

What wants to be cached is an error.
Watchpost names it: cache.full or redis.full.
"""

from patient.stand import Stand

CODES = ("cache.full", "redis.full")
RUNS = ("full",)


def break_(shop: Stand) -> None:
    shop.redis("redis_cache").config_set("maxmemory", 1)


def heal(shop: Stand) -> None:
    shop.redis("redis_cache").config_set("maxmemory", 0)
