"""Nothing can be written to MEDIA_ROOT.

Pages are fine; uploads and invoices fail.
Watchpost names it: storage.not_writable.
"""

from patient.faults._files import block, unblock
from patient.stand import Stand

CODES = ("storage.not_writable",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    block(shop.folder / "media")


def heal(shop: Stand) -> None:
    unblock(shop.folder / "media")
