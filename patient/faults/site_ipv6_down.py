"""The shop does not answer by IPv6, and its IPv6 address still stands in DNS.

Visitors with IPv6 alone cannot come in, others wait a moment.
Watchpost names it: site.address_down.
"""

from patient.full import Full
from patient.names import SIXTH, has_ipv6

CODES = ("site.address_down", "tls.address_down")
RUNS = ("full",) if has_ipv6() else ()


def break_(shop: Full) -> None:
    shop.close_address(SIXTH)


def heal(shop: Full) -> None:
    shop.close_address()
