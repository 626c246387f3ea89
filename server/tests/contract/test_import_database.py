"""`watchpost import healthchecks --database`: a database as a Healthchecks server made it, on SQLite and on
PostgreSQL. It tells what its API does not: where channels lead, and the ping key."""

from __future__ import annotations

import atexit
import glob
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.contract.speaking import Project
from tests.contract.test_import import Ran, assert_one_line, checks
from tests.e2e.installation import Installation
from tests.postgres import database_setting, free_port, start_postgres

HERE = Path(__file__).parent
THEIR_KEY = "Rc3sPnYl2XqW7bKd0aTzUg"
CODES = [f"07c2f548-9850-4b27-af5d-6c9dc157000{number}" for number in (1, 2, 3, 4)]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def theirs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What --database is given."""
    tables = (HERE / f"healthchecks_{request.param}.sql").read_text()
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("hc") / "hc.sqlite"
        base = sqlite3.connect(path)
        base.executescript(tables)
        base.close()
        return str(path)
    if not glob.glob("/usr/lib/postgresql/*/bin/initdb") and "CI" not in os.environ:
        pytest.skip("PostgreSQL is missing: no database on it was imported")
    folder = tempfile.mkdtemp(prefix="watchpost-hc-")  # pytest's own folders are closed to its user
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # after the server, which ends at exit too
    url = start_postgres(folder)
    with psycopg.connect(url) as base_:
        base_.execute(tables)
    return url


@pytest.fixture(scope="module")
def here(theirs: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project of an installation of its own: the uuids are the same in both databases."""
    name = "moved_pg" if "://" in theirs else "moved_sqlite"
    running = Installation(tmp_path_factory.mktemp(name), 9, PING_RATE="100000", **database_setting(name))
    try:
        running.sign_in_link()
        yield Project.make(running, "Shop")
    finally:
        running.close()


def bring(here: Project, database: str, *more: str) -> Ran:
    return here.running.command(
        "import", "healthchecks", "--database", database, "--project", here.slug, *more
    )


def channels(here: Project) -> dict[str, dict[str, Any]]:
    bearer = {"Authorization": f"Bearer {here.token()}"}
    return {one["name"]: one for one in here.ask("GET", "/v1/channels", headers=bearer).json["items"]}


def test_checks_and_channels_come_and_jobs_change_the_host_alone(here: Project, theirs: str) -> None:
    planned = bring(here, theirs, "--their-project", "Shop", "--dry-run", "--json")
    assert planned.returncode == 0, planned.stderr
    assert (checks(here), channels(here)) == ({}, {})
    ran = bring(here, theirs, "--their-project", "Shop", "--json")
    assert ran.returncode == 0, ran.stderr
    done = json.loads(ran.stdout)
    assert json.loads(planned.stdout) | {"dry_run": False} == done
    assert (done["created"], done["missing"]) == (7, 0)
    brought = checks(here)
    assert sorted(brought) == CODES
    backup = {
        "name": "Backup",
        "slug": "backup",
        "tags": "prod db",
        "desc": "of ${HOME} at $5",
        "timeout": 600,
    }
    assert backup.items() <= brought[CODES[0]].items()
    assert {"schedule": "5 4 * * 1-5", "tz": "Europe/Riga", "methods": "POST"}.items() <= brought[
        CODES[1]
    ].items()
    assert {"schedule": "Mon *-*-* 03:00", "status": "paused"}.items() <= brought[CODES[2]].items()
    assert {"timeout": 172_800, "filter_default_fail": True, "start_kw": "go"}.items() <= brought[
        CODES[3]
    ].items()
    made = channels(here)
    assert {name: (one["kind"], one["projects"]) for name, one in made.items()} == {
        "ops": ("email", ["shop"]), "boss-example-com": ("email", ["shop"]), "room-hook": ("webhook", ["shop"]),
    }  # fmt: skip
    assert made["ops"]["spec"]["to"] == ["ops@example.com"]
    assert made["room-hook"]["spec"]["url"] == "https://hooks.example.com/in?a=1"
    assert "s3cret" not in str(made)
    left = {one["what"]: f"{one['why']}: {one['fix']}" for one in done["not_brought"]}
    assert "nobody has confirmed its address" in left["channel Never confirmed (email)"]
    assert "switched off there" in left["channel Down only (email)"]
    assert "sends 'GET'" in left["channel By address (webhook)"]
    assert "no such kind here" in left["channel Slack (slack)"]
    assert "JSON of one form" in left["body of channel Room hook (webhook)"]
    assert "--take-ping-key" in left["the ping key"]


