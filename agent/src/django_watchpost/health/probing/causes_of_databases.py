"""Why a database cannot be reached.

PostgreSQL's sentences are those of its sources (``src/backend/libpq``, ``postmaster.c``) in English, and its
codes those of appendix A of its manual; libpq gives no code for a connection that failed, so that a server
which speaks another language (``lc_messages``) is told as unreachable, with its own words. The numbers are
those of MySQL's error reference. Sentences name {database}, {place} and {deadline}.
"""

from __future__ import annotations

from django_watchpost.health.probing.causes import Cause

# The order matters: where a name has two addresses, libpq says what came of each, "refused" among them.
DATABASE = (
    Cause(
        "too_many_connections",
        r"too many clients|remaining connection slots|too many connections|no more connections allowed"
        r"|max_client_conn|max clients? (connections )?reached|max_user_connections",
        ("53300", 1040, 1203, 1226),
        "{database} gives no more connections: {said}",
        "Look at who holds them (PostgreSQL: SELECT usename, application_name, state, count(*) FROM "
        "pg_stat_activity GROUP BY 1, 2, 3). Lower workers x threads or the pool's max_size, set "
        "CONN_MAX_AGE to 0 under ASGI, or put PgBouncer between; raising max_connections comes last.",
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
        "Compare HOST in DATABASES with the name the server has now, and ask for it on this machine "
        "(getent hosts NAME).",
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
        "The file of {database}, {place}, cannot be read: {said}",
        "See that the file is there, whole, and belongs to the user of this process; else restore it from "
        "the last backup.",
    ),
    Cause(
        "timeout",
        r"time(d )?[ -]?out|Timeout",
        (2013,),
        "{database} did not answer within {deadline:g} s.",
        "Is the server overloaded, frozen or behind a firewall that drops packets? Try it from this "
        "machine (psql, mysql) and look at its load and its log.",
    ),
    Cause(
        "refused",
        r"refused|No such file or directory|Can't connect|server closed the connection|reset by peer",
        (2002, 2003, 2006),
        "{database} cannot be connected to, nothing answers at {place}: {said}",
        "Start the database server, or compare HOST and PORT in DATABASES with where it listens.",
    ),
    Cause(
        "other",
        "",
        (),
        "{database} does not work: {said}",
        "Try the same connection from this machine (manage.py dbshell).",
    ),
)
