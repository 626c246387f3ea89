"""The home page answers 200 and shows no products.

The page is there and nobody can buy anything.
Watchpost names it: site.wrong_content.
"""

from patient.stand import Stand

CODES = ("site.wrong_content",)
RUNS = ("light", "full")
_PAGE = """<!doctype html><html><head><title>Teapot &amp; Sons</title>
<link rel="icon" href="/static/img/pot.svg"></head><body><h1>Welcome</h1></body></html>"""


def break_(shop: Stand) -> None:
    shop.wedge("site_wrong_content", path="/", body=_PAGE)


def heal(shop: Stand) -> None:
    shop.unwedge("site_wrong_content")
