"""gunicorn hangs, nginx is there and gives up after two seconds.

Visitors read "504 Gateway Time-out".
Watchpost names it: site.error_status.
"""

from patient.full import Full

CODES = ("site.error_status",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.front_by("site_gateway_timeout", waits_s=2)
    shop.children["web"].freeze()


def heal(shop: Full) -> None:
    shop.children["web"].thaw()
    shop.front_again("site_gateway_timeout")
