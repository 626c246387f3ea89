"""The file a backup is: a tar with the database, the key and a description. Made and read without Django."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
import tempfile
from pathlib import Path

from watchpost.cli.command import Refusal
from watchpost.config.sqlite import copy_database

FORMAT = 1
DATABASE, KEY, ABOUT = "watchpost.sqlite3", "secret_key", "about.json"


def write_archive(database: Path, key: str, target: Path, made_at: str) -> int:
    """Bytes written. The file appears under its name only when it is complete."""
    if target.exists():
        raise Refusal(f"FILE: {target} exists already; give another name")
    if not target.parent.is_dir():
        raise Refusal(f"FILE: there is no folder {target.parent}; make it first")
    try:
        _write(database, key, target, made_at)
    except (OSError, sqlite3.Error) as error:
        raise Refusal(f"FILE: {target} cannot be written ({error}); nothing of it was left there") from None
    return target.stat().st_size


def _write(database: Path, key: str, target: Path, made_at: str) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".watchpost-backup-") as folder:
        copy = Path(folder) / DATABASE
        copy_database(database, copy)
        check_database(copy)
        partial = Path(folder) / "backup.tar"
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
            _add(tar, ABOUT, json.dumps({"format": FORMAT, "made_at": made_at}).encode())
            _add(tar, KEY, key.encode())
            tar.add(copy, DATABASE, filter=_plain)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(target)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    tar.addfile(info, io.BytesIO(content))


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mode = 0o600
    return info


def check_database(file: Path) -> None:
    """Raises Refusal when SQLite finds the file damaged."""
    try:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        connection.close()
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        raise Refusal(f"the database is damaged ({said}); use another backup")


def read_archive(source: Path, folder: Path) -> dict[str, str]:
    """Unpacks database and key into ``folder``, checked; the description."""
    try:
        with tarfile.open(source) as tar:
            members = {name: tar.extractfile(name) for name in (ABOUT, KEY, DATABASE)}
            about: dict[str, str] = json.load(members[ABOUT])  # type: ignore[arg-type]
            for name in (KEY, DATABASE):
                with (folder / name).open("wb") as file:
                    os.fchmod(file.fileno(), 0o600)
                    while piece := members[name].read(1 << 20):  # type: ignore[union-attr]
                        file.write(piece)
                    os.fsync(file.fileno())
    except OSError as error:
        raise Refusal(f"FILE: {source} cannot be read ({error.strerror or error}); check the path") from None
    except (tarfile.TarError, KeyError, ValueError, AttributeError):
        raise Refusal(f"FILE: {source} is not a backup made by watchpost backup") from None
    if int(about.get("format", 0)) > FORMAT:
        raise Refusal(f"FILE: {source} was made by a newer Watchpost; install that version first")
    check_database(folder / DATABASE)
    return about
