"""An old database is copied before it is migrated: real files, real processes."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

OLD = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", "monitors", "0001", verbosity=0)
"""
PREPARE = "from watchpost.cli.main import main; raise SystemExit(main(['web', '--listen', '127.0.0.1:1']))"
ONLY_PREPARE = "from watchpost.cli.installation import prepare; prepare()"


def run(code: str, data: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WATCHPOST_")} | {
        "WATCHPOST_DATA_DIR": str(data),
        "DJANGO_SETTINGS_MODULE": "watchpost.config.settings",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def rows(file: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(file)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data folder whose database is of an older version and holds a project."""
    data = tmp_path / "data"
    data.mkdir()
    made = run(OLD, data)
    assert made.returncode == 0, made.stderr
    connection = sqlite3.connect(data / "watchpost.sqlite3")
    with connection:
        connection.execute(
            "INSERT INTO monitors_project (slug, name, dsn_key, ping_key, applied, created_at)"
            " VALUES ('shop', 'Shop', 'd', 'p', 0, '2026-01-01')"
        )
    connection.close()
    return data


def applied(file: Path) -> set[object]:
    return {name for (name,) in rows(file, "SELECT app || name FROM django_migrations")}


def test_an_old_database_is_copied_before_it_is_migrated(old: Path) -> None:
    before = applied(old / "watchpost.sqlite3")
    done = run(ONLY_PREPARE, old)
    assert done.returncode == 0, done.stderr
    [copy] = (old / "backups").iterdir()
    assert copy.name == "before-migration-0001.sqlite3"
    assert copy.stat().st_mode & 0o077 == 0
    assert applied(copy) == before
    assert rows(copy, "SELECT slug FROM monitors_project") == [("shop",)]
    assert applied(old / "watchpost.sqlite3") > before
    assert run(ONLY_PREPARE, old).returncode == 0
    assert len(list((old / "backups").iterdir())) == 1  # nothing to migrate, nothing to copy


def test_a_new_database_needs_no_copy(tmp_path: Path) -> None:
    assert run(ONLY_PREPARE, tmp_path / "data").returncode == 0
    assert not (tmp_path / "data" / "backups").exists()


def test_a_failed_copy_stops_the_migration_with_one_line(old: Path) -> None:
    (old / "backups").write_text("a file where the folder should be")
    before = applied(old / "watchpost.sqlite3")
    refused = run(PREPARE, old)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    [line] = refused.stderr.strip().splitlines()
    assert "the copy before the migration cannot be made" in line
    assert "nothing was migrated" in line
    assert applied(old / "watchpost.sqlite3") == before


def test_only_the_newest_copies_are_kept(old: Path) -> None:
    folder = old / "backups"
    folder.mkdir()
    for number in range(8, 12):
        (folder / f"before-migration-{number:04d}.sqlite3").touch()
    (folder / "before-migration-by-hand.sqlite3").touch()
    assert run(ONLY_PREPARE, old).returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "before-migration-0010.sqlite3",
        "before-migration-0011.sqlite3",
        "before-migration-0012.sqlite3",
        "before-migration-by-hand.sqlite3",
    ]


def test_a_new_installation_is_its_owners_alone(tmp_path: Path) -> None:
    data = tmp_path / "new"
    made = run(ONLY_PREPARE, data)
    assert made.returncode == 0, made.stderr
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / "watchpost.sqlite3").stat().st_mode & 0o777 == 0o600


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert run(ONLY_PREPARE, data).returncode == 0
    connection = sqlite3.connect(data / "watchpost.sqlite3")
    with connection:
        connection.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('monitors', '0099_future', '2030-01-01')"
        )
    connection.close()
    refused = run("from watchpost.cli.main import main; raise SystemExit(main(['web']))", data)
    assert refused.returncode == 2
    assert "newer version of Watchpost (monitors 0099_future)" in refused.stderr
    asked = run("from watchpost.cli.main import main; raise SystemExit(main(['status']))", data)
    assert (asked.returncode, "newer version" in asked.stderr) == (2, True)


def test_an_upgrade_that_fails_at_every_start_keeps_the_good_copy(old: Path) -> None:
    connection = sqlite3.connect(old / "watchpost.sqlite3")
    with connection:  # what the next migration wants to make is there already
        connection.execute("CREATE TABLE incidents_incident (id integer)")
    connection.close()
    for _ in range(3):
        failed = run(ONLY_PREPARE, old)
        assert "could not be brought up to date" in failed.stderr
        assert "a copy of before is" in failed.stderr
    # Of the old version, and of how far the first start came.
    assert len(list((old / "backups").glob("*.sqlite3"))) == 2


def test_a_data_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    refused = run("from watchpost.cli.main import main; raise SystemExit(main(['up']))", tmp_path / "data")
    assert refused.returncode == 2
    assert "the data folder cannot be used" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_what_a_library_warns_of_is_a_line_of_json_like_all_others(tmp_path: Path) -> None:
    warns = "import django; django.setup(); import warnings; warnings.warn('a root\\nis odd', UserWarning)"
    ran = run(warns, tmp_path)
    [line] = [json.loads(one) for one in ran.stderr.splitlines()]
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")
    assert "is odd" in line["message"]
