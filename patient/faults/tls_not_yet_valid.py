"""The certificate is not valid yet: it was made on a machine whose clock is wrong.

Browsers warn and turn away.
Watchpost names it: tls.not_yet_valid.
"""

from patient.full import Full

CODES = ("tls.not_yet_valid",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.certify(days=91, of_days=90)


def heal(shop: Full) -> None:
    shop.certify()
