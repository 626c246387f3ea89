"""The domain's registration ends in five days, and nobody has paid.

Nothing is seen until it ends.
Watchpost names it: domain.expires_soon.
"""

from patient.full import Full

CODES = ("domain.expires_soon",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.registry.say(days=5)


def heal(shop: Full) -> None:
    shop.registry.say()
