"""Somebody edited the zone at one name server by hand, and left its version as it was.

Some mails go to a server that does not exist, others arrive.
Watchpost names it: dns.servers_disagree.
"""

from patient.full import Full
from patient.names import NS2, Change

CODES = ("dns.servers_disagree",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.names.change(
        "dns_servers_disagree", Change({("@", "MX"): ("10 old-mail",)}, at=(NS2,), unnumbered=True)
    )


def heal(shop: Full) -> None:
    shop.names.restore("dns_servers_disagree")
