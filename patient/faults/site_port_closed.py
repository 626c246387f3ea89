"""The web server listens at another port after somebody changed its configuration.

The process runs, and the browser says that the connection was refused.
Watchpost names it: site.unreachable.connect.
"""

from patient.child import free_port
from patient.stand import Stand

CODES = ("site.unreachable.connect",)
RUNS = ("light",)


def break_(shop: Stand) -> None:
    _listen(shop, free_port())


def heal(shop: Stand) -> None:
    _listen(shop, shop.port)


def _listen(shop: Stand, port: int) -> None:
    shop.stop("web")
    shop.children["web"].listens = port
    shop.start("web")
