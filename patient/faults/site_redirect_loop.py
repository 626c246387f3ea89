"""The home page redirects to itself.

The browser says "too many redirects".
Watchpost names it: site.redirect_loop.
"""

from patient.stand import Stand

CODES = ("site.redirect_loop",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.wedge("site_redirect_loop", path="/", to="/")


def heal(shop: Stand) -> None:
    shop.unwedge("site_redirect_loop")
