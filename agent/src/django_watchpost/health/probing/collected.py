"""What ``collectstatic`` left behind, held against the files it should have collected. Looks, judges nothing.

Follows Django's own ``ManifestFilesMixin`` (staticfiles.json, versions 1.0 and 1.1) and the command
``collectstatic``: the first finder that has a file wins, and a file is ignored by the patterns of the app's
configuration.
"""

from __future__ import annotations

import fnmatch
import json
import os
import posixpath
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

_VERSIONS = ("1.0", "1.1")
_BREATH = 25  # files, after which other threads (or greenlets) get their turn
_CHUNK = 65_536
_SLACK_S = 2.0  # some file systems and archives keep times by two seconds

Mark = tuple[int, int]
Hashes = dict[tuple[str, Mark], str]


class ManifestTrouble(Exception):
    """The manifest cannot be used. The words say why; ``is_missing``: there is none."""

    def __init__(self, words: str, is_missing: bool = False) -> None:
        super().__init__(words)
        self.is_missing = is_missing


@dataclass(frozen=True, slots=True)
class Source:
    """A file that a finder gives: its name among the static files, and where it lies, if on this machine."""

    name: str
    path: str
    open: Callable[[], Any]


@dataclass(slots=True)
class Budget:
    """What one look may cost: so many files, and seconds on the monotonic clock."""

    files: int
    ends: float
    seen: int = 0
    is_spent: bool = False

    def take(self) -> bool:
        """Whether another file may be looked at."""
        if self.seen >= self.files or time.monotonic() >= self.ends:
            self.is_spent = True
            return False
        self.seen += 1
        if self.seen % _BREATH == 0:
            time.sleep(0.001)
        return True


@dataclass(slots=True)
class Comparison:
    """Names of the files that are amiss, in the finders' order; ``paths``: what was looked at, to see soon
    when it changes."""

    seen: int = 0
    is_complete: bool = True
    not_collected: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)


def list_sources(ignore: tuple[str, ...]) -> Iterator[Source]:
    """The files that ``collectstatic`` would collect. ``ignore``: patterns beside those of the app."""
    from django.apps import apps
    from django.contrib.staticfiles.finders import get_finders

    patterns = [*getattr(apps.get_app_config("staticfiles"), "ignore_patterns", ()), *ignore]
    known: set[str] = set()
    for finder in get_finders():
        for path, storage in finder.list(patterns):
            prefix = getattr(storage, "prefix", None)
            name = (posixpath.join(prefix, path) if prefix else path).replace("\\", "/")
            if name not in known:
                known.add(name)
                yield Source(name, _path(storage, path), partial(storage.open, path))


def read_manifest(storage: Any) -> Mapping[str, str]:
    """The manifest as it lies on disk now: names to hashed names. Raises ManifestTrouble."""
    where = manifest_path(storage)
    try:
        with open(where, encoding="utf-8") as manifest:
            stored = json.load(manifest)
    except FileNotFoundError as problem:
        raise ManifestTrouble(f"{where} does not exist", is_missing=True) from problem
    except (OSError, ValueError) as problem:
        raise ManifestTrouble(f"{where} cannot be read ({problem})") from problem
    paths = stored.get("paths") if isinstance(stored, dict) else None
    if not isinstance(paths, dict) or stored.get("version") not in _VERSIONS:
        raise ManifestTrouble(f"{where} is no manifest of a version that Django {_VERSIONS[-1]} writes")
    return paths


def manifest_path(storage: Any) -> str:
    """Where the manifest lies on this machine; empty when it lies elsewhere."""
    return _path(storage.manifest_storage, storage.manifest_name)


def root_path(storage: Any) -> str:
    """STATIC_ROOT as the storage has it; empty when the files lie elsewhere."""
    return _path(storage, "") if hasattr(storage, "path") else ""


def compare(
    storage: Any,
    targets: Mapping[str, str] | None,
    loaded: Mapping[str, str],
    ignore: tuple[str, ...],
    budget: Budget,
    hashes: Hashes,
) -> Comparison:
    """Holds the sources against what was collected. ``targets``: the manifest, None without one;
    ``loaded``: what this process took of it, so what its pages ask for; ``hashes``: of sources, kept for
    the next look."""
    found = Comparison()
    root = root_path(storage)
    for source in list_sources(ignore):
        if not budget.take():
            break
        found.seen += 1
        found.paths.update(one for one in (source.path, os.path.dirname(source.path)) if one)
        target = source.name if targets is None else targets.get(storage.hash_key(source.name))
        where = os.path.join(root, target) if root and target else ""
        if target is None or (targets is None and root and not os.path.exists(where)):
            found.not_collected.append(source.name)
        elif _is_stale(storage, source, target, targets is not None, root, hashes):
            found.stale.append(source.name)
        if where:
            found.paths.add(os.path.dirname(where))
    for name, target in loaded.items():
        if not root or not budget.take():
            break
        where = os.path.join(root, target)
        found.paths.add(os.path.dirname(where))
        if not os.path.exists(where):
            found.gone.append(name)
    found.is_complete = not budget.is_spent
    return found


def marks(paths: set[str]) -> dict[str, Mark | None]:
    """When each path was changed last, and how large it is: cheap, and tells whether to look anew."""
    return {path: _mark(path) for path in paths}


def _is_stale(
    storage: Any, source: Source, target: str, has_manifest: bool, root: str, hashes: Hashes
) -> bool:
    """Whether another version of ``source`` was collected. Exact where the target's name holds the hash of
    the source, or where the copy lies beside it; by the time where references inside were rewritten."""
    copy = os.path.join(root, source.name) if root else ""
    if not has_manifest:
        return bool(copy) and _differs(source, copy)
    digest = _hash(storage, source, hashes)
    if not digest or digest in posixpath.basename(target):
        return False
    patterns = getattr(storage, "_patterns", {})
    if not any(fnmatch.fnmatchcase(source.name, one) for one in patterns):
        return True
    if copy and os.path.exists(copy):
        return _differs(source, copy)
    there, here = _mark(os.path.join(root, target)) if root else None, _mark(source.path)
    return bool(there and here) and here[0] > there[0] + _SLACK_S * 1e9  # type: ignore[index]


def _differs(source: Source, copy: str) -> bool:
    """What is older than its copy and as large was collected from it; anything else is compared."""
    here, there = _mark(source.path), _mark(copy)
    if here is None or there is None:
        return False
    if here[1] != there[1]:
        return True
    return here[0] > there[0] and not _same(source.path, copy)


def _same(one: str, other: str) -> bool:
    try:
        with open(one, "rb") as left, open(other, "rb") as right:
            while True:
                chunk = left.read(_CHUNK)
                if chunk != right.read(_CHUNK):
                    return False
                if not chunk:
                    return True
    except OSError:
        return True  # it went meanwhile: the next look tells


def _hash(storage: Any, source: Source, hashes: Hashes) -> str:
    """By the storage's own function, so that another than Django's md5[:12] fits too; empty if unknown."""
    mark = _mark(source.path)
    key = (source.path, mark) if mark else None
    if key is not None and key in hashes:
        return hashes[key]
    try:
        with source.open() as content:
            digest = storage.file_hash(source.name, content) or ""
    except OSError:
        return ""
    if key is not None:
        hashes[key] = digest
    return digest


def _mark(path: str) -> Mark | None:
    try:
        known = os.stat(path)
    except (OSError, ValueError):
        return None
    return known.st_mtime_ns, known.st_size


def _path(storage: Any, name: str) -> str:
    try:
        return str(storage.path(name))
    except (NotImplementedError, AttributeError):
        return ""
