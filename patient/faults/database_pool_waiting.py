"""More threads want the database than the pool has connections, and wait for each other.

Pages come, each of them a little later.
Watchpost names it: database.pool_waiting.
"""

from patient.full import Full

CODES = ("database.pool_waiting",)
SYMPTOMS = ("site.slow.wait", "site.slow.total")
RUNS = ("full",)
_SETTINGS = {
    "DATABASES.default.CONN_MAX_AGE": 0,
    "DATABASES.default.OPTIONS": {"pool": {"min_size": 1, "max_size": 2, "timeout": 10}},
}


def break_(shop: Full) -> None:
    shop.change("database_pool_waiting", settings=_SETTINGS)
    shop.wedge("database_pool_waiting", path="*", does="crowd", threads=5, hold_s=0.3)


def heal(shop: Full) -> None:
    shop.unwedge("database_pool_waiting")
    shop.restore("database_pool_waiting")
