"""The certificate is for another name.

Browsers warn and turn away.
Watchpost names it: tls.wrong_name.
"""

from patient.full import Full

CODES = ("tls.wrong_name",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.certify("shop.example.org")


def heal(shop: Full) -> None:
    shop.certify()
