"""The home page raises an exception.

Visitors read "Something broke" (500); the other pages are fine.
Watchpost names it: site.error_status.
"""

from patient.stand import Stand

CODES = ("site.error_status",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.wedge("site_error", path="/", **{"raise": "price is None"})


def heal(shop: Stand) -> None:
    shop.unwedge("site_error")
