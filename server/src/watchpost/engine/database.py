"""The one thread of the engine that uses the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection


def use(function: Callable[..., Any], *arguments: Any) -> Any:
    """A connection that broke is replaced before the next use."""
    if connection.connection is not None and connection.errors_occurred and not connection.is_usable():
        connection.close()
    return function(*arguments)


def let_go_of_database() -> None:
    """Give back the connection of the thread this runs in."""
    connection.close()
