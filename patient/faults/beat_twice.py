"""Beat runs twice: the old machine was never switched off.

Everything works; each periodic task is run twice.
Watchpost names it: beat.twice.
"""

import sys

from patient.stand import Stand

CODES = ("beat.twice",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    options = f"beat -s {shop.folder}/beat-schedule-2 --pidfile= --loglevel WARNING"
    shop.run("beat_2", sys.executable, "-m", "celery", "-A", "config", *options.split(" "))


def heal(shop: Stand) -> None:
    if "beat_2" in shop.children:
        shop.stop("beat_2")
