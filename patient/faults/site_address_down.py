"""One of two machines is gone, and its address still stands in DNS.

Some visitors wait in vain, others notice nothing.
Watchpost names it: site.address_down.
"""

from patient.full import Full
from patient.names import SECOND

CODES = ("site.address_down", "tls.address_down")
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.close_address(SECOND)


def heal(shop: Full) -> None:
    shop.close_address()
