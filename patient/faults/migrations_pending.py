"""New code runs, its migration was not applied.

Pages are fine until one needs what is missing.
Watchpost names it: migrations.pending.
"""

from patient.stand import Stand

CODES = ("migrations.pending",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.manage("migrate", "orders", "0001", "-v0")


def heal(shop: Stand) -> None:
    shop.manage("migrate", "orders", "-v0")
