"""The cache lies in the memory of each process.

What one process caches or deletes, the other does not see: pages are old at every second look.
Watchpost names it: settings.local_cache.
"""

from patient.stand import Stand

CODES = ("settings.local_cache",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    backend = "django.core.cache.backends.locmem.LocMemCache"
    shop.change("cache_local", settings={"CACHES.default.BACKEND": backend})


def heal(shop: Stand) -> None:
    shop.restore("cache_local")
