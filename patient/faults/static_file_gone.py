"""One file of the static files is gone, the manifest still names it.

The page answers 200 and its script does nothing.
Watchpost names it: static.file_gone (agent) or static.stale (outside).
"""

from pathlib import Path

from patient.faults._files import put_away, put_back
from patient.stand import Stand

CODES = ("static.stale", "static.file_gone")
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    for file in _hashed(shop):
        put_away(file)
    shop.restart("web")


def heal(shop: Stand) -> None:
    for away in shop.static.glob("js/shop.*.js.away"):
        put_back(away.with_suffix(""))
    shop.restart("web")


def _hashed(shop: Stand) -> list[Path]:
    return list(shop.static.glob("js/shop.*.js"))
