"""The certificate was renewed on one of two machines.

Nothing is seen until the old one ends.
Watchpost names it: tls.differs_between_addresses.
"""

from patient.full import Full

CODES = ("tls.differs_between_addresses",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.certify(days=95, machines=("first",))


def heal(shop: Full) -> None:
    shop.certify()
