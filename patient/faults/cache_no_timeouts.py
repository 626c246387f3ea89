"""The cache is asked without a timeout.

Everything works, until the cache hangs once and every worker with it.
Watchpost names it: settings.cache_timeouts.
"""

from patient.stand import Stand

CODES = ("settings.cache_timeouts",)
RUNS = ("full",)
_NONE = {"timeout": None, "connect_timeout": None}


def break_(shop: Stand) -> None:
    shop.change("cache_no_timeouts", settings={"CACHES.pages.OPTIONS": _NONE})


def heal(shop: Stand) -> None:
    shop.restore("cache_no_timeouts")
