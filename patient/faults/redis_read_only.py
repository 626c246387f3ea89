"""The Redis of the cache became a replica, and cannot be written to.

What wants to be cached is an error.
Watchpost names it: redis.read_only.
"""

from patient.stand import Stand

CODES = ("redis.read_only", "cache.down")
RUNS = ("full",)


def break_(shop: Stand) -> None:
    shop.redis("redis_cache").replicaof("127.0.0.1", "1")


def heal(shop: Stand) -> None:
    shop.redis("redis_cache").replicaof("NO", "ONE")
