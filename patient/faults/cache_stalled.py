"""The cache hangs: Redis takes connections and never answers.

Every page takes seconds longer, or fails.
Watchpost names it: cache.stalled.
"""

from patient.stand import Stand

CODES = ("cache.stalled", "redis.stalled")
SYMPTOMS = ("site.error_status", "site.slow.wait", "site.slow.total", "site.unreachable.timeout")
RUNS = ("full",)


def break_(shop: Stand) -> None:
    shop.children["redis_cache"].freeze()


def heal(shop: Stand) -> None:
    shop.children["redis_cache"].thaw()
