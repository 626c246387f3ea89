"""The database takes no writes: a failover left the shop at a replica.

Pages come; baskets and orders are errors 500.
Watchpost names it: database.read_only.
"""

from patient.full import Full

CODES = ("database.read_only",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    _alter(shop, "SET default_transaction_read_only = on")


def heal(shop: Full) -> None:
    _alter(shop, "RESET default_transaction_read_only")


def _alter(shop: Full, how: str) -> None:
    with shop.as_superuser() as database:
        database.execute(f"ALTER ROLE shop {how}")
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop'")
