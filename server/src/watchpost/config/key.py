"""The key of the installation, in the data folder. Loads neither Django nor cryptography: ``up`` reads it."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from watchpost.config.private import make_folder
from watchpost.config.table import WrongSetting


def load_secret_key(data_dir: Path) -> str:
    """The key kept in the data folder (0600), made at first use. Raises WrongSetting when it is empty.

    Web and engine of a first start get here at the same moment: the file appears whole, or not at all.
    """
    path = data_dir / "secret_key"
    if (kept := read_secret_key(path)) is not None:
        return kept
    make_folder(data_dir)
    fresh = secrets.token_urlsafe(48)
    handle, draft = tempfile.mkstemp(dir=data_dir, prefix=".secret_key.")  # 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(fresh)
            file.flush()
            os.fsync(file.fileno())
        _put(draft, path)
    except FileExistsError:  # another process was faster: its key counts
        return read_secret_key(path) or fresh
    finally:
        os.unlink(draft)
    return fresh


def _put(draft: str, path: Path) -> None:
    """Under its name, unless there is one already. Raises FileExistsError."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except (
        OSError
    ):  # a file system without hard links: whoever reads it half-written refuses, and is started anew
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(Path(draft).read_text())
            file.flush()
            os.fsync(file.fileno())


def read_secret_key(path: Path) -> str | None:
    """The kept key, None when there is none yet. Raises WrongSetting when the file is empty."""
    try:
        key = path.read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not key:
        raise WrongSetting(
            f"{path} is empty: bring it back from a backup, or delete it for a new key "
            "(everybody signs in again, and stored secrets must be entered again)"
        )
    return key
