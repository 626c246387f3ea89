"""Bringing the database up to date: whoever starts first does it, under a lock, after a backup."""

from __future__ import annotations

import fcntl
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from watchpost.config.private import make_file, make_folder
from watchpost.config.sqlite import copy_database

BACKUPS_KEPT = 3
MIGRATION_KEY = 0x4D696772  # "Migr"


class BackupFailed(RuntimeError):
    """No copy, no migration; the message is one line for a person."""


class NotMigrated(RuntimeError):
    """A migration failed; the message is one line for a person."""


class NewerDatabase(RuntimeError):
    """Nothing was changed; the message is one line for a person."""


class AlreadyRunning(RuntimeError):
    """Another process holds the lock of this data folder."""


@contextmanager
def locked(path: Path, wait: bool) -> Iterator[TextIO]:
    """Hold ``path`` for as long as the block runs; the kernel lets go of it when the process dies."""
    make_folder(path.parent)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise AlreadyRunning(f"another process already uses {path.parent}") from None
        yield file


def prepare_database() -> bool:
    """Migrate if needed; whether anything was done."""
    with locked(settings.DATA_DIR / "migrate.lock", wait=True), _alone_on_the_server():
        if connection.vendor == "sqlite":
            make_file(Path(str(settings.DATABASES["default"]["NAME"])))
        executor = MigrationExecutor(connection)
        refuse_newer(executor)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not plan:
            return False
        copy = back_up_before_migration() if executor.loader.applied_migrations else None
        try:
            call_command("migrate", verbosity=0, interactive=False)
        except DatabaseError as error:
            kept = f"; a copy of before is {copy}" if copy else ""
            raise NotMigrated(f"the database could not be brought up to date ({error}){kept}") from error
    connection.close()
    return True


def refuse_newer(executor: MigrationExecutor) -> None:
    """Raises NewerDatabase: what a later version wrote, this one would misread."""
    ours = {config.label for config in apps.get_app_configs() if config.name.startswith("watchpost.")}
    known = set(executor.loader.disk_migrations)
    if unknown := sorted(
        key for key in executor.loader.applied_migrations if key[0] in ours and key not in known
    ):
        app, name = unknown[0]
        raise NewerDatabase(
            f"the database was written by a newer version of Watchpost ({app} {name}); install that version "
            "again, or restore a backup of before it"
        )


@contextmanager
def _alone_on_the_server() -> Iterator[None]:
    """The lock file reaches one machine; on PostgreSQL another one may be migrating the same database."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_KEY])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_KEY])


def back_up_before_migration() -> Path | None:
    """A consistent copy beside the database; only the newest few are kept. SQLite only: with PostgreSQL
    the operator's own backups are the right place. Raises BackupFailed."""
    if connection.vendor != "sqlite":
        return None
    folder: Path = settings.DATA_DIR / "backups"
    try:
        make_folder(folder)
        kept = _backups(folder)
        number = max(kept, default=0) + 1
        target = folder / f"before-migration-{number:04d}.sqlite3"
        partial = target.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        copy_database(Path(str(settings.DATABASES["default"]["NAME"])), partial)
        partial.rename(target)
        for number in [n for n in kept if _schema_of(kept[n]) == _schema_of(target)]:
            kept.pop(number).unlink()  # an upgrade that fails at every start must not push out good copies
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(
            f"the copy before the migration cannot be made in {folder} ({error}); nothing was migrated. "
            "Free some space there or mend its permissions, then start again"
        ) from None
    for old in sorted(kept)[: len(kept) + 1 - BACKUPS_KEPT]:
        kept[old].unlink(missing_ok=True)
    return target


def _schema_of(copy: Path) -> set[tuple[str, str]]:
    """The migrations applied in a copy: its version."""
    database = sqlite3.connect(f"file:{copy}?mode=ro", uri=True)
    try:
        return set(database.execute("SELECT app, name FROM django_migrations").fetchall())
    except sqlite3.Error:  # a broken copy is like no other
        return {(str(copy), "")}
    finally:
        database.close()


def _backups(folder: Path) -> dict[int, Path]:
    """Our copies by number; files of other names are somebody else's."""
    found = {}
    for path in folder.glob("before-migration-*.sqlite3"):
        if match := re.fullmatch(r"before-migration-(\d+)", path.stem):
            found[int(match[1])] = path
    return found
