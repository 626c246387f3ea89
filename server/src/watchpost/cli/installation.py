"""The way of a command into an installation: checked before Django is set up, never created by accident."""

from __future__ import annotations

import fcntl
import os
import pwd
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from watchpost.cli.command import Refusal
from watchpost.config.key import read_secret_key
from watchpost.config.table import WrongSetting, find_data_dir, parse_listen, read_settings

SITE_URL_FACT = "site_url"

KEY_MADE_ANEW = (
    "watchpost: {} is missing and made anew: sessions end, and secrets stored with the old one cannot be "
    "read. Put it back from a backup and start again to have them."
)


def read_checked_settings() -> dict[str, Any]:
    """The settings. Raises Refusal with the line that names the setting and the fix."""
    try:
        settings = read_settings(os.environ, find_data_dir())
        if not settings["SECRET_KEY"]:
            read_secret_key(find_data_dir() / "secret_key")
    except WrongSetting as error:
        raise Refusal(str(error)) from None
    return settings


def database_file(database_url: str, data_dir: Path) -> Path | None:
    """The SQLite file; None when the database is a server."""
    parts = urlsplit(database_url or f"sqlite:///{data_dir}/watchpost.sqlite3")
    if parts.scheme != "sqlite":
        return None
    return Path(unquote(parts.path[1:] if parts.path.startswith("//") else parts.path))


def enter() -> None:
    """Sets Django up on the installation. Raises Refusal when there is none or it is another user's."""
    data_dir = find_data_dir()
    file = database_file(read_checked_settings()["DATABASE_URL"], data_dir)
    if file is not None:
        if not file.is_file():
            raise Refusal(f"no installation at {data_dir}; start it with watchpost up, or give --data-dir")
        refuse_other_user(file)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "watchpost.config.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        if lost := lost_key():
            raise Refusal(
                f"{lost} is missing: put it back from a backup, or start watchpost up, which makes a new one "
                "(sessions and stored secrets of the old one are lost)"
            )
        django.setup()
    _refuse_unreachable()
    _refuse_unready()
    _take_over_site_url()


def lost_key() -> Path | None:
    """The key file that should be there, when it is not."""
    file = find_data_dir() / "secret_key"
    return None if read_checked_settings()["SECRET_KEY"] or file.is_file() else file


def _take_over_site_url() -> None:
    """Where the pages were last served, unless a setting says where they are: links must lead there."""
    from django.conf import settings

    from watchpost.monitors.models import Fact

    served = Fact.objects.filter(name=SITE_URL_FACT).values_list("value", flat=True).first()
    if served and not settings.WATCHPOST["SITE_URL"]:
        settings.SITE_URL = served


def remember_site_url() -> None:
    """The pages are served there now: for commands that know nothing of ``--listen``."""
    from django.conf import settings

    from watchpost import clock
    from watchpost.monitors.models import Fact

    Fact.objects.update_or_create(
        name=SITE_URL_FACT, defaults={"value": settings.SITE_URL, "at": clock.now()}
    )


def prepare() -> None:
    """Sets Django up for a server process and brings the database up to date. Raises Refusal."""
    file = database_file(read_checked_settings()["DATABASE_URL"], find_data_dir())
    if file is not None and file.is_file():
        refuse_other_user(file)
        if lost := lost_key():
            print(KEY_MADE_ANEW.format(lost), file=sys.stderr)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "watchpost.config.settings")
    import django

    try:
        django.setup()
    except OSError as error:
        raise Refusal(f"the data folder cannot be used: {error}; give another --data-dir") from None
    from django.db import DatabaseError

    _refuse_unreachable()
    from watchpost.config.install import BackupFailed, NewerDatabase, NotMigrated, prepare_database

    try:
        prepare_database()
    except (BackupFailed, NewerDatabase, NotMigrated) as error:
        raise Refusal(str(error)) from None
    except DatabaseError as error:
        raise Refusal(
            f"the database cannot be opened ({error}); check DATABASE_URL and the data folder"
        ) from None
    except OSError as error:
        raise Refusal(f"the data folder cannot be used: {error}; give another --data-dir") from None


def refuse_missing_folder(settings: dict[str, Any]) -> None:
    """Said once, before two processes find it out. The data folder itself is made when it is missing."""
    data_dir = find_data_dir()
    file = database_file(settings["DATABASE_URL"], data_dir)
    if file is not None and file.parent != data_dir and not file.parent.is_dir():
        raise Refusal(f"DATABASE_URL: there is no folder {file.parent}; make it, or correct the path")


def refuse_other_user(file: Path) -> None:
    """Files written as another user (often root) would lock the server out of its own database."""
    owner = file.stat().st_uid
    if owner != os.geteuid():
        name = _user_name(owner)
        raise Refusal(f"{file} belongs to the user {name}; run this as {name}, such as with sudo -u {name}")


def operator() -> str:
    """Who types, as a timeline shows it."""
    return f"{_user_name(os.geteuid())} (command line)"


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _refuse_unreachable() -> None:
    """Asked without the pool, which tries for ten seconds and then does not say why."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return
    import psycopg

    from watchpost.engine.changes import connection_parameters

    try:
        psycopg.connect(**({"connect_timeout": 10} | connection_parameters())).close()
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[-1].strip()
        raise Refusal(f"the database cannot be reached ({said}); check DATABASE_URL") from None


def _refuse_unready() -> None:
    from django.db import DatabaseError, connection
    from django.db.migrations.executor import MigrationExecutor

    from watchpost.config.install import NewerDatabase, refuse_newer

    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM monitors_monitor")
    except DatabaseError as error:
        line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise Refusal(
            f"the database is not ready ({line}); start watchpost up once, or check DATABASE_URL"
        ) from None
    try:
        refuse_newer(MigrationExecutor(connection))
    except NewerDatabase as error:
        raise Refusal(str(error)) from None


def add_listen(parser: ArgumentParser) -> None:
    """``--listen``, for whoever serves the pages."""
    parser.add_argument(
        "--listen", metavar="HOST:PORT", type=_listen, help="where the pages are served (default: LISTEN)"
    )


def _listen(text: str) -> str:
    try:
        parse_listen(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return text


def refuse_taken_port(host: str, port: int, deadline_s: float = 0.0, setting: str = "") -> None:
    """Raises Refusal when nothing can listen there. ``setting`` says where, if it is not ``--listen``."""
    from watchpost.outbound.knock import why_not_listen

    why = why_not_listen(host, port, deadline_s)
    if why:
        raise Refusal(
            f"cannot listen at {host}:{port}: {why}; or give another {setting or '--listen'} HOST:PORT"
        )


def engine_runs() -> bool:
    """Whether an engine holds the lock of the data folder."""
    try:
        with (find_data_dir() / "engine.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        raise Refusal(f"the data folder cannot be used: {error}; give another --data-dir") from None
    return False
