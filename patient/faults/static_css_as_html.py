"""A catch-all route answers in the place of the stylesheets, with 200 and HTML.

The page is there without any style; every status is 200.
Watchpost names it: static.wrong_type.
"""

from patient.stand import Stand

CODES = ("static.wrong_type",)
RUNS = ("light", "full")
_PAGE = "<!doctype html><html><body><div id=app></div></body></html>"


def break_(shop: Stand) -> None:
    if shop.runs == "light":
        shop.wedge("static_css_as_html", path="/static/css/*", body=_PAGE)
    else:  # as a fallback does: try_files $uri /index.html
        answer = f"types {{ }} default_type text/html; return 200 '{_PAGE}';"
        shop.front_by("static_css_as_html", more=f"location /static/css/ {{ {answer} }}")


def heal(shop: Stand) -> None:
    if shop.runs == "light":
        shop.unwedge("static_css_as_html")
    else:
        shop.front_again("static_css_as_html")
