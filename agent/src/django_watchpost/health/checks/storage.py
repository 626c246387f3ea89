"""The storage of uploads: what is saved can be read, and deleted."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, default_storage

from django_watchpost.health.contract import Check, Result, error, ok
from django_watchpost.health.probing.causes import chain, first_line
from django_watchpost.health.probing.connect import since_ms
from django_watchpost.health.probing.files import why_not_writable

_FOLDER = "watchpost-health"
_FAR = ("connect", "timeout", "endpoint", "resolution", "unreachable", "gaierror")


@dataclass(kw_only=True)
class Storage(Check):
    """A small file with a name of its own is saved in a folder of its own, read back and deleted."""

    id: str = "storage"
    critical: bool = False
    interval: float = 300.0
    timeout: float = 20.0

    @classmethod
    def found(cls) -> Iterable[Check]:
        """Not where there is nothing to keep: no MEDIA_ROOT, or a storage in memory."""
        storage = _storage()
        is_unset = isinstance(storage, FileSystemStorage) and not (
            settings.MEDIA_ROOT or getattr(storage, "_location", None)
        )
        if not is_unset and not isinstance(storage, InMemoryStorage):
            yield cls()

    def run(self) -> Result:
        storage = _storage()
        if isinstance(storage, FileSystemStorage) and (wrong := _judge_folder(Path(storage.location))):
            return wrong
        name = f"{_FOLDER}/{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(6)}.txt"
        written, saved, began = secrets.token_bytes(32), "", perf_counter()
        try:
            saved = storage.save(name, ContentFile(written))
            with storage.open(saved) as file:
                read = file.read()
        except Exception as problem:  # noqa: BLE001  every storage has its own
            _remove(storage, saved)
            return _explain(problem, storage, "read" if saved else "saved")
        try:
            storage.delete(saved)
        except Exception as problem:  # noqa: BLE001
            return _explain(problem, storage, "deleted")
        finally:
            _remove_folder(storage)
        if read != written:
            return error(
                f"{_name(storage)} gave back another file than was saved.",
                code="storage.unreachable",
                fix="Does something between answer from a cache, or does the storage keep another version?",
            )
        return ok(observed=since_ms(began), unit="ms")


def _storage() -> Any:
    """The storage itself instead of the object that is the default one as soon as it is used."""
    getattr(default_storage, "save", None)
    return getattr(default_storage, "_wrapped", default_storage)


def _judge_folder(folder: Path) -> Result | None:
    """Django makes MEDIA_ROOT at the first upload: the nearest folder that exists counts."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    why = why_not_writable(there) if there.is_dir() else f"{there} is a file"
    if not why:
        return None
    return error(
        f"Uploads cannot be saved: {folder} cannot be written, because {why}.",
        code="storage.not_writable",
        fix="Give the folder to the user of this process (chown), or mount its volume writable; in a "
        "container MEDIA_ROOT belongs on a volume.",
    )


def _explain(problem: Exception, storage: Any, done: str) -> Result:
    said = f"{type(problem).__name__}: {first_line(problem)}"
    if _is_far(problem):
        return error(
            f"{_name(storage)} cannot be reached, a file could not be {done}: {said}",
            code="storage.unreachable",
            fix="Try its endpoint from this machine; compare region, endpoint and proxy in its options.",
        )
    return error(
        f"{_name(storage)} does not work, a file could not be {done}: {said}",
        code="storage.not_writable",
        fix="Compare keys, bucket and rights in its options: it must let this process save, read and "
        "delete. On a disk: is it full?",
    )


def _is_far(problem: Exception) -> bool:
    """boto3, google-cloud and azure have no base class in common, but the words."""
    return any(
        isinstance(one, (ConnectionError, TimeoutError, socket.gaierror))
        or any(word in type(one).__name__.lower() for word in _FAR)
        for one in chain(problem)
    )


def _name(storage: Any) -> str:
    if isinstance(storage, FileSystemStorage):
        return f"The storage of uploads ({storage.location})"
    return f"The storage of uploads ({type(storage).__name__})"


def _remove(storage: Any, saved: str) -> None:
    if saved:
        with suppress(Exception):
            storage.delete(saved)
    _remove_folder(storage)


def _remove_folder(storage: Any) -> None:
    """Where folders are real, ours is taken away when it is empty."""
    if isinstance(storage, FileSystemStorage):
        with suppress(OSError):
            os.rmdir(storage.path(_FOLDER))
