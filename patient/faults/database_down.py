"""The database is down.

Pages that need it are errors 500; those that are cached still come for some seconds.
Watchpost names it: database.unreachable.
"""

from patient.faults._files import block, unblock
from patient.stand import Stand

CODES = ("database.unreachable",)
SYMPTOMS = ("site.error_status",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    if shop.runs == "light":
        block(shop.database)
    else:
        shop.stop("postgres", with_kill=True)


def heal(shop: Stand) -> None:
    if shop.runs == "light":
        unblock(shop.database)
    else:
        shop.start("postgres")
