"""One of the name servers is somebody else's, at the registry and in the zone.

Nothing is seen yet: it answers as the old one did, for as long as its owner likes.
Watchpost names it: dns.name_servers_changed.
"""

from patient.full import Full
from patient.names import OWN, Change

CODES = ("dns.name_servers_changed",)
RUNS = ("full",)
_NEW = (OWN[0], "ns.parking.test")


def break_(shop: Full) -> None:
    shop.names.change(
        "dns_name_servers_changed", Change({("@", "NS"): tuple(f"{one}." for one in _NEW)}, delegated=_NEW)
    )


def heal(shop: Full) -> None:
    shop.names.restore("dns_name_servers_changed")
