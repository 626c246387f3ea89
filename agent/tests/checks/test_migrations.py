"""The migrations check, on the real migrations of real apps."""

from __future__ import annotations

import sqlite3
import sys
import textwrap

import pytest
from django.core.management import call_command
from django.db import connections

from django_watchpost.health.checks import migrations
from django_watchpost.health.checks.migrations import Migrations
from django_watchpost.health.contract import Status
from tests.checks.many import runs_leave_nothing

SQLITE = "django.db.backends.sqlite3"


@pytest.fixture(autouse=True)
def _fresh():
    """As in a process that has just begun."""
    migrations._known.clear()
    migrations._replaced.clear()
    yield
    migrations._known.clear()
    migrations._replaced.clear()


@pytest.fixture
def path(database, folder):
    """A database ``default`` in a file, which exists and is empty."""
    path = folder / "shop.sqlite3"
    path.touch()
    kept = connections["default"]
    del connections["default"]
    database("default", ENGINE=SQLITE, NAME=path)
    yield path
    connections["default"].close()
    connections["default"] = kept


@pytest.fixture
def app(folder, settings, monkeypatch):
    """An app of the project with the migrations given: names and their bodies."""

    def make(**bodies: str) -> None:
        package = folder / "till"
        (package / "migrations").mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
        (package / "migrations" / "__init__.py").touch()
        for name, body in bodies.items():
            text = f"from django.db.migrations import Migration as M\nclass Migration(M):\n{textwrap.indent(body, '    ')}\n"
            (package / "migrations" / f"{name}.py").write_text(text)
        for name in [one for one in sys.modules if one.split(".")[0] == "till"]:
            del sys.modules[name]
        settings.INSTALLED_APPS = ["django.contrib.contenttypes", "till"]
        _fresh_code()

    monkeypatch.syspath_prepend(str(folder))
    return make


def _fresh_code():
    migrations._known.clear()
    migrations._replaced.clear()


def test_a_database_that_was_never_migrated(path):
    result = Migrations().run()
    assert (result.status, result.code) == (Status.ERROR, "migrations.pending")
    assert path.read_bytes() == b"", "nothing was written"


def test_all_applied_then_one_pending(path, app):
    app(m0001="initial = True")
    call_command("migrate", verbosity=0)
    before = path.read_bytes()
    assert Migrations().run().status is Status.OK
    app(m0001="initial = True", m0002="dependencies = [('till', 'm0001')]")
    result = Migrations().run()
    assert (result.status, result.code, result.observed) == (Status.DEGRADED, "migrations.pending", 1)
    assert result.message == (
        "1 migration of this code is not applied to the database 'default': till.m0002."
    )
    assert path.read_bytes() == before
    call_command("migrate", verbosity=0)
    assert Migrations().run().status is Status.OK


def test_a_squashed_migration_counts_as_applied_when_all_it_replaces_are(path, app):
    app(a1="initial = True", a2="dependencies = [('till', 'a1')]")
    call_command("migrate", "till", "a1", verbosity=0)
    call_command("migrate", "contenttypes", verbosity=0)
    squashed = "initial = True\nreplaces = [('till', 'a1'), ('till', 'a2')]"
    app(a1="initial = True", a2="dependencies = [('till', 'a1')]", s1=squashed)
    assert Migrations().run().details["pending"] == ["till.s1"]
    with sqlite3.connect(path) as one:
        one.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('till', 'a2', '2026-01-01')")
    assert Migrations().run().status is Status.OK


@pytest.mark.parametrize(
    ("bodies", "words"),
    [
        ({"m1": "initial = True", "m2": "dependencies = [('till', 'gone')]"}, "nonexistent"),
        ({"m1": "initial = True", "m2": "raise RuntimeError('no')"}, "RuntimeError: no"),
        ({"m1": "initial = True", "m2": "initial = True"}, "several last migrations: m1, m2"),
    ],
)
def test_migrations_that_cannot_be_read(path, app, bodies, words):
    app(**bodies)
    result = Migrations().run()
    assert (result.status, result.code) == (Status.DEGRADED, "migrations.unreadable")
    assert words in result.message


def test_other_databases_are_quiet_unless_migrated(database, folder, app):
    app(m1="initial = True")
    path = folder / "legacy.sqlite3"
    path.touch()
    database("legacy", ENGINE=SQLITE, NAME=path)
    assert Migrations(alias="legacy").run().status is Status.OK
    call_command("migrate", "till", database="legacy", verbosity=0)
    assert Migrations(alias="legacy").run().status is Status.OK, "only what was ever migrated there counts"
    app(m1="initial = True", m2="dependencies = [('till', 'm1')]")
    result = Migrations(alias="legacy").run()
    assert (result.code, result.details["pending"]) == ("migrations.pending", ["till.m2"])
    assert "--database legacy" in result.fix


def test_a_database_that_is_down_is_left_to_its_own_check(database, folder):
    database("gone", ENGINE="django.db.backends.postgresql", NAME="x", HOST="127.0.0.1", PORT=1)
    gone = Migrations(alias="gone").run()
    assert gone.status is Status.UNKNOWN
    assert gone.message.endswith("did not answer (OperationalError): its own check says why.")
    database("missing", ENGINE=SQLITE, NAME=folder / "no.sqlite3")
    assert Migrations(alias="missing").run().status is Status.UNKNOWN
    assert not (folder / "no.sqlite3").exists()


def test_replicas_and_dummies_are_not_found(database):
    database("none", ENGINE="django.db.backends.dummy")
    database("replica", ENGINE=SQLITE, NAME="x", TEST={"MIRROR": "default"})
    assert [one.id for one in Migrations.found()] == ["migrations"]


def test_runs_leave_no_connection(database, postgres):
    database(
        "shop",
        ENGINE="django.db.backends.postgresql",
        NAME="shop",
        USER="shop",
        HOST="127.0.0.1",
        PORT=postgres,
    )
    check = Migrations(alias="shop")
    assert check.run().status is Status.OK
    with connections["shop"].cursor() as cursor:

        def count():
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
            return cursor.fetchone()[0]

        runs_leave_nothing(check, 300, count)
