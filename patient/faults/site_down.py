"""The web server's process is gone.

The browser says that the connection was refused.
Watchpost names it: site.unreachable.connect.
"""

from patient.stand import Stand

CODES = ("site.unreachable.connect",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.stop(shop.front, with_kill=True)


def heal(shop: Stand) -> None:
    shop.start(shop.front)
