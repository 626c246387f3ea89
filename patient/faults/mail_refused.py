"""The mail server turns us away.

Orders are taken, and nobody gets a confirmation.
Watchpost names it: mail.refused.
"""

from patient.stand import Stand

CODES = ("mail.refused",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.kept["mail_refuses"] = True
    shop.restart("mail")


def heal(shop: Stand) -> None:
    shop.kept.pop("mail_refuses", None)
    shop.restart("mail")
