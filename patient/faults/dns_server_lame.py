"""One of two name servers does not know the zone any more.

Some visitors wait longer for the first page, and a second failure would be an outage.
Watchpost names it: dns.server_lame.
"""

from patient.full import Full
from patient.names import NS2, Change

CODES = ("dns.server_lame",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.names.change("dns_server_lame", Change(lame=(NS2,)))


def heal(shop: Full) -> None:
    shop.names.restore("dns_server_lame")
