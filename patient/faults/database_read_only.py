"""The database takes no writes: a failover left the shop at a replica, or its file was opened read-only.

Pages come; baskets and orders are errors 500.
Watchpost names it: database.read_only.
"""

from patient.stand import Stand

CODES = ("database.read_only",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    if shop.runs == "light":
        shop.change("database_read_only", DATABASE_URL=f"sqlite:///{shop.database}?mode=ro")
    else:
        _alter(shop, "SET default_transaction_read_only = on")


def heal(shop: Stand) -> None:
    if shop.runs == "light":
        shop.restore("database_read_only")
    else:
        _alter(shop, "RESET default_transaction_read_only")


def _alter(shop: Stand, how: str) -> None:
    with shop.as_superuser() as database:
        database.execute(f"ALTER ROLE shop {how}")
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop'")
