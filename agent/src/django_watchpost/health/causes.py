"""Why a database cannot be reached, told apart by what the drivers of PostgreSQL, MySQL and SQLite say.

PostgreSQL's sentences are those of its sources (``src/backend/libpq``, ``postmaster.c``) in English, and its
codes those of appendix A of its manual; libpq gives no code for a connection that failed, so that a server
which speaks another language (``lc_messages``) is told as unreachable, with its own words. The numbers are
those of MySQL's error reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django_watchpost.health.contract import Result, error


@dataclass(frozen=True, slots=True)
class Cause:
    """``words``: what the driver says; ``numbers``: SQLSTATE or MySQL's error. ``sentence`` and ``fix`` may
    name {database}, {place}, {said} and {deadline}."""

    name: str
    words: str
    numbers: tuple[str | int, ...]
    sentence: str
    fix: str
    code: str = "database.unreachable"


# The order matters: where a name has two addresses, libpq says what came of each, "refused" among them.
CAUSES = (
    Cause(
        "too_many_connections",
        r"too many clients|remaining connection slots|too many connections|no more connections allowed"
        r"|max_client_conn|max clients? (connections )?reached|max_user_connections",
        ("53300", 1040, 1203, 1226),
        "{database} gives no more connections: {said}",
        "Look at who holds them (PostgreSQL: SELECT usename, application_name, state, count(*) FROM "
        "pg_stat_activity GROUP BY 1, 2, 3). Lower workers x threads or the pool's max_size, set "
        "CONN_MAX_AGE "
        "to 0 under ASGI, or put PgBouncer between; raising max_connections comes last.",
        "database.too_many_connections",
    ),
    Cause(
        "authentication",
        r"authentication failed|no pg_hba\.conf entry|role \".*\" does not exist|no password supplied"
        r"|Access denied|not permitted to log in",
        ("28P01", "28000", 1044, 1045, 1698),
        "{database} does not let this user in: {said}",
        "Compare USER and PASSWORD in DATABASES with the server; was the password changed there, and the "
        "process not restarted?",
    ),
    Cause(
        "unknown_database",
        r"database \".*\" does not exist|Unknown database",
        ("3D000", 1049),
        "{database} does not exist on its server: {said}",
        "Compare NAME in DATABASES with the databases of the server, or create it.",
    ),
    Cause(
        "unknown_host",
        r"could not translate host name|Name or service not known|nodename nor servname|failed to resolve"
        r"|name resolution|Unknown (MySQL )?server host|getaddrinfo|No address associated",
        (2005,),
        "The host name of {database} is not known: {said}",
        "Compare HOST in DATABASES with the name the server has now, and ask for it on this machine (getent "
        "hosts NAME).",
    ),
    Cause(
        "starting",
        r"starting up|shutting down|not yet accepting connections|in recovery mode|administrator command",
        ("57P01", "57P02", "57P03", 1053),
        "{database} starts, stops or recovers and serves nobody: {said}",
        "Wait until it has started; if it goes on, its log says what it recovers from.",
    ),
    Cause(
        "locked",
        r"database (table )?is locked",
        (),
        "{database} was locked by another process for {deadline:g} s.",
        "Find the long write (lsof on the file); turn on WAL (PRAGMA journal_mode=WAL), keep transactions "
        "short, or move to PostgreSQL.",
    ),
    Cause(
        "file",
        r"unable to open database|not a database|malformed|disk I/O error",
        (),
        "The file of {database} cannot be read: {said}",
        "See that the file is there, whole, and belongs to the user of this process; else restore it from "
        "the "
        "last backup.",
    ),
    Cause(
        "timeout",
        r"time(d )?[ -]?out|Timeout",
        (2013,),
        "{database} did not answer within {deadline:g} s.",
        "Is the server overloaded, frozen or behind a firewall that drops packets? Try it from this machine "
        "(psql, mysql) and look at its load and its log.",
    ),
    Cause(
        "refused",
        r"refused|No such file or directory|Can't connect|server closed the connection|reset by peer",
        (2002, 2003, 2006),
        "{database} cannot be connected to, nothing answers at {place}: {said}",
        "Start the database server, or compare HOST and PORT in DATABASES with where it listens.",
    ),
)
_OTHER = Cause(
    "other",
    "",
    (),
    "{database} does not work: {said}",
    "Try the same connection from this machine (manage.py dbshell).",
)


def explain(problem: BaseException, database: str, place: str, deadline_s: float) -> Result:
    """``database``: its alias and kind in words; ``place``: host and port, or the file."""
    said = _first_line(problem)
    cause = next((one for one in CAUSES if _fits(one, problem)), _OTHER)
    known = {"database": database, "place": place, "said": said, "deadline": deadline_s}
    sentence = cause.sentence.format(**known)
    if sentence[-1] not in ".!?":
        sentence += "."
    return error(sentence, code=cause.code, fix=cause.fix, details={"cause": cause.name})


def _fits(cause: Cause, problem: BaseException) -> bool:
    return any(
        re.search(cause.words, str(one)) or not _numbers(one).isdisjoint(cause.numbers)
        for one in chain(problem)
    )


def chain(problem: BaseException | None) -> Iterator[BaseException]:
    """An exception and those it came from."""
    seen: set[int] = set()
    while problem is not None and id(problem) not in seen:
        seen.add(id(problem))
        yield problem
        problem = problem.__cause__ or problem.__context__


def _numbers(problem: BaseException) -> set[str | int]:
    first = problem.args[0] if problem.args else None
    found = {getattr(problem, "sqlstate", None), first if isinstance(first, int) else None}
    return {one for one in found if one is not None}


def _first_line(problem: BaseException) -> str:
    """What a driver says, in one line; libpq writes one for each address, the last being the last tried."""
    words = problem.args[1] if len(problem.args) > 1 and isinstance(problem.args[1], str) else str(problem)
    lines = [line.strip() for line in str(words).splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line] or lines or [type(problem).__name__]
    return telling[0].rsplit("FATAL:", 1)[-1].strip()[:300]
