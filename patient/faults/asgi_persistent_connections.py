"""The shop moved to ASGI and kept CONN_MAX_AGE.

Everything works, until requests have left so many connections behind that the database gives no more.
Watchpost names it: settings.persistent_connections.
"""

from patient.stand import Stand

CODES = ("settings.persistent_connections",)
RUNS = ("full",)


def break_(shop: Stand) -> None:
    shop.kept["web"] = ("config.asgi", "--worker-class", "asgi")
    shop.restart("web")


def heal(shop: Stand) -> None:
    shop.kept.pop("web", None)
    shop.restart("web")
