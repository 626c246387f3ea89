"""gunicorn is gone, nginx is there.

Visitors read "502 Bad Gateway".
Watchpost names it: site.error_status.
"""

from patient.stand import Stand

CODES = ("site.error_status",)
RUNS = ("full",)


def break_(shop: Stand) -> None:
    shop.stop("web", with_kill=True)


def heal(shop: Stand) -> None:
    shop.start("web")
