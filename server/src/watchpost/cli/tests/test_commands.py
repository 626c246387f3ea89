"""user, token, project, monitor, doctor, and what all commands have in common."""

from __future__ import annotations

import io
import os
import socket
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from watchpost import clock
from watchpost.accounts.links import digest_of
from watchpost.accounts.models import ApiToken, Membership, User
from watchpost.cli import installation
from watchpost.cli.main import find_commands, main
from watchpost.cli.tests.conftest import Cli
from watchpost.incidents.models import Delivery
from watchpost.monitors import edit
from watchpost.monitors.models import AliveSpan, Monitor, Project


def test_project_create_gives_everything_an_application_needs(cli: Cli) -> None:
    made = cli("project", "create", "My shop", "--json").json
    project = Project.objects.get()
    assert made.keys() == {"id", "slug", "dsn", "ping_key", "api_key"}
    assert made["slug"] == "my-shop"
    assert made["dsn"].endswith(f"{project.dsn_key}@localhost:8090/{project.pk}")
    assert ApiToken.objects.get(digest=digest_of(made["api_key"])).project == project
    twin = cli("project", "create", "My  Shop")
    assert twin.code == 2
    assert "--slug: there is a project my-shop already" in twin.err
    assert cli("project", "create", " ").code == 2


def test_token_create(cli: Cli) -> None:
    edit.create_project("shop", clock.now())
    made = cli("token", "create", "--name", "ci", "--project", "shop", "--read-only", "--json").json
    token = ApiToken.objects.get(digest=digest_of(made["token"]))
    assert (token.project.slug, token.read_only, token.name) == ("shop", True, "ci")
    assert made["token"] not in token.digest
    assert "did you mean shop?" in cli("token", "create", "--name", "x", "--project", "shp").err


def test_user_create(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    edit.create_project("shop", clock.now())
    first = cli("user", "create", "Ann@example.com", "--json").json
    assert first["admin"]
    assert "/signin/" in first["sign_in_link"]
    assert Membership.objects.get().role == "owner"
    monkeypatch.setattr(sys, "stdin", io.StringIO("a very long word\n"))
    second = cli("user", "create", "bob@example.com", "--project", "shop", "--password-stdin", "--json").json
    assert not second["admin"]
    assert second["sign_in_link"] is None
    assert User.objects.get(email="bob@example.com").check_password("a very long word")
    assert "a user Ann@example.com already" in cli("user", "create", "Ann@EXAMPLE.com").err
    assert "is not an e-mail address" in cli("user", "create", "ann").err
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    assert "at least 10" in cli("user", "create", "c@example.com", "--password-stdin").err


def test_monitor_pause_resume_delete(cli: Cli) -> None:
    project = edit.create_project("shop", clock.now())
    edit.create_monitor(project, {"name": "Home", "kind": "page", "url": "x"}, clock.now())
    assert cli("monitor", "pause", "home").out == "shop/home is paused.\n"
    assert "already" in cli("monitor", "pause", "shop/home").out
    assert cli("monitor", "resume", "home", "--json").json["changed"]
    assert "Looking at Home now" in cli("monitor", "look", "home").out
    assert "less than 10 s ago" in cli("monitor", "look", "home").out
    cli("monitor", "delete", "home")
    assert not Monitor.objects.exists()


def checks(cli: Cli) -> dict[str, Any]:
    return {check["name"]: check for check in cli("doctor", "--json").json["checks"]}


def test_doctor_says_what_to_fix(cli: Cli, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHPOST_SECRET_KEY", raising=False)
    found = checks(cli)
    assert found["key"]["state"] == "error"
    assert "nobody will be told" in found["channels"]["sentence"]
    assert "never run" in found["engine"]["sentence"]
    assert found["mail"]["fix"]
    (data_dir / "secret_key").write_text("x")
    (data_dir / "secret_key").chmod(0o644)
    assert "chmod 600" in checks(cli)["key"]["fix"]
    (data_dir / "secret_key").chmod(0o600)
    now = clock.now()
    AliveSpan.objects.create(started_at=now, alive_at=now)
    channel = edit.create_channel({"name": "ops", "kind": "hook", "url": "x"}, now)
    assert "no message has arrived" in checks(cli)["channels"]["sentence"]
    channel.delivered_at = now
    channel.save()
    found = checks(cli)
    assert {
        found[name]["state"]
        for name in ("settings", "database", "privacy", "key", "engine", "channels", "clock")
    } == {"ok"}
    channel.config = {"url": {"$sealed": "nonsense"}}
    channel.save()
    assert checks(cli)["key"]["sentence"].endswith("cannot be read: channel ops: url.")
    monkeypatch.setenv("WATCHPOST_LISTEN", "nonsense")
    ran = cli("doctor")
    assert ran.code == 1
    assert "FAIL  settings: WATCHPOST_LISTEN" in ran.out


@pytest.mark.only_on("sqlite")
def test_doctor_says_who_else_may_read_the_database(cli: Cli, data_dir: Path) -> None:
    data_dir.chmod(0o755)
    assert "chmod 700" in checks(cli)["privacy"]["fix"]
    data_dir.chmod(0o700)
    assert checks(cli)["privacy"]["state"] == "ok"


def test_without_an_installation_there_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHPOST_DATA_DIR", "elsewhere")
    monkeypatch.delenv("WATCHPOST_DATABASE_URL", raising=False)  # a server has no file to miss
    assert main(["status", "--data-dir", str(tmp_path / "none")]) == 2
    assert f"no installation at {tmp_path / 'none'}; start it with watchpost up" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_another_users_database_is_refused(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "theirs.sqlite3"
    file.touch()
    monkeypatch.setenv("WATCHPOST_DATABASE_URL", f"sqlite:///{file}")
    monkeypatch.setattr(
        installation, "os", SimpleNamespace(geteuid=lambda: os.geteuid() + 1, environ=os.environ)
    )
    assert "run this as" in cli("status").err


def test_a_wrong_setting_is_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHPOST_RETENTION_RAW", "soon")
    ran = cli("status")
    assert ran.code == 2
    assert ran.err.startswith("watchpost: WATCHPOST_RETENTION_RAW: 'soon' is not a duration")


@pytest.mark.parametrize("name", sorted(find_commands()))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_the_real_command_in_a_process_of_its_own(tmp_path: Path) -> None:
    source = str(Path(__file__).parents[3])
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": source,
        "WATCHPOST_DATA_DIR": str(tmp_path / "data"),
    }
    watchpost = [sys.executable, "-m", "watchpost.cli.main"]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*watchpost, *words], env=environment, capture_output=True, text=True, timeout=60
        )

    nothing = run("status")
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert nothing.stderr.count("\n") == 1
    make = [sys.executable, "-m", "watchpost.manage", "migrate", "-v0"]
    subprocess.run(make, env=environment, check=True, timeout=120)
    made = run("project", "create", "shop", "--json")
    assert made.returncode == 0, made.stderr
    backup = tmp_path / "copy.tar"
    assert run("backup", str(backup)).returncode == 0
    assert backup.stat().st_mode & 0o777 == 0o600
    assert run("project", "create", "later").returncode == 0
    assert "--force" in run("restore", str(backup)).stderr
    restored = run("restore", str(backup), "--force")
    assert restored.returncode == 0, restored.stderr
    exported = run("export").stdout
    assert "slug: shop" in exported
    assert "later" not in exported
    assert run("backup", str(backup)).returncode == 2  # never over an older one
    (tmp_path / "no.tar").write_text("no")
    assert "is not a backup" in run("restore", str(tmp_path / "no.tar"), "--force").stderr
    assert run("nonsense").returncode == 2


