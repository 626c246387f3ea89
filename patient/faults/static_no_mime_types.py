"""nginx was set up without mime.types: stylesheets are application/octet-stream.

The page answers 200 and has no style: browsers refuse the files.
Watchpost names it: static.wrong_type.
"""

from patient.full import Full

CODES = ("static.wrong_type",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    files = f"alias {shop.static}/css/; types {{ }} default_type application/octet-stream;"
    shop.front_by("static_no_mime_types", more=f"location /static/css/ {{ {files} }}")


def heal(shop: Full) -> None:
    shop.front_again("static_no_mime_types")
