"""ALLOWED_HOSTS lacks the shop's name.

Every page is "Bad Request (400)"; the application is well.
Watchpost names it: site.error_status.
"""

from patient.stand import Stand

CODES = ("site.error_status",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.change("site_host_refused", ALLOWED_HOSTS="shop.example.com")


def heal(shop: Stand) -> None:
    shop.restore("site_host_refused")
