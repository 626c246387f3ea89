"""nginx may not read the static files.

The page answers 200 and looks like the web of 1993.
Watchpost names it: static.forbidden.
"""

from patient.full import Full

CODES = ("static.forbidden",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    """By a rule: permissions do not stop nginx where it runs as root."""
    shop.front_by("static_forbidden", more="location ~ ^/static/(css|js|img)/ { deny all; }")


def heal(shop: Full) -> None:
    shop.front_again("static_forbidden")
