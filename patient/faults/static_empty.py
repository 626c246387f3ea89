"""The script is empty: the disk was full when the files were collected.

The page answers 200, so does the script, and nothing on the page does anything.
Watchpost names it: static.empty.
"""

from patient.faults._files import empty, unblock
from patient.stand import Stand

CODES = ("static.empty",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    for file in shop.static.glob("js/shop*.js"):
        empty(file)
    shop.restart("web")  # WhiteNoise reads the sizes when it starts


def heal(shop: Stand) -> None:
    for away in shop.static.glob("js/shop*.js.away"):
        unblock(away.with_suffix(""))
    shop.restart("web")
