"""The database has few connections left: somebody opens them and does not close them.

Everything works until the next ten visitors come.
Watchpost names it: database.connections_high.
"""

from patient.full import Full

CODES = ("database.connections_high",)
RUNS = ("full",)
_WANTED = 32  # of the 37 that are not reserved: over the limit of 80 %, with room for the shop
_COUNT = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


def break_(shop: Full) -> None:
    taken = shop.kept.setdefault("connections_high", [])
    with shop.as_superuser() as database:
        used = database.execute(_COUNT).fetchone()[0] - 1  # without the one that asks
    taken += [shop.as_shop() for _ in range(used, _WANTED)]


def heal(shop: Full) -> None:
    for connection in shop.kept.pop("connections_high", ()):
        connection.close()
