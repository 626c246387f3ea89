"""The disk fills up, and some room is left (the agent's limits are moved; nothing is filled).

Everything works, and will not for long.
Watchpost names it: disk.nearly_full.
"""

from patient.stand import Stand

CODES = ("disk.nearly_full",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    limits = {"degraded_from": 0.0, "error_from": 101.0, "error_below_mb": 0.0}
    shop.change("disk_nearly_full", settings={"WATCHPOST.HEALTH_OVERRIDES": {"disk*": limits}})


def heal(shop: Stand) -> None:
    shop.restore("disk_nearly_full")
