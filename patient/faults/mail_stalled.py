"""The mail server hangs: it takes connections and never greets.

Orders are taken, and nobody gets a confirmation.
Watchpost names it: mail.unreachable.
"""

from patient.stand import Stand

CODES = ("mail.unreachable",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.children["mail"].freeze()


def heal(shop: Stand) -> None:
    shop.children["mail"].thaw()
