"""Files and folders of an installation: password hashes, sessions and sealed secrets are in them, so they
are their owner's alone from the first byte on."""

from __future__ import annotations

from pathlib import Path


def make_folder(folder: Path) -> None:
    """With its parents, if it is not there. One that is there stays as its owner set it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_file(file: Path) -> None:
    """Empty, if it is not there. SQLite takes that for a new database, and gives its log the same rights."""
    file.touch(mode=0o600, exist_ok=True)


def others_may_read(file: Path) -> bool:
    """Whether the rights of the file and of its folder let other users in."""
    return bool(file.stat().st_mode & 0o066) and bool(file.parent.stat().st_mode & 0o011)
