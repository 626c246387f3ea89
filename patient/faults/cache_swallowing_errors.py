"""The cache is down, and its errors are swallowed.

Everything works, slowly, and nobody is told.
Watchpost names it: cache.swallowing_errors.
"""

from patient.faults import cache_down, redis_down
from patient.stand import Stand

CODES = ("cache.swallowing_errors", "redis.down")  # the Redis explains the cache
ALSO = ("cache.swallowing_errors",)
RUNS = ("light", "full")
_BACKENDS = {
    "light": "patient.wedge.caches.ForgivingFileCache",
    "full": "patient.wedge.caches.ForgivingRedisCache",
}
_BROKEN = {"light": cache_down, "full": redis_down}


def break_(shop: Stand) -> None:
    shop.change("cache_swallowing_errors", settings={"CACHES.default.BACKEND": _BACKENDS[shop.runs]})
    _BROKEN[shop.runs].break_(shop)


def heal(shop: Stand) -> None:
    _BROKEN[shop.runs].heal(shop)
    shop.restore("cache_swallowing_errors")