def test_with_their_ping_key_jobs_that_ping_by_name_do_so_too(here: Project, theirs: str) -> None:
    bring(here, theirs, "--their-project", "Shop")
    assert here.ask("GET", f"/ping/{THEIR_KEY}/backup").status == 404
    assert here.ask("GET", f"/ping/{here.ping_key}/backup").status == 200
    ran = bring(here, theirs, "--their-project", "Shop", "--take-ping-key")
    assert "~ the ping key of shop\n" in ran.stdout
    assert "0 created, 1 changed, 7 as they were." in ran.stdout
    assert here.ask("GET", f"/ping/{THEIR_KEY}/backup").status == 200
    assert here.ask("GET", f"/ping/{here.ping_key}/backup").status == 404
    again = bring(here, theirs, "--their-project", "Shop")
    assert "0 created, 0 changed, 7 as they were." in again.stdout
    assert "ping key" not in again.stdout
    other = Project.make(here.running, "Keyless")
    told = bring(other, theirs, "--their-project", "Shop", "--take-ping-key")
    assert "! channels and the ping key\n    not looked at: the checks are in shop here" in told.stdout
    assert "~" not in told.stdout
    assert here.ask("GET", f"/ping/{THEIR_KEY}/backup").status == 200


def test_a_channel_that_is_here_is_not_made_twice(here: Project, theirs: str) -> None:
    bring(here, theirs, "--their-project", "Shop")
    made = channels(here)
    bearer = {"Authorization": f"Bearer {here.token()}", "Content-Type": "application/json"}
    elsewhere = json.dumps({"to": ["night@example.com"]}).encode()
    assert here.ask("PATCH", f"/v1/channels/{made['ops']['id']}", elsewhere, bearer).status == 200
    ran = bring(here, theirs, "--their-project", "Shop")
    assert (
        "! channel Ops (email)\n    leads elsewhere here, as ops: it was changed here, or there" in ran.stdout
    )
    assert "0 created, 0 changed, 6 as they were." in ran.stdout


def changed(theirs: str, tmp_path: Path, *statements: str) -> str:
    """A copy of their database in which something was changed."""
    path = tmp_path / f"changed{len(statements)}.sqlite"
    base = sqlite3.connect(path)
    base.executescript((HERE / "healthchecks_sqlite.sql").read_text() + ";".join(statements))
    base.close()
    return str(path)


NEW_CODES = "UPDATE api_check SET code = replace(code, '07c2f548', '11111111') WHERE project_id = 1"


def test_channels_of_the_same_name_or_the_same_place(here: Project, theirs: str, tmp_path: Path) -> None:
    """Names belong to the whole installation and say nothing of where a channel leads."""
    bring(here, theirs, "--their-project", "Shop")
    bearer = {"Authorization": f"Bearer {here.token()}", "Content-Type": "application/json"}
    hand_made = json.dumps({"name": "on-call", "kind": "email", "to": ["me@example.com"]}).encode()
    assert here.ask("POST", "/v1/channels", hand_made, bearer).status == 201
    copy = changed(
        theirs, tmp_path, NEW_CODES,
        "UPDATE api_channel SET name = 'On call', value = 'team@example.com' WHERE id = 1",
        "UPDATE api_channel SET name = 'Дежурный', value = 'a1@example.com', email_verified = 1 WHERE id = 3",
        "UPDATE api_channel SET name = 'Смена', value = 'a2@example.com', disabled = 0 WHERE id = 4",
        "UPDATE api_channel SET name = 'Twin', kind = 'email', value = 'a2@example.com', email_verified = 1 WHERE id = 7",
    )  # fmt: skip
    other = Project.make(here.running, "Second")
    ran = bring(other, copy, "--their-project", "Shop", "--json")
    told = json.loads(ran.stdout)
    assert told["missing"] == 0
    steps = {step["what"]: step["changes"] for step in told["steps"] if "channel" in step["what"]}
    assert [what for what in steps if not steps[what]] == [
        "channel second-on-call (email)", "channel email (email)", "channel second-email (email)",
    ]  # fmt: skip
    assert [what for what in steps if steps[what]] == ["channel boss-example-com", "channel room-hook"]
    made = channels(here)
    assert made["second-on-call"]["spec"]["to"] == ["team@example.com"]
    assert {"second", "shop"} <= set(made["boss-example-com"]["projects"])
    again = json.loads(bring(other, copy, "--their-project", "Shop", "--json").stdout)
    assert (again["created"], again["changed"]) == (0, 0)


