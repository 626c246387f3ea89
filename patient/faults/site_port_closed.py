"""The web server listens at another port after somebody changed its configuration.

The process runs, and the browser says that the connection was refused.
Watchpost names it: site.unreachable.connect.
"""

from patient.child import free_port
from patient.stand import Stand

CODES = ("site.unreachable.connect",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    if shop.runs == "light":
        _listen(shop, free_port())
    else:
        shop.front_by("site_port_closed", port=free_port())


def heal(shop: Stand) -> None:
    if shop.runs == "light":
        _listen(shop, shop.port)
    else:
        shop.front_again("site_port_closed")


def _listen(shop: Stand, port: int) -> None:
    shop.stop("web")
    shop.children["web"].listens = port
    shop.start("web")
