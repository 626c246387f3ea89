"""The certificate was renewed on one of two machines, and the old one has expired.

Browsers warn some visitors and turn them away, others notice nothing.
Watchpost names it: tls.expired.
"""

from patient.full import Full

CODES = ("tls.expired",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.certify(days=-1, machines=("second",))


def heal(shop: Full) -> None:
    shop.certify()
