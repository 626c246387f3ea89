"""Both name servers are silent.

Nobody finds the shop any more, although it runs.
Watchpost names it: dns.no_answer.
"""

from patient.full import Full
from patient.names import NS1, NS2, Change

CODES = ("dns.no_answer",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.names.change("dns_servers_down", Change(silent=(NS1, NS2)))


def heal(shop: Full) -> None:
    shop.names.restore("dns_servers_down")
