"""What the processes under test wrote, read beside them without Django, alike from SQLite and PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg


def read_sqlite(file: Path, query: str, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
    base = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=20)
    try:
        return base.execute(query, arguments).fetchall()
    finally:
        base.close()


def read_postgresql(url: str, query: str, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
    """``query`` is written for SQLite; so are the values that come back."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(query.replace("?", "%s").encode(), arguments or None).fetchall()
    return [tuple(map(_as_sqlite_has_it, row)) for row in rows]


def _as_sqlite_has_it(value: Any) -> Any:
    if isinstance(value, datetime):
        return str(value.astimezone(UTC).replace(tzinfo=None))
    if isinstance(value, UUID):
        return value.hex
    return json.dumps(value) if isinstance(value, dict | list) else value
