"""DEBUG is on.

Everything works, and each error shows settings and source to strangers.
Watchpost names it: settings.debug.
"""

from patient.stand import Stand

CODES = ("settings.debug",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.change("debug_on", DEBUG="1")


def heal(shop: Stand) -> None:
    shop.restore("debug_on")
