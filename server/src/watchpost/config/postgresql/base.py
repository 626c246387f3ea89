"""Connections of a pool that was cut off all at once.

After a restart of PostgreSQL every idle connection of the pool is dead. psycopg's pool would try them one
after another with growing pauses: with eight of them a page waited ten seconds and then failed. Here the
first dead one that is met empties the pool: the rest are as old.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base
from psycopg import OperationalError
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """One that answers. Raises OperationalError (psycopg's PoolTimeout is one) when there is none."""
        connection = super().get_new_connection(conn_params)
        if self.pool is None or _answers(connection):
            return connection
        self.pool.drain()
        self.pool.putconn(connection)
        return super().get_new_connection(conn_params)


def _answers(connection: Any) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except OperationalError:
        return False
    return True
