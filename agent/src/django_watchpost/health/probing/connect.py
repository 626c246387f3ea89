"""A connection to a database as a request would get it, but one that is ours: with a deadline, and closed."""

from __future__ import annotations

import math
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import unquote

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

Ask = Callable[[str], list[tuple[Any, ...]]]
Pooled = Any  # psycopg_pool.ConnectionPool

_TIMEOUTS = {
    "postgresql": ("connect_timeout",),  # of libpq, which counts whole seconds from 2 on
    "mysql": ("connect_timeout", "read_timeout", "write_timeout"),
    "sqlite": ("timeout",),
}


def pool_of(alias: str) -> Pooled | None:
    """The psycopg pool of this process for ``alias``, when it has one."""
    pool = getattr(connections[alias], "pool", None)
    return pool if pool is not None and hasattr(pool, "getconn") else None


@contextmanager
def opened(alias: str, deadline_s: float) -> Iterator[BaseDatabaseWrapper]:
    """A connection of its own beside those of the application, closed afterwards. Raises Django's database
    errors; a server that is silent for ``deadline_s`` is given up with a TimeoutError. A SQLite file
    that is missing is a FileNotFoundError: to connect would create it."""
    connection = _alike(connections[alias], deadline_s)
    file = file_of(connection)
    if file is not None and _is_missing(file):
        raise FileNotFoundError(str(file))
    try:
        with connection.wrap_database_errors:
            connection.connect()
        with _cut_after(connection.connection, deadline_s):
            yield connection
    finally:
        connection.close()


@contextmanager
def connected(alias: str, deadline_s: float) -> Iterator[Ask]:
    """The same, to put questions to."""
    with opened(alias, deadline_s) as connection:
        yield lambda sql: _ask(connection.cursor(), sql)


@contextmanager
def borrowed(pool: Pooled, deadline_s: float) -> Iterator[Ask]:
    """A connection of the application's pool, given back afterwards. Raises ``psycopg_pool.PoolTimeout`` when
    none is free within ``deadline_s``."""
    pool.open()
    raw = pool.getconn(timeout=deadline_s)
    try:
        with _cut_after(raw, deadline_s):
            yield lambda sql: _ask(raw.cursor(), sql)
    finally:
        pool.putconn(raw)


def since_ms(began: float) -> float:
    """Milliseconds since ``began`` on ``perf_counter``."""
    return round((perf_counter() - began) * 1000, 2)


def _is_missing(file: Path) -> bool:
    try:
        file.stat()
    except FileNotFoundError:
        return True
    except OSError:  # it may be there: what connects says what is wrong
        return False
    return False


def file_of(connection: Any) -> Path | None:
    """Where a SQLite database lies; None for one in memory, and for servers."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or connection.is_in_memory_db():
        return None
    if name.startswith("file:"):
        name = unquote(name.removeprefix("file:").partition("?")[0])
        name = name[name.index("/", 2) :] if name.startswith("//") and "/" in name[2:] else name
    return Path(name).absolute()


def _alike(connection: BaseDatabaseWrapper, deadline_s: float) -> BaseDatabaseWrapper:
    """The same database, without a pool, and never more patient than ``deadline_s``."""
    options = dict(connection.settings_dict.get("OPTIONS") or {})
    options.pop("pool", None)
    for name in _TIMEOUTS.get(connection.vendor, ()):
        given = options.get(name)
        is_shorter = isinstance(given, (int, float)) and 0 < given <= deadline_s
        options[name] = given if is_shorter else max(2, math.ceil(deadline_s))
    changed = {**connection.settings_dict, "OPTIONS": options}
    return type(connection)(changed, connection.alias)


def _ask(cursor: Any, sql: str) -> list[tuple[Any, ...]]:
    with cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


@contextmanager
def _cut_after(raw: Any, seconds: float) -> Iterator[None]:
    """Shuts the connection's socket when the time is over: no driver has a deadline of its own for an answer,
    and a thread that waits for ever would be lost."""
    copy = None
    with suppress(Exception):  # SQLite has no socket
        copy = socket.socket(fileno=os.dup(raw.fileno()))  # still ours when the driver has closed its own
    if copy is None:
        yield
        return

    def cut() -> None:
        with suppress(OSError):
            copy.shutdown(socket.SHUT_RDWR)
            is_cut.set()

    is_cut = threading.Event()
    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as problem:
        if is_cut.is_set():
            raise TimeoutError("the connection timed out while waiting for an answer") from problem
        raise
    finally:
        timer.cancel()
        copy.close()
