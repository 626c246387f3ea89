"""Files and folders that go away and come back as they were."""

import shutil
from pathlib import Path

_AWAY = ".away"


def put_away(path: Path) -> None:
    if path.exists():
        path.rename(_away(path))


def put_back(path: Path) -> None:
    if _away(path).exists() and not path.exists():
        _away(path).rename(path)


def block(path: Path) -> None:
    """In its place stands what it cannot be: a file where a folder was, a folder where a file was. That
    stops root, too, whom permissions do not."""
    if _away(path).exists():
        return
    was_folder = path.is_dir()
    put_away(path)
    if was_folder:
        path.write_text("")
    else:
        path.mkdir()


def empty(path: Path) -> None:
    """It is there, and nothing is in it; ``unblock`` brings it back."""
    if not _away(path).exists():
        put_away(path)
        path.write_bytes(b"")


def unblock(path: Path) -> None:
    if not _away(path).exists():
        return
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    _away(path).rename(path)


def bring_all_back(folder: Path) -> None:
    """What was away when the stand ended, however it ended. What has been made anew meanwhile stays."""
    for away in sorted(folder.rglob(f"*{_AWAY}")):
        path = away.with_name(away.name.removesuffix(_AWAY))
        if _is_empty(path):
            unblock(path)
        elif away.is_dir():
            shutil.rmtree(away)
        else:
            away.unlink()


def _is_empty(path: Path) -> bool:
    """Nothing, or what ``block`` leaves."""
    return not (any(path.iterdir()) if path.is_dir() else path.exists() and path.stat().st_size)


def _away(path: Path) -> Path:
    return path.with_name(f"{path.name}{_AWAY}")
