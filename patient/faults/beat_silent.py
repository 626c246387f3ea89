"""Celery Beat is gone.

Pages and orders are fine; what is due at night is never done.
Watchpost names it: beat.silent.
"""

from patient.stand import Stand

CODES = ("beat.silent",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.stop("beat", with_kill=True)


def heal(shop: Stand) -> None:
    shop.start("beat")
