"""A PostgreSQL of the test run's own, on a free loopback port."""

from __future__ import annotations

import atexit
import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

_restarts: dict[int, Callable[[], object]] = {}


def start_postgres(folder: str) -> str:
    """Start a server; its URL. Ends the run with one line when PostgreSQL is not installed."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb")) or [shutil.which("initdb") or ""]
    if not found[-1]:
        sys.exit("DB=postgres needs PostgreSQL: install it (Debian: apt install postgresql)")
    tools, data, port = os.path.dirname(found[-1]), os.path.join(folder, "pg"), free_port()
    os.makedirs(data)
    user = _give_to_postgres(folder, data)
    # No test here kills the server itself: what it acknowledged is in the page cache at the least.
    options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60"
    subprocess.run(
        [f"{tools}/initdb", "-D", data, "-U", "watchpost", "-A", "trust", "-E", "UTF8"],
        check=True,
        user=user,
        stdout=subprocess.DEVNULL,
    )
    subprocess.run(
        [f"{tools}/pg_ctl", "-D", data, "-o", options, "-w", "-l", f"{data}/log", "start"],
        check=True,
        user=user,
        stdout=subprocess.DEVNULL,
    )
    subprocess.run(
        [f"{tools}/createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "watchpost", "watchpost"],
        check=True,
        user=user,
    )
    atexit.register(
        lambda: subprocess.run(
            [f"{tools}/pg_ctl", "-D", data, "-m", "immediate", "stop"],
            check=False,
            user=user,
            stdout=subprocess.DEVNULL,
        )
    )
    _restarts[port] = lambda: subprocess.run(
        [f"{tools}/pg_ctl", "-D", data, "-o", options, "-w", "-l", f"{data}/log", "-m", "fast", "restart"],
        check=True,
        user=user,
        stdout=subprocess.DEVNULL,
    )
    return f"postgresql://watchpost@127.0.0.1:{port}/watchpost"


def database_setting(name: str) -> dict[str, str]:
    """Settings of an installation that keeps its data where this run does: with ``DB=postgres`` in a new
    database on the run's own server, else in its folder."""
    url = os.environ.get("WATCHPOST_DATABASE_URL", "")
    if not url:
        return {}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return {"DATABASE_URL": f"{url.rpartition('/')[0]}/{name}"}


def restart_postgres(url: str) -> None:
    """As its operator does after an upgrade: every connection is cut."""
    _restarts[urlsplit(url).port or 0]()


def _give_to_postgres(folder: str, data: str) -> int | None:
    """PostgreSQL refuses to run as root: root lends the folder to the postgres user."""
    if os.geteuid() != 0:
        return None
    uid = pwd.getpwnam("postgres").pw_uid
    os.chmod(folder, 0o755)
    os.chown(data, uid, -1)
    return uid


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
