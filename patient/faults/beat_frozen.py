"""Celery Beat hangs as a whole (SIGSTOP): its machine was suspended.

Its process is there, and what is due at night is never done.
Watchpost names it: beat.silent.
"""

from patient.stand import Stand

CODES = ("beat.silent",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.children["beat"].freeze()


def heal(shop: Stand) -> None:
    shop.children["beat"].thaw()
