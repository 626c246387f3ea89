"""Bringing the database up to date: whoever starts first does it, under a lock, after a backup."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BACKUPS_KEPT = 3


class AlreadyRunning(RuntimeError):
    """Another process holds the lock of this data folder."""


@contextmanager
def locked(path: Path, wait: bool) -> Iterator[TextIO]:
    """Hold ``path`` for as long as the block runs; the kernel lets go of it when the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise AlreadyRunning(f"another process already uses {path.parent}") from None
        yield file


def prepare_database() -> bool:
    """Migrate if needed; whether anything was done."""
    with locked(settings.DATA_DIR / "migrate.lock", wait=True):
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not plan:
            return False
        if executor.loader.applied_migrations:
            back_up_before_migration()
        call_command("migrate", verbosity=0, interactive=False)
        connection.close()
    return True


def back_up_before_migration() -> Path | None:
    """A consistent copy beside the database; only the newest few are kept. SQLite only: with PostgreSQL
    the operator's own backups are the right place."""
    if connection.vendor != "sqlite":
        return None
    folder: Path = settings.DATA_DIR / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    number = (
        max((int(p.stem.rsplit("-", 1)[1]) for p in folder.glob("before-migration-*.sqlite3")), default=0) + 1
    )
    target = folder / f"before-migration-{number:04d}.sqlite3"
    copy_sqlite(Path(str(settings.DATABASES["default"]["NAME"])), target)
    for old in sorted(folder.glob("before-migration-*.sqlite3"))[:-BACKUPS_KEPT]:
        old.unlink()
    return target


def copy_sqlite(source: Path, target: Path) -> None:
    """SQLite's own online backup: consistent while others write."""
    before = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    after = sqlite3.connect(target)
    with after:
        before.backup(after, pages=1000)
    after.close()
    before.close()
