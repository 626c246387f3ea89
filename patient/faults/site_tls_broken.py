"""The port of https speaks plain http: the word "ssl" was lost from nginx's listen line.

The browser says that the site sent an invalid response.
Watchpost names it: tls.unreachable.handshake.
"""

from patient.full import Full

CODES = ("tls.unreachable.handshake",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.front_by("site_tls_broken", speaks_tls=False)


def heal(shop: Full) -> None:
    shop.front_again("site_tls_broken")
