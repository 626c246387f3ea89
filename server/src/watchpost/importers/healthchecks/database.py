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
from urllib.parse import quote, urlsplit
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from watchpost.importers import Found, Left, Unreadable, WantedChannel
from watchpost.importers.healthchecks.answers import counted, past_pings, read_checks, unequal_channels
from watchpost.importers.healthchecks.channels import read_channel
from watchpost.monitors.sentences import did_you_mean
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
    wanted, left, seen = read_checks([_in_words_of_the_api(one, told) for one in checks], {})
    left += unequal_channels(seen, {str(one["id"]) for one in channels})
    found = [read_channel(one, our_channels()) for one in channels]
    left += [one for one in found if isinstance(one, Left)]
    brought = tuple(one for one in found if isinstance(one, WantedChannel))
    return Found(wanted, (*left, *past_pings(seen)), brought, str(theirs.get("ping_key") or ""))


def _in_words_of_the_api(row: Row, told: Mapping[int, Sequence[str]]) -> dict[str, Any]:
    """As ``Check.to_dict`` there says it."""
    check: dict[str, Any] = {name: row[name] for name in _TEXTS if name in row}
    check |= {name: bool(row[name]) for name in _FLAGS if name in row}
    check |= {
        "uuid": str(row["code"]),
        "grace": _seconds(row["grace"]),
        "channels": ",".join(told.get(row["id"], ())),
    }
    if row["kind"] == "simple":
        return check | {"timeout": _seconds(row["timeout"])}
    return check | {"schedule": row["schedule"], "tz": row["tz"]}


def _seconds(value: timedelta | int) -> int:
    """Django keeps a duration as an interval, or as microseconds where there are none."""
    return int(value.total_seconds() if isinstance(value, timedelta) else value / 1_000_000)


def _find(ask: Query, name: str) -> Row:
    """Raises Unreadable with the names there are."""
    rows = ask(_PROJECTS)
    matching = [row for row in rows if name in (row["name"], str(UUID(str(row["code"]))), _called(row))]
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
        codes = ", ".join(str(UUID(str(row["code"]))) for row in found)
        raise Unreadable(
            f"--their-project: {len(found)} projects there are called {name}; give one by its uuid: {codes}"
        )
    raise Unreadable(f"--their-project: say which one: {', '.join(there)}")


def _called(row: Row) -> str:
    """A project without a name goes by its owner, as their pages show it."""
    return str(row["name"] or row["owner"])


@contextlib.contextmanager
def _opened(where: str) -> Iterator[Query]:
    scheme = urlsplit(where).scheme
    if scheme in ("postgres", "postgresql"):
        opening = _postgresql(where)
    elif "://" in where:
        raise Unreadable(
            f"--database: {scheme} is not read; give a SQLite file or postgresql://, or use --url"
        )
    else:
        opening = _sqlite(Path(where))
    with opening as ask:
        yield ask


@contextlib.contextmanager
def _sqlite(path: Path) -> Iterator[Query]:
    if not path.is_file():
        raise Unreadable(f"--database: there is no file {path}")
    base = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=WITHIN_S)
    base.row_factory = sqlite3.Row

    def ask(query: str, *values: Any) -> Sequence[Row]:
        return [dict(row) for row in base.execute(query, values)]

    try:
        yield ask
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise Unreadable(f"--database: {path} is locked; try again, or give a copy of it") from None
        raise Unreadable(f"{_NONE_OF_THEIRS}: {error}") from None
    finally:
        base.close()


@contextlib.contextmanager
def _postgresql(url: str) -> Iterator[Query]:
    options = f"-c default_transaction_read_only=on -c statement_timeout={WITHIN_S * 1000}"
    try:
        with psycopg.connect(url, connect_timeout=WITHIN_S, options=options, row_factory=dict_row) as base:

            def ask(query: str, *values: Any) -> Sequence[Row]:
                return base.execute(query.replace("?", "%s"), values).fetchall()

            yield ask
    except psycopg.OperationalError as error:
        raise Unreadable(f"--database: no answer: {_first_line(error)}") from None
    except psycopg.Error as error:
        raise Unreadable(f"{_NONE_OF_THEIRS}: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
