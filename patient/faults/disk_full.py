"""The disk is nearly full (the agent's limit is moved; nothing is filled).

Everything works until the first write that does not.
Watchpost names it: disk.full or disk.nearly_full.
"""

from patient.stand import Stand

CODES = ("disk.full", "disk.nearly_full")
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    limits = {"degraded_from": 0.0, "error_from": 0.0}
    shop.change("disk_full", settings={"WATCHPOST.HEALTH_OVERRIDES": {"disk*": limits}})


def heal(shop: Stand) -> None:
    shop.restore("disk_full")
