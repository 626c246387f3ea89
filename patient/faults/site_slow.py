"""The home page takes three seconds.

It comes, and half of the visitors have left by then.
Watchpost names it: site.slow.wait or site.slow.total.
"""

from patient.stand import Stand

CODES = ("site.slow.wait", "site.slow.total")
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.wedge("site_slow", path="/", wait_s=3)


def heal(shop: Stand) -> None:
    shop.unwedge("site_slow")
