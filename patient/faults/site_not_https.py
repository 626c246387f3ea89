"""The redirect from http to https is gone.

Who types the address reads the page unencrypted, passwords and baskets too; every status is 200.
Watchpost names it: site.not_https.
"""

from patient.full import Full

CODES = ("site.not_https",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.front_by("site_not_https", is_redirecting=False)


def heal(shop: Full) -> None:
    shop.front_again("site_not_https")
