"""Each visit of the home page kills a gunicorn worker: the kernel does it, for want of memory.

Visitors of it read "502 Bad Gateway", or nothing where no nginx stands in front; others wait now and then.
Watchpost names it: site.error_status or site.unreachable.reset.
"""

from patient.stand import Stand

CODES = ("site.error_status", "site.unreachable.reset")
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.wedge("site_worker_dies", path="/", kill=True)


def heal(shop: Stand) -> None:
    shop.unwedge("site_worker_dies")
