"""``watchpost backup FILE``: a consistent copy, also while the server runs."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from watchpost.cli.command import Command, Out, Refusal


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="the tar file to write; it holds the key, so keep it safe"
    )


def run(args: Namespace, out: Out) -> int:
    from watchpost import clock
    from watchpost.cli.archive import write_archive
    from watchpost.cli.installation import database_file, read_checked_settings, refuse_other_user
    from watchpost.config.table import find_data_dir

    data_dir, settings = find_data_dir(), read_checked_settings()
    database = database_file(settings["DATABASE_URL"], data_dir)
    if database is None:
        raise Refusal(
            "DATABASE_URL: PostgreSQL is backed up with its own tools; "
            f"run pg_dump --format=custom, and keep {data_dir / 'secret_key'} (or SECRET_KEY) with it"
        )
    if not database.is_file():
        raise Refusal(f"no installation at {data_dir}; start it with watchpost up, or give --data-dir")
    refuse_other_user(database)
    size = write_archive(
        database, _key(settings, data_dir), Path(args.file).absolute(), clock.now().isoformat()
    )
    data = {"file": os.path.abspath(args.file), "bytes": size}
    out.show(
        data, [f"Written: {args.file} ({size / 1e6:.1f} MB), with the database and its key. Keep it safe."]
    )
    if settings["SECRET_KEY_FALLBACKS"]:
        out.note(
            "SECRET_KEY_FALLBACKS is set, and no old key is in the backup: run watchpost rotate-key first."
        )
    return 0


def _key(settings: dict[str, str], data_dir: Path) -> str:
    if settings["SECRET_KEY"]:
        return settings["SECRET_KEY"]
    try:
        return (data_dir / "secret_key").read_text().strip()
    except OSError as error:
        raise Refusal(
            f"SECRET_KEY: {data_dir / 'secret_key'} cannot be read ({error.strerror}); set SECRET_KEY"
        ) from None


COMMAND = Command(
    "backup", "write database and key into one file, also while the server runs", configure, run
)
