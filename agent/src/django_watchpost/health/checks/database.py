"""The database: whether it answers, how long that takes, and what of it is about to run out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from django.db import connections

from django_watchpost.health.contract import Check, Result, degraded, error, ok
from django_watchpost.health.probing import postgres
from django_watchpost.health.probing.causes import explain
from django_watchpost.health.probing.causes_of_databases import DATABASE
from django_watchpost.health.probing.connect import (
    Ask,
    Pooled,
    borrowed,
    connected,
    file_of,
    pool_of,
    since_ms,
)
from django_watchpost.health.probing.files import why_not_writable
from django_watchpost.health.probing.worst import worst

_MOST_DEAD = 20  # after a restart of the server a pool hands out each connection that died once
_errors: dict[str, int] = {}  # of the pool of each alias, up to the last look


@dataclass(kw_only=True)
class Database(Check):
    """A connection is made and a query comes back. Proves that a request could do the same.

    ``deadline``: seconds for connecting, and again for the queries. ``connections_degraded`` and
    ``connections_error``: percent of the connections the server gives. ``may_be_read_only``: for replicas.
    """

    id: str = "database"
    alias: str = "default"
    tags: tuple[str, ...] = ("ready",)
    interval: float = 10.0
    timeout: float = 8.0
    deadline: float = 3.0
    slow_ms: float = 1000.0
    connections_degraded: float = 80.0
    connections_error: float = 95.0
    idle_in_transaction_s: float = 300.0
    may_be_read_only: bool = False

    @classmethod
    def found(cls) -> Iterable[Check]:
        for alias in connections:
            name = "database" if alias == "default" else f"database.{alias}"
            if connections.databases[alias]["ENGINE"] != "django.db.backends.dummy":
                is_main = alias == "default"
                yield cls(id=name, alias=alias, critical=is_main, may_be_read_only=not is_main)

    def run(self) -> Result:
        pool = pool_of(self.alias)
        file = file_of(connections[self.alias])
        tries = 1 if pool is None else 1 + min(pool.get_stats().get("pool_size", 0), _MOST_DEAD)
        failure = Exception("it was not tried")
        for _ in range(tries):
            try:
                return self._look(pool, file)
            except Exception as problem:  # noqa: BLE001  every driver has its own
                failure = problem
                if isinstance(problem, TimeoutError) or _has_no_room(problem):
                    break
        return self._failed(failure, pool)

    def _look(self, pool: Pooled | None, file: Path | None) -> Result:
        began = perf_counter()
        with self._session(pool) as ask:
            connected_ms = since_ms(began)
            ask("SELECT 1 FROM sqlite_master LIMIT 1" if self._vendor == "sqlite" else "SELECT 1")
            took_ms = since_ms(began)
            details: dict[str, Any] = {"connected_ms": connected_ms}
            found = list(self._judge_server(ask, details))
        if pool is not None:  # before "slow": who waits for the pool is slow because of it
            found += self._judge_pool(pool, details)
        if took_ms >= self.slow_ms:
            found.append(self._slow(took_ms, connected_ms))
        if file is not None and not self.may_be_read_only:
            found += self._judge_file(file)
        return worst(found, ok(observed=took_ms, unit="ms", details=details))

    def _session(self, pool: Pooled | None) -> AbstractContextManager[Ask]:
        return connected(self.alias, self.deadline) if pool is None else borrowed(pool, self.deadline)

    def _judge_server(self, ask: Ask, details: dict[str, Any]) -> Iterator[Result]:
        if self._vendor != "postgresql":
            return
        try:
            load, idle = postgres.read_load(ask), postgres.read_idle(ask)
        except Exception as problem:
            if isinstance(problem, TimeoutError):
                raise
            details["statistics"] = f"not given: {type(problem).__name__}"
            return
        details |= {"connections": load.used, "connections_limit": load.limit, "limit_of": load.whose}
        if idle is not None:
            details["idle_in_transaction_s"] = round(idle.age_s, 1)
        if not self.may_be_read_only:
            yield from postgres.judge_read_only(load, self._name)
        yield from postgres.judge_load(load, self._name, self.connections_degraded, self.connections_error)
        yield from postgres.judge_idle(idle, self._name, self.idle_in_transaction_s)

    def _judge_pool(self, pool: Pooled, details: dict[str, Any]) -> Iterator[Result]:
        stats = pool.get_stats()
        details["pool"] = _figures(stats)
        errors = stats.get("requests_errors", 0)
        missed = errors - _errors.get(self.alias, errors)
        _errors[self.alias] = errors
        if missed > 0:
            yield degraded(
                f"The pool of {self._name} had no connection for {missed} of the application's requests "
                "since the last look.",
                code="database.pool_exhausted",
                fix=_MORE,
            )
        elif waiting := stats.get("requests_waiting", 0):
            yield degraded(
                f"{waiting} threads wait for a connection from the pool of {self._name} "
                f"({stats.get('pool_size')} of at most {stats.get('pool_max')} are open).",
                code="database.pool_waiting",
                fix=_MORE,
            )

    def _judge_file(self, file: Path) -> Iterator[Result]:
        is_by_intent = "mode=ro" in str(connections[self.alias].settings_dict["NAME"])
        for path in () if is_by_intent else (file, file.parent):
            if why := why_not_writable(path):
                what = "file" if path == file else "folder"
                yield error(
                    f"{self._name} takes no writes: its {what} {path} is read-only, because {why}.",
                    code="database.read_only",
                    fix="SQLite writes the file and a journal beside it: give both to the user of this "
                    "process, and mount them writable.",
                )
                return
        if is_by_intent:
            yield error(
                f"{self._name} takes no writes: it is opened with mode=ro.",
                code="database.read_only",
                fix="Take mode=ro out of NAME, or set may_be_read_only for this check.",
            )

    def _slow(self, took_ms: float, connected_ms: float) -> Result:
        return degraded(
            f"{self._name} took {took_ms:.0f} ms for a trivial query, {connected_ms:.0f} ms of them until "
            "it was connected.",
            code="database.slow",
            fix="Slow to connect: DNS, TLS or a server without a free moment; use a pool or CONN_MAX_AGE. "
            "Slow to answer: look at the server's load, locks and disk.",
        )

    def _missing(self, file: Path) -> Result:
        return error(
            f"{self._name} is not there: the file {file} does not exist.",
            code="database.unreachable",
            fix="Is its volume mounted, and NAME in DATABASES an absolute path? A new one is made by "
            "manage.py migrate.",
            details={"cause": "file"},
        )

    def _failed(self, problem: Exception, pool: Pooled | None) -> Result:
        if pool is not None and _has_no_room(problem):
            return self._no_connection_left(pool)
        if isinstance(problem, FileNotFoundError):
            return self._missing(Path(str(problem)))
        return self._explain(problem)

    def _no_connection_left(self, pool: Pooled) -> Result:
        """A pool says the same when all are in use and when the server is gone: one beside it tells."""
        try:
            with connected(self.alias, self.deadline) as ask:
                ask("SELECT 1")
        except Exception as problem:  # noqa: BLE001
            return self._explain(problem)
        stats = pool.get_stats()
        _errors[self.alias] = stats.get("requests_errors", 0)
        return error(
            f"The pool of {self._name} is exhausted: all {stats.get('pool_max')} connections of this "
            f"process are in use, and none became free within {self.deadline:g} s.",
            code="database.pool_exhausted",
            fix=_MORE,
            details={"pool": _figures(stats)},
        )

    def _explain(self, problem: Exception) -> Result:
        known = {"database": self._name, "place": self._place, "deadline": self.deadline}
        return explain(problem, DATABASE, "database.unreachable", **known)

    @property
    def _vendor(self) -> str:
        return connections[self.alias].vendor

    @property
    def _name(self) -> str:
        return f"{connections[self.alias].display_name} database {self.alias!r}"

    @property
    def _place(self) -> str:
        given = connections[self.alias].settings_dict
        if self._vendor == "sqlite":
            return str(given["NAME"])
        host, port = given.get("HOST") or "the local socket", given.get("PORT")
        return f"{host}:{port}" if port else str(host)


_MORE = (
    "Look for what holds a connection long: slow queries, calls of other services within a transaction, "
    "more threads than connections. Raise max_size in OPTIONS['pool'] to the threads of a process, as far "
    "as the server's max_connections allows."
)


def _figures(stats: dict[str, Any]) -> dict[str, Any]:
    """Those that say how full a pool is."""
    names = ("pool_size", "pool_max", "pool_available", "requests_waiting", "requests_errors")
    return {name: stats.get(name, 0) for name in names}


def _has_no_room(problem: Exception) -> bool:
    return type(problem).__name__ in ("PoolTimeout", "TooManyRequests")  # the latter: max_waiting
