"""The mail server is gone.

Orders are taken, and nobody gets a confirmation.
Watchpost names it: mail.unreachable.
"""

from patient.stand import Stand

CODES = ("mail.unreachable",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.stop("mail", with_kill=True)


def heal(shop: Stand) -> None:
    shop.start("mail")
