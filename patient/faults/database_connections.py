"""All connections of the database are taken.

Some pages come, others are errors 500.
Watchpost names it: database.too_many_connections.
"""

from patient.full import Full

CODES = ("database.too_many_connections",)
SYMPTOMS = ("site.error_status",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    if "connections" not in shop.kept:
        shop.kept["connections"] = _fill(shop)
        with shop.as_superuser() as database:  # the shop's own are closed, as after a restart of it
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop' "
                "AND application_name <> 'greedy'"
            )
        shop.kept["connections"] += _fill(shop)


def heal(shop: Full) -> None:
    for connection in shop.kept.pop("connections", ()):
        connection.close()


def _fill(shop: Full) -> list[object]:
    import psycopg

    taken: list[object] = []
    while len(taken) < 200:
        try:
            connection = shop.as_shop()
            connection.execute("SET application_name = 'greedy'")
        except psycopg.OperationalError:
            break
        taken.append(connection)
    return taken
