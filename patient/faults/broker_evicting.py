"""The Redis of the broker makes room by throwing away any key: it was set up as a cache.

Everything works, until tasks are gone that nobody has seen.
Watchpost names it: redis.full.
"""

from patient.full import Full

CODES = ("redis.full",)
RUNS = ("full",)
_ROOM = 1.06  # of what it uses now: nearly full, and nothing is thrown away yet


def break_(shop: Full) -> None:
    redis = shop.redis("redis_broker")
    redis.config_set("maxmemory-policy", "allkeys-lru")
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"] * _ROOM))


def heal(shop: Full) -> None:
    redis = shop.redis("redis_broker")
    redis.config_set("maxmemory", 0)
    redis.config_set("maxmemory-policy", "noeviction")
