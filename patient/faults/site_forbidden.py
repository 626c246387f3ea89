"""The home page is forbidden: a deny rule of the web server, or a permission of the application.

Visitors read "403 Forbidden"; the other pages are fine.
Watchpost names it: site.error_status.
"""

from patient.stand import Stand

CODES = ("site.error_status",)
RUNS = ("light", "full")
_PAGE = (
    "<!doctype html><html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>"
)


def break_(shop: Stand) -> None:
    if shop.runs == "light":
        shop.wedge("site_forbidden", path="/", body=_PAGE, status=403)
    else:
        shop.front_by("site_forbidden", more="location = / { deny all; }")


def heal(shop: Stand) -> None:
    if shop.runs == "light":
        shop.unwedge("site_forbidden")
    else:
        shop.front_again("site_forbidden")
