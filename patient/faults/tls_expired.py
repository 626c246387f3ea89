"""The certificate has expired.

Browsers warn and turn away.
Watchpost names it: tls.expired.
"""

from patient.full import Full

CODES = ("tls.expired",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.certify(days=-1)


def heal(shop: Full) -> None:
    shop.certify()
