"""The intermediate certificate is missing from the chain.

Some browsers accept it, programs and old phones do not.
Watchpost names it: tls.chain.missing_intermediate.
"""

from patient.full import Full

CODES = ("tls.chain.missing_intermediate",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.certify(with_chain=False)


def heal(shop: Full) -> None:
    shop.certify()
