"""``watchpost restore FILE``: puts a backup in place; the server must be stopped."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, Namespace
from itertools import count
from pathlib import Path
from typing import Any

from watchpost.cli.command import Command, Out, Refusal
from watchpost.config.private import make_folder


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a file written by watchpost backup")
    parser.add_argument(
        "--force", action="store_true", help="replace what is there; it is kept beside as *.before-restore"
    )


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.archive import DATABASE, KEY, read_archive
    from watchpost.cli.installation import (
        database_file,
        engine_runs,
        read_checked_settings,
        refuse_other_user,
    )
    from watchpost.config.table import find_data_dir

    data_dir, settings = find_data_dir(), read_checked_settings()
    database = database_file(settings["DATABASE_URL"], data_dir)
    if database is None:
        raise Refusal(
            "DATABASE_URL: PostgreSQL is restored with its own tools; run pg_restore, then put the key back"
        )
    if engine_runs():
        raise Refusal(f"the server is running on {data_dir}; stop watchpost up first")
    if database.exists():
        refuse_other_user(database)
        if not args.force:
            raise Refusal(f"--force: {database} exists; add --force to replace it (it is kept beside)")
    make_folder(data_dir)
    make_folder(database.parent)
    with tempfile.TemporaryDirectory(dir=database.parent, prefix=".watchpost-restore-") as folder:
        about = read_archive(Path(args.file), Path(folder))
        kept = _put_in_place(Path(folder) / KEY, data_dir / "secret_key", ("",))
        kept += _put_in_place(Path(folder) / DATABASE, database, ("", "-wal", "-shm"))
    data: dict[str, Any] = {"database": str(database), "made_at": about.get("made_at"), "kept": kept}
    out.show(data, [f"Restored the backup of {about.get('made_at')}. Start the server with watchpost up."])
    if settings["SECRET_KEY"]:
        out.note(
            "SECRET_KEY is set: stored secrets can be read only if it is the key of that time, "
            f"or SECRET_KEY_FALLBACKS holds that one (it is in {data_dir / 'secret_key'} now)."
        )
    return 0


def _put_in_place(fresh: Path, target: Path, endings: tuple[str, ...]) -> list[str]:
    """What stands there is moved aside first, together with its write-ahead log; what an earlier restore
    moved aside stays, for it may be the only copy."""
    kept = []
    beside = _free_name(target, endings)
    for ending in endings:
        old = Path(f"{target}{ending}")
        if old.exists():
            # The log must keep the name of its database, or its last commits would be lost.
            old.replace(f"{beside}{ending}")
            kept.append(f"{beside}{ending}")
    fresh.replace(target)
    return kept


def _free_name(target: Path, endings: tuple[str, ...]) -> str:
    for number in count(1):
        name = f"{target}.before-restore" + (f"-{number}" if number > 1 else "")
        if not any(Path(f"{name}{ending}").exists() for ending in endings):
            return name
    raise AssertionError("count() ended")


COMMAND = Command("restore", "put a backup in place; the server must be stopped", configure, run)
