"""staticfiles.json is missing: the deploy forgot it.

Every page that names a static file is an error 500.
Watchpost names it: static.manifest_missing.
"""

from patient.faults._files import put_away, put_back
from patient.stand import Stand

CODES = ("static.manifest_missing",)
SYMPTOMS = ("site.error_status",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    put_away(shop.static / "staticfiles.json")
    shop.restart("web")


def heal(shop: Stand) -> None:
    put_back(shop.static / "staticfiles.json")
    shop.restart("web")
