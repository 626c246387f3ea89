"""The database check on files of SQLite."""

from __future__ import annotations

import os
import sqlite3

import pytest

from django_watchpost.health.checks.database import Database
from django_watchpost.health.contract import Status
from tests import servers

SQLITE = "django.db.backends.sqlite3"


@pytest.fixture
def file(database, folder):
    path = folder / "data" / "shop.sqlite3"
    path.parent.mkdir()
    with sqlite3.connect(path) as one:
        one.execute("CREATE TABLE orders (id INTEGER)")
    database("file", ENGINE=SQLITE, NAME=path)
    return path


def test_a_file_that_is_fine_is_left_as_it_was(file):
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    assert Database(alias="file").run().status is Status.OK
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert os.listdir(file.parent) == ["shop.sqlite3"]


@pytest.mark.parametrize(("which", "mode"), [("file", 0o444), ("folder", 0o555)])
def test_a_file_or_folder_that_is_read_only(file, which, mode):
    file.chmod(0o666)
    file.parent.chmod(0o777)
    (file if which == "file" else file.parent).chmod(mode)
    with servers.as_nobody():
        result = Database(alias="file").run()
        assert Database(alias="file", may_be_read_only=True).run().status is Status.OK
    assert (result.status, result.code) == (Status.ERROR, "database.read_only")
    assert f"its {which} " in result.message


def test_a_file_that_is_gone_is_not_made_anew(file):
    file.unlink()
    result = Database(alias="file").run()
    assert (result.status, result.code) == (Status.ERROR, "database.unreachable")
    assert str(file) in result.message
    assert not file.exists()


def test_a_folder_that_may_not_be_entered(file):
    file.parent.chmod(0o700)
    with servers.as_nobody():
        result = Database(alias="file").run()
    assert (result.code, result.details["cause"]) == ("database.unreachable", "file")


def test_a_file_that_is_broken_or_locked(file, database):
    good = file.read_bytes()
    file.write_bytes(b"no database at all" * 100)
    broken = Database(alias="file").run()
    assert broken.details["cause"] == "file"
    assert f"The file of SQLite database 'file', {file}, cannot be read" in broken.message
    file.write_bytes(good)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    result = Database(alias="file", deadline=0.2).run()
    other.close()
    assert (result.code, result.details["cause"]) == ("database.unreachable", "locked")
