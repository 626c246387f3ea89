"""The static files were not collected; the manifest was.

Pages answer 200 and look like the web of 1993.
Watchpost names it: static.not_collected.
"""

from patient.faults._files import put_away, put_back
from patient.stand import Stand

CODES = ("static.not_collected",)
RUNS = ("light", "full")
_PLACES = ("css", "js", "img")


def break_(shop: Stand) -> None:
    for name in _PLACES:
        put_away(shop.static / name)
    shop.restart("web")  # WhiteNoise reads the folder when it starts


def heal(shop: Stand) -> None:
    for name in _PLACES:
        put_back(shop.static / name)
    shop.restart("web")
