"""The certificate is signed by itself: the one that came with the server.

Browsers warn and turn away.
Watchpost names it: tls.self_signed.
"""

from patient.full import Full

CODES = ("tls.self_signed",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.certify(is_self_signed=True)


def heal(shop: Full) -> None:
    shop.certify()
