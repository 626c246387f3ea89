"""Somebody left a transaction open: a shell in which a lunch break began after a BEGIN.

Everything works; its locks stay, and VACUUM clears nothing away.
Watchpost names it: database.idle_in_transaction.
"""

from patient.full import Full

CODES = ("database.idle_in_transaction",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    if "idle" not in shop.kept:
        connection = shop.as_shop()
        connection.execute("SET application_name = 'psql'")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM orders_order")
        shop.kept["idle"] = connection


def heal(shop: Full) -> None:
    connection = shop.kept.pop("idle", None)
    if connection is not None:
        connection.close()
