"""The token of the health endpoint was changed in the shop, and not where it is watched.

Everything works, and what goes wrong inside is no longer told.
Watchpost names it: health.token_refused.
"""

from patient.stand import Stand

CODES = ("health.token_refused",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.change("health_token_changed", HEALTH_TOKEN="another-token-of-at-least-thirty-two-characters")


def heal(shop: Stand) -> None:
    shop.restore("health_token_changed")
