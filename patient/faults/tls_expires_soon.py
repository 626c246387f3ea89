"""The certificate of 47 days has eight left: its renewal fails.

Nobody sees it before it is too late.
Watchpost names it: tls.expires_soon.
"""

from patient.full import Full

CODES = ("tls.expires_soon",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.certify(days=8, of_days=47)


def heal(shop: Full) -> None:
    shop.certify()
