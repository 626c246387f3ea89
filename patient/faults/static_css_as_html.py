"""A catch-all route answers in the place of the stylesheets, with 200 and HTML.

The page is there without any style; every status is 200.
Watchpost names it: static.wrong_type.
"""

from patient.stand import Stand

CODES = ("static.wrong_type",)
RUNS = ("light",)


def break_(shop: Stand) -> None:
    body = "<!doctype html><html><body><div id=app></div></body></html>"
    shop.wedge("static_css_as_html", path="/static/css/*", body=body)


def heal(shop: Stand) -> None:
    shop.unwedge("static_css_as_html")
