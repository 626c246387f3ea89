"""Connections of a pool that was cut off all at once.

After a restart of PostgreSQL every idle connection of the pool is dead. psycopg's pool would try them one
after another with growing pauses: with eight of them a page waited ten seconds and then failed. Here the
first dead one that is met empties the pool: the rest are as old.

And text that PostgreSQL refuses: it stores no NUL, and does not even compare with one. Forms, query strings
and what is looked at may hold one; it is stored and sought as U+FFFD instead.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db.backends.postgresql import base
from psycopg import OperationalError
from psycopg.adapt import AdaptersMap
from psycopg.types.string import StrDumperUnknown
from psycopg_pool import ConnectionPool


class _WithoutNul(StrDumperUnknown):
    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)


@lru_cache(4)  # as many as Django has time zones for connections: one
def _without_nul(known: AdaptersMap) -> AdaptersMap:
    adapters = AdaptersMap(known)
    adapters.register_dumper(str, _WithoutNul)
    return adapters


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        parameters = super().get_connection_params()
        return parameters | {"context": _without_nul(parameters["context"])}

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
