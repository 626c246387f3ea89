"""The way to the cache has become long: each question takes a fifth of a second.

What was to be fast is slower than without it.
Watchpost names it: cache.slow.
"""

from patient.faults._ways import close, lengthen
from patient.full import Full

CODES = ("cache.slow",)
SYMPTOMS = ("site.slow.wait", "site.slow.total")
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.change("cache_slow", CACHE_URL=f"redis://{lengthen(shop, 'redis_cache', 200)}/0")


def heal(shop: Full) -> None:
    shop.restore("cache_slow")
    close(shop, "redis_cache")
