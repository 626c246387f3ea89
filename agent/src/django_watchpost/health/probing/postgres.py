"""What a PostgreSQL says of itself: connections against its limits, transactions left open, read-only.

Needs no special right: ``datid`` and ``usesysid`` in ``pg_stat_activity`` are shown to everybody, state and
age of other users' sessions only to members of ``pg_read_all_stats``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django_watchpost.health.contract import Result, degraded, error
from django_watchpost.health.probing.connect import Ask

# max_connections holds for client backends. Whoever may not see backend_type still sees the database.
_LOAD = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         - coalesce(current_setting('reserved_connections', true), '0')::int,
       count(*), rolconnlimit, count(*) FILTER (WHERE usesysid = r.oid),
       datconnlimit, count(*) FILTER (WHERE datid = d.oid),
       pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on'
FROM pg_roles r, pg_database d, pg_stat_activity
WHERE r.rolname = current_user AND d.datname = current_database()
      AND (backend_type = 'client backend' OR backend_type IS NULL AND datid IS NOT NULL)
GROUP BY r.oid, rolconnlimit, d.oid, datconnlimit
"""
_IDLE = """
SELECT extract(epoch FROM clock_timestamp() - state_change)::float, pid, usename, application_name
FROM pg_stat_activity
WHERE state LIKE 'idle in transaction%' AND datname = current_database()
ORDER BY state_change LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Load:
    """``used`` of ``limit`` connections by ``whose`` limit, the tightest of the server's, the role's and the
    database's."""

    used: int
    limit: int
    whose: str
    in_recovery: bool
    is_read_only: bool

    @property
    def share(self) -> float:
        """Percent."""
        return round(100 * self.used / max(1, self.limit), 1)


@dataclass(frozen=True, slots=True)
class Idle:
    """The transaction that has been left open and idle for longest."""

    age_s: float
    pid: int
    user: str
    application: str


def read_load(ask: Ask) -> Load:
    """Raises what the driver raises."""
    server, all_, of_role, by_role, of_database, in_database, in_recovery, is_read_only = ask(_LOAD)[0]
    limits = [(all_, server, "the server's")]
    if of_role >= 0:
        limits.append((by_role, of_role, "the role's"))
    if of_database >= 0:
        limits.append((in_database, of_database, "the database's"))
    used, limit, whose = max(limits, key=lambda one: one[0] / max(1, one[1]))
    return Load(used, limit, whose, in_recovery, is_read_only)


def read_idle(ask: Ask) -> Idle | None:
    """Raises what the driver raises."""
    rows: list[tuple[Any, ...]] = ask(_IDLE)
    return Idle(rows[0][0] or 0.0, rows[0][1], rows[0][2] or "", rows[0][3] or "") if rows else None


def judge_load(load: Load, database: str, degraded_from: float, error_from: float) -> Iterator[Result]:
    """``degraded_from``, ``error_from``: percent of the limit."""
    if load.share >= degraded_from:
        say = error if load.share >= error_from else degraded
        yield say(
            f"{database} has {load.used} of {load.limit} connections in use ({load.share:g} % of "
            f"{load.whose} limit).",
            code="database.connections_high",
            fix="Count what may connect: processes x threads (or the pool's max_size), Celery's children, "
            "cron jobs. Lower that, or put PgBouncer between; SELECT application_name, state, count(*) "
            "FROM pg_stat_activity GROUP BY 1, 2 says who holds them.",
            observed=load.share,
            unit="%",
        )


def judge_read_only(load: Load, database: str) -> Iterator[Result]:
    if load.in_recovery or load.is_read_only:
        why = (
            "it is a standby" if load.in_recovery else "default_transaction_read_only is on for this session"
        )
        fix = (
            "After a failover point HOST in DATABASES at the new primary; where it is meant to be a "
            "replica, set may_be_read_only for this check."
            if load.in_recovery
            else "Find where it was set (ALTER ROLE, ALTER DATABASE, postgresql.conf, OPTIONS) and reset it."
        )
        yield error(f"{database} takes no writes: {why}.", code="database.read_only", fix=fix)


def judge_idle(idle: Idle | None, database: str, longest_s: float) -> Iterator[Result]:
    if idle is not None and idle.age_s >= longest_s:
        who = f"pid {idle.pid}, user {idle.user}"
        if idle.application:
            who += f", application {idle.application}"
        yield degraded(
            f"In {database} a transaction has stood open and idle for {idle.age_s:.0f} s ({who}): it holds "
            "its locks, and VACUUM back.",
            code="database.idle_in_transaction",
            fix="Find what waits inside a transaction (a call of another service within atomic(), a shell "
            f"left open). SELECT pg_terminate_backend({idle.pid}) ends it; "
            "idle_in_transaction_session_timeout ends the next one.",
            observed=round(idle.age_s, 1),
            unit="s",
        )
