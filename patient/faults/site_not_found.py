"""The last deploy lost a URL pattern.

Product pages are "404 Not Found"; the home page is fine.
Watchpost names it: site.error_status.
"""

from patient.stand import Stand

CODES = ("site.error_status",)
RUNS = ("light", "full")
_PAGE = """<!doctype html><html lang="en"><head><title>Not Found</title></head>
<body><h1>Not Found</h1><p>The requested resource was not found on this server.</p></body></html>"""


def break_(shop: Stand) -> None:
    shop.wedge("site_not_found", path="/product/*", body=_PAGE, status=404)


def heal(shop: Stand) -> None:
    shop.unwedge("site_not_found")
