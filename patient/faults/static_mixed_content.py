"""STATIC_URL begins with http:// on a page that is served by https.

The page answers 200 and has no style: browsers load nothing of it.
Watchpost names it: static.mixed_content.
"""

from patient.full import Full

CODES = ("static.mixed_content",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.change("static_mixed_content", settings={"STATIC_URL": f"{shop.plain_url}static/"})


def heal(shop: Full) -> None:
    shop.restore("static_mixed_content")
