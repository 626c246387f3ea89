"""A forgotten maintenance page, with status 200.

Every address says "Back soon", and everything that asks for a status is content.
Watchpost names it: site.wrong_content.
"""

from patient.stand import Stand

CODES = ("site.wrong_content",)
RUNS = ("light", "full")
_PAGE = "<!doctype html><html><head><title>Back soon</title></head><body><h1>Back soon</h1></body></html>"


def break_(shop: Stand) -> None:
    shop.wedge("site_maintenance", path="*", body=_PAGE)


def heal(shop: Stand) -> None:
    shop.unwedge("site_maintenance")
