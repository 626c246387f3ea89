"""SECRET_KEY is the one that startproject made, and lies in the repository.

Everything works, and whoever has read the repository can sign in as anybody.
Watchpost names it: settings.secret_key.
"""

from patient.stand import Stand

CODES = ("settings.secret_key",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.change("secret_key_weak", SECRET_KEY="django-insecure-7w!k0q@x3m#p9z&v5t*r1b(n8c^j4h%g2f_d6s+a")


def heal(shop: Stand) -> None:
    shop.restore("secret_key_weak")
