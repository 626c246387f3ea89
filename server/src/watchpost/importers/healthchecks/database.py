"""The database of a Healthchecks server, read: SQLite, or PostgreSQL. It tells what the API does not: where
channels lead, and the ping key.

Columns that are younger than the server's version are simply absent: rows are read by the names of columns.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import psycopg.conninfo
from psycopg.rows import dict_row

from watchpost.importers import Found, Left, Unreadable, WantedChannel
from watchpost.importers.healthchecks.answers import counted, past_pings, read_checks, unequal_channels
from watchpost.importers.healthchecks.channels import read_channel
from watchpost.monitors.sentences import did_you_mean
from watchpost.monitors.spec import seen_text
from watchpost.registry import channels as our_channels

Row = Mapping[str, Any]
Query = Callable[..., Sequence[Row]]

WITHIN_S = 20
_TEXTS = ("name", "slug", "tags", "desc", "methods", "status", "n_pings", "start_kw", "success_kw",
          "failure_kw", "subject", "subject_fail")  # fmt: skip
_FLAGS = ("manual_resume", "filter_subject", "filter_body", "filter_http_body", "filter_default_fail")
_PROJECTS = """
SELECT p.*, u.email AS owner, (SELECT count(*) FROM api_check c WHERE c.project_id = p.id) AS checks
FROM accounts_project p JOIN auth_user u ON u.id = p.owner_id ORDER BY p.id
"""
_TOLD = """
SELECT x.check_id, x.channel_id FROM api_channel_checks x JOIN api_check c ON c.id = x.check_id
WHERE c.project_id = ?
"""
_TABLES = ("auth_user", "accounts_project", "api_check", "api_channel", "api_channel_checks")
_A_COPY = "or run this as the user of their server, or give a copy of the file"
_PASSWORDS = "in a password @ is written %40 and % is written %25, or leave it to PGPASSWORD"
_NONE_OF_THEIRS = "--database: this is no database of Healthchecks"


def read(where: str, project: str) -> Found:
    """``where``: a file, or postgresql://. ``project``: its name there, which may be left out when only one
    has checks. Raises Unreadable."""
    with _opened(where) as ask:
        try:
            return _read(ask, project)
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable(f"{_NONE_OF_THEIRS} of a version that is known: {error!r}") from None


def _read(ask: Query, project: str) -> Found:
    theirs = _find(ask, project)
    checks = ask("SELECT * FROM api_check WHERE project_id = ? ORDER BY id", theirs["id"])
    channels = ask("SELECT * FROM api_channel WHERE project_id = ? ORDER BY id", theirs["id"])
    told: dict[int, list[str]] = {}
    for pair in ask(_TOLD, theirs["id"]):
        told.setdefault(pair["check_id"], []).append(str(pair["channel_id"]))
    said = [_in_words_of_the_api(one, told) for one in checks]
    wanted, left, seen = read_checks(said, {})
    left += unequal_channels(seen, {str(one["id"]) for one in channels})
    found = [read_channel(one, our_channels()) for one in channels]
    left += [one for one in found if isinstance(one, Left)]
    brought = tuple(one for one in found if isinstance(one, WantedChannel))
    key = str(theirs.get("ping_key") or "")
    return Found(wanted, (*left, *past_pings(seen)), brought, key)


def _in_words_of_the_api(row: Row, told: Mapping[int, Sequence[str]]) -> dict[str, Any]:
    """As ``Check.to_dict`` there says it. A time that is none is left out, and costs that check alone."""
    check: dict[str, Any] = {name: row[name] for name in _TEXTS if name in row}
    check |= {name: bool(row[name]) for name in _FLAGS if name in row}
    check |= {"uuid": str(row["code"]), "channels": ",".join(told.get(row["id"], ()))}
    check["grace"] = _seconds(row["grace"])
    if row["kind"] == "simple":
        return check | {"timeout": _seconds(row["timeout"])}
    return check | {"schedule": row["schedule"], "tz": row["tz"]}


def _seconds(value: timedelta | int | None) -> int | None:
    """Django keeps a duration as an interval, or as microseconds where there are none."""
    if value is None:
        return None
    return int(value.total_seconds() if isinstance(value, timedelta) else value / 1_000_000)


def _find(ask: Query, name: str) -> Row:
    """Raises Unreadable with the names there are."""
    rows = ask(_PROJECTS)
    matching = [
        row for row in rows if name in (row["name"], _called(row)) or _uuid(name) == _uuid(row["code"])
    ]
    found = matching if name else [row for row in rows if row["checks"]]
    if len(found) == 1:
        return found[0]
    there = [f"{_called(row)} ({counted(row['checks'], 'check')})" for row in (found or rows)[:50]]
    if not there:
        raise Unreadable("--database: there is no project in it")
    if name and not found:
        known = did_you_mean(name, [_called(row) for row in rows])
        raise Unreadable(f"--their-project: there is no project {name} there; {known}")
    if name:
        codes = ", ".join(_uuid(row["code"]) for row in found)
        raise Unreadable(
            f"--their-project: {len(found)} projects there are called {name}; give one by its uuid: {codes}"
        )
    raise Unreadable(f"--their-project: say which one: {', '.join(there)}")


def _uuid(text: Any) -> str:
    """SQLite keeps them without hyphens."""
    return str(text).replace("-", "").lower()


def _called(row: Row) -> str:
    """A project without a name goes by its owner, as their pages show it."""
    return seen_text(str(row["name"] or "")) or str(row["owner"])


@contextlib.contextmanager
def _opened(where: str) -> Iterator[Query]:
    scheme, is_address, _ = where.partition("://")
    if is_address and scheme in ("postgres", "postgresql"):
        opening = _postgresql(where)
    elif is_address:
        raise Unreadable(
            f"--database: {scheme}:// is not read; give a file's path or postgresql://, or use --url"
        )
    else:
        opening = _sqlite(Path(where).expanduser())
    with opening as ask:
        yield ask


@contextlib.contextmanager
def _sqlite(path: Path) -> Iterator[Query]:
    try:
        address = f"file:{quote(str(path.absolute()))}?{_way_to_open(path)}"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=WITHIN_S)) as base:
            base.row_factory = sqlite3.Row
            base.text_factory = lambda text: text.decode(errors="replace")
            yield lambda query, *values: [dict(row) for row in base.execute(query, values)]
    except FileNotFoundError:
        raise Unreadable(f"--database: there is no file {path}") from None
    except IsADirectoryError:
        raise Unreadable(f"--database: {path} is a folder; give the file in it") from None
    except OSError as error:
        raise Unreadable(
            f"--database: {path} may not be read ({error.strerror}); {_A_COPY.removeprefix('or ')}"
        ) from None
    except sqlite3.DatabaseError as error:
        said = str(error)
        if "locked" in said or "unable to open" in said or "readonly" in said:
            raise Unreadable(
                f"--database: {path} cannot be read now ({said}); try again, {_A_COPY}"
            ) from None
        raise Unreadable(f"{_NONE_OF_THEIRS}: {said}") from None


def _way_to_open(path: Path) -> str:
    """Reading a write-ahead log makes files beside the database that would be ours. When nobody has it open,
    there is no log, and none is needed. See sqlite.org/wal.html, "Read-Only Databases"."""
    with path.open("rb") as file:
        has_log = file.read(20)[18:20] == b"\x02\x02"
    return "immutable=1" if has_log and not Path(f"{path}-wal").exists() else "mode=ro"


@contextlib.contextmanager
def _postgresql(url: str) -> Iterator[Query]:
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:  # what it says holds pieces of the password
        raise Unreadable(f"--database: this address cannot be read; {_PASSWORDS}") from None
    if url.count("@") > 1:
        raise Unreadable(f"--database: this address holds more than one @; {_PASSWORDS}")
    try:
        with psycopg.connect(url, connect_timeout=WITHIN_S, row_factory=dict_row) as base:
            base.execute("SET default_transaction_read_only = on")
            base.execute(f"SET statement_timeout = '{WITHIN_S}s'")
            base.commit()  # it holds from the next transaction on
            yield lambda query, *values: base.execute(query.replace("?", "%s"), values).fetchall()
    except psycopg.errors.InsufficientPrivilege as error:
        fix = f"its role needs SELECT on {', '.join(_TABLES)}"
        raise Unreadable(f"--database: {_first_line(error)}; {fix}") from None
    except psycopg.errors.QueryCanceled:
        raise Unreadable(f"--database: no answer within {WITHIN_S} s; is a table locked? Try again") from None
    except psycopg.OperationalError as error:
        raise Unreadable(f"--database: no answer: {_first_line(error)}") from None
    except psycopg.Error as error:
        raise Unreadable(f"{_NONE_OF_THEIRS}: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
