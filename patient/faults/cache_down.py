"""The cache is down.

Pages that ask it are errors 500.
Watchpost names it: cache.down.
"""

from patient.faults._files import block, unblock
from patient.stand import Stand

CODES = ("cache.down",)
SYMPTOMS = ("site.error_status",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    if shop.runs == "light":
        block(shop.cache)
    else:
        shop.stop("memcached", with_kill=True)


def heal(shop: Stand) -> None:
    if shop.runs == "light":
        unblock(shop.cache)
    else:
        shop.start("memcached")
