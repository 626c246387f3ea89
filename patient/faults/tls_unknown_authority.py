"""The certificate is of an authority for trials: certbot ran with --staging, and nobody ran it without.

Browsers warn and turn away.
Watchpost names it: tls.unknown_root.
"""

from patient.authority import Authority
from patient.full import Full

CODES = ("tls.unknown_root",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    staging = shop.kept.setdefault("staging", Authority("Staging"))
    shop.certify(by=staging)


def heal(shop: Full) -> None:
    shop.certify()
