"""Somebody holds the database's lock: a forgotten transaction.

Pages wait for two seconds and are errors 500 then ("database is locked").
Watchpost names it: database.unreachable.
"""

import sqlite3

from patient.stand import Stand

CODES = ("database.unreachable", "database.slow")
SYMPTOMS = ("site.error_status",)
RUNS = ("light",)


def break_(shop: Stand) -> None:
    if "lock" not in shop.kept:
        connection = sqlite3.connect(shop.database, timeout=15, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        shop.kept["lock"] = connection


def heal(shop: Stand) -> None:
    connection = shop.kept.pop("lock", None)
    if connection is not None:
        connection.rollback()
        connection.close()
