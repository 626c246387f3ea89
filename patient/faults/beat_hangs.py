"""Celery Beat lives and does not tick: it waits for an answer that never comes.

Its process is there, and what is due at night is never done.
Watchpost names it: beat.silent.
"""

from patient.stand import Stand

CODES = ("beat.silent",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.wedge("beat_hangs", does="hold_beat")


def heal(shop: Stand) -> None:
    shop.unwedge("beat_hangs")
