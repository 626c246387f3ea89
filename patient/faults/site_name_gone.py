"""The name of the shop is gone from its zone.

The browser says that the server was not found; the domain itself is well.
Watchpost names it: site.unreachable.dns.
"""

from patient.full import Full
from patient.names import Change

CODES = ("site.unreachable.dns", "tls.unreachable.dns")
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.names.change("site_name_gone", Change({("www", "A"): (), ("www", "AAAA"): ()}))


def heal(shop: Full) -> None:
    shop.names.restore("site_name_gone")
