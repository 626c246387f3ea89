"""One of two name servers does not take over the newest version of the zone.

A new name is found by some visitors and not by others.
Watchpost names it: dns.soa_drift.
"""

from patient.full import Full
from patient.names import FIRST, NS1, Change

CODES = ("dns.soa_drift",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.names.change("dns_server_behind", Change({("sale", "A"): (FIRST,)}, at=(NS1,)))


def heal(shop: Full) -> None:
    shop.names.restore("dns_server_behind")