def test_one_odd_row_costs_itself_alone(here: Project, theirs: str, tmp_path: Path) -> None:
    copy = changed(
        theirs, tmp_path, "UPDATE api_check SET code = replace(code, '07c2f548', '22222222')",
        "UPDATE accounts_project SET code = 'no uuid' WHERE id = 2",
        "UPDATE api_check SET name = CAST(x'ff41' AS TEXT) WHERE id = 2",
        "UPDATE api_check SET grace = 1 WHERE id = 1",
    )  # fmt: skip
    third = Project.make(here.running, "Third")
    ran = bring(third, copy, "--their-project", "Shop", "--dry-run")
    assert ran.returncode == 1, ran.stderr
    assert "grace is too small: 0" in ran.stdout
    assert (
        len([line for line in ran.stdout.splitlines() if line.startswith("+ ") and "channel" not in line])
        == 3
    )
    assert ", 1 could not be brought." in ran.stdout


def test_which_project_is_asked_with_the_names_there_are(here: Project, theirs: str) -> None:
    assert_one_line(
        bring(here, theirs), "--their-project: say which one: Shop (4 checks), ada@example.com (1 check)"
    )
    assert_one_line(
        bring(here, theirs, "--their-project", "Shopp"), "no project Shopp there; did you mean Shop?"
    )
    nameless = Project.make(here.running, "Nameless")
    ran = bring(nameless, theirs, "--their-project", "ada@example.com")
    assert "+ Of another project" in ran.stdout
    assert "+ channel else-example-com (email)" in ran.stdout


def test_what_is_no_database_of_theirs_is_one_line(here: Project, tmp_path: Path) -> None:
    text, empty = tmp_path / "notes.txt", tmp_path / "empty.sqlite"
    text.write_text("no database " * 100)
    sqlite3.connect(empty).execute("CREATE TABLE api_check (id integer)")
    old = tmp_path / "old.sqlite"
    with sqlite3.connect(old) as base:
        base.executescript((HERE / "healthchecks_sqlite.sql").read_text())
        base.execute("ALTER TABLE api_check RENAME COLUMN grace TO patience")
    assert_one_line(bring(here, str(tmp_path / "none")), "--database: there is no file")
    assert_one_line(bring(here, str(text)), "this is no database of Healthchecks: file is not a database")
    assert_one_line(bring(here, str(empty)), "this is no database of Healthchecks: no such table")
    assert_one_line(
        bring(here, str(old), "--their-project", "Shop"), "of a version that is known: KeyError('grace')"
    )
    assert_one_line(bring(here, "mysql://root@db/hc"), "mysql:// is not read")
    assert_one_line(bring(here, str(tmp_path)), "is a folder; give the file in it")
    for odd in (
        "postgresql://u:s3cret%PW@127.0.0.1/hc",
        "postgresql://u:s3cret@PW@127.0.0.1/hc",
        "postgresql://[x",
    ):
        ran = bring(here, odd)
        assert_one_line(ran, "in a password @ is written %40")
        assert "PW" not in ran.stderr
    closed = f"postgresql://ada:s3cret@127.0.0.1:{free_port()}/hc"
    ran = bring(here, closed)
    assert_one_line(ran, "--database: no answer: ")
    assert "s3cret" not in ran.stderr
    assert_one_line(bring(here, str(old), "--api-key", "k" * 32), "--api-key: a database is read without one")
    no_key = here.running.command(
        "import", "healthchecks", "--url", "http://127.0.0.1:9", "--project", here.slug, "--take-ping-key"
    )
    assert_one_line(no_key, "--take-ping-key: only a database tells it")


def test_reading_leaves_nothing_beside_the_file(here: Project, tmp_path: Path) -> None:
    """A log of ours beside it could not be written by the user of their server."""
    path = tmp_path / "hc.sqlite"
    base = sqlite3.connect(path)
    base.executescript((HERE / "healthchecks_sqlite.sql").read_text())
    base.execute("PRAGMA journal_mode = WAL")
    base.close()
    assert bring(here, str(path), "--their-project", "Shop", "--dry-run").returncode == 0
    assert [each.name for each in tmp_path.iterdir()] == ["hc.sqlite"]


def test_a_database_that_is_written_meanwhile_is_read(here: Project, tmp_path: Path) -> None:
    """Their server runs on: a write that is under way hides nothing that was there before."""
    path = tmp_path / "busy.sqlite"
    base = sqlite3.connect(path, isolation_level=None)
    base.executescript((HERE / "healthchecks_sqlite.sql").read_text())
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("BEGIN IMMEDIATE")
    base.execute("DELETE FROM api_check")
    try:
        ran = bring(here, str(path), "--their-project", "Shop", "--dry-run", "--json")
    finally:
        base.close()
    told = json.loads(ran.stdout)
    assert told["unchanged"] + told["created"] >= 4, ran.stderr
