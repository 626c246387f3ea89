"""The cache is down, and its errors are swallowed.

Everything works, slowly, and nobody is told.
Watchpost names it: cache.swallowing_errors.
"""

from pathlib import Path

from patient.faults import redis_down
from patient.stand import Stand

CODES = ("cache.swallowing_errors", "redis.down")  # the Redis explains the cache
ALSO = ("cache.swallowing_errors",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    """On the light stand with a folder of its own, so that it and ``cache_down`` do not heal each other."""
    if shop.runs == "light":
        _place(shop).write_text("")
        backend = {"CACHES.default.BACKEND": "patient.wedge.caches.ForgivingFileCache"}
        shop.change("cache_swallowing_errors", settings=backend, CACHE_URL=f"file://{_place(shop)}")
    else:
        backend = {"CACHES.default.BACKEND": "patient.wedge.caches.ForgivingRedisCache"}
        shop.change("cache_swallowing_errors", settings=backend)
        redis_down.break_(shop)


def heal(shop: Stand) -> None:
    if shop.runs == "full":
        redis_down.heal(shop)
    shop.restore("cache_swallowing_errors")
    _place(shop).unlink(missing_ok=True)


def _place(shop: Stand) -> Path:
    """A file where the cache's folder should be."""
    return shop.folder / "cache_that_fails"