def test_user_link_lets_in_once(cli: Cli) -> None:
    User.objects.create_user("ann@example.com", "x" * 12)
    link = cli("user", "link", "Ann@example.com", "--json").json["sign_in_link"]
    assert "/signin/" in link
    refused = cli("user", "link", "an@example.com")
    assert refused.code == 2
    assert "there is no user an@example.com; did you mean ann@example.com?" in refused.err
    assert cli("user", "link", "ann@example.com").out.count("/signin/") == 1


def test_a_mail_server_that_cannot_be_used_stops_the_start(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHPOST_EMAIL_URL", "mail.example.com")
    refused = cli("status")
    assert refused.code == 2
    assert refused.err.startswith(
        "watchpost: WATCHPOST_EMAIL_URL: EMAIL_URL is not usable: it must start with"
    )


@pytest.mark.only_on("sqlite")
def test_a_backup_that_finds_no_room_is_one_line(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("watchpost.cli.archive.copy_database", full)
    ran = cli("backup", str(tmp_path / "b.tar"))
    assert ran.code == 2
    assert "b.tar cannot be written (database or disk is full)" in ran.err
    assert ran.err.count("\n") == 1


def test_status_and_doctor_say_who_hears_nothing(cli: Cli, data_dir: Path) -> None:
    now = clock.now()
    channel = edit.create_channel({"name": "ops", "kind": "hook", "url": "x"}, now)
    channel.delivered_at = now - timedelta(days=1)
    channel.save()
    row = Delivery.objects.create(
        channel=channel, event="opened", payload={}, delivery_id="d1", created_at=now - timedelta(minutes=8),
        next_attempt_at=now, state="pending",
    )  # fmt: skip
    assert checks(cli)["channels"]["state"] == "ok"  # it has not been tried yet
    row.attempts, row.answer = 3, "connection refused"
    row.save()
    said = cli("status").out
    assert "ops hears nothing, 1 message waits since" in said
    assert "(8 min): connection refused" in said
    assert cli("status", "--json").json["untold"][0]["waiting"] == 1
    assert "connection refused" in checks(cli)["channels"]["sentence"]


def test_doctor_tries_the_mail_server(cli: Cli, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("WATCHPOST_EMAIL_URL", f"smtp://127.0.0.1:{port}")
    mail = checks(cli)["mail"]
    assert (mail["state"], "refused" in mail["sentence"]) == ("error", True)
