"""Copies of an SQLite database that others go on writing to. Without Django."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def copy_database(source: Path, target: Path) -> None:
    """SQLite's online backup, as one file that only its owner may read. Raises sqlite3.Error or OSError."""
    target.touch(mode=0o600)
    before = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=20)
    after = sqlite3.connect(target)
    try:
        with after:
            # In one piece: a copy in steps begins anew at every commit of a busy server.
            before.backup(after)
        after.execute("PRAGMA journal_mode=DELETE")
    finally:
        after.close()
        before.close()
