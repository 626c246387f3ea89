"""Threads of the shop keep their database connections, and the pool has none left.

Some pages are errors 500 ("couldn't get a connection"), and the database itself is idle.
Watchpost names it: database.pool_exhausted.
"""

from patient.full import Full

CODES = ("database.pool_exhausted",)
SYMPTOMS = ("site.error_status", "site.slow.wait", "site.slow.total")
RUNS = ("full",)
_SETTINGS = {
    "DATABASES.default.CONN_MAX_AGE": 0,
    "DATABASES.default.OPTIONS": {"pool": {"min_size": 1, "max_size": 4, "timeout": 1.5}},
}


def break_(shop: Full) -> None:
    shop.change("database_pool_exhausted", settings=_SETTINGS)
    shop.wedge("database_pool_exhausted", path="*", does="leak")


def heal(shop: Full) -> None:
    shop.unwedge("database_pool_exhausted")
    shop.restore("database_pool_exhausted")
