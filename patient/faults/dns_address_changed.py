"""The address of the domain is another one.

Nothing is seen yet: it answers, and nobody knows who set it up.
Watchpost names it: dns.records_changed.
"""

from patient.full import Full
from patient.names import Change

CODES = ("dns.records_changed",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.names.change("dns_address_changed", Change({("@", "A"): ("127.0.0.9",)}))


def heal(shop: Full) -> None:
    shop.names.restore("dns_address_changed")
