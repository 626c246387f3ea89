"""Each visit of the home page kills a gunicorn worker: the kernel does it, for want of memory.

Visitors of it read "502 Bad Gateway", or nothing where no nginx stands in front; all others wait for workers.
Watchpost names it: site.error_status, site.unreachable.reset or site.unreachable.timeout.
"""

from patient.stand import Stand

# Which of them depends on the moment: a worker takes longer to start than visitors take to kill it.
CODES = ("site.error_status", "site.unreachable.reset", "site.unreachable.timeout")
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.wedge("site_worker_dies", path="/", kill=True)


def heal(shop: Stand) -> None:
    shop.unwedge("site_worker_dies")
