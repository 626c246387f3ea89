"""The disks under what the application writes: room, and room for files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connections

from django_watchpost.health.contract import Check, Result, degraded, error, ok
from django_watchpost.health.probing.connect import file_of
from django_watchpost.health.probing.worst import worst

_SMALL = 20  # the least room in MB is meant for disks of at least so many times that


@dataclass(kw_only=True)
class Disk(Check):
    """Room on each file system that holds MEDIA_ROOT, BASE_DIR, SQLite files and temporary files.

    In percent of what is not reserved, as df counts, of bytes and of inodes. ``error_below_mb``: an error
    whatever the percentage, on disks of at least twenty times that.
    """

    id: str = "disk"
    critical: bool = False
    interval: float = 60.0
    paths: tuple[str, ...] = ()
    degraded_from: float = 90.0
    error_from: float = 97.0
    error_below_mb: float = 200.0

    @classmethod
    def found(cls) -> Iterable[Check]:
        if hasattr(os, "statvfs"):
            yield cls(paths=tuple(str(one) for one in _paths()))

    def run(self) -> Result:
        found: list[Result] = []
        details: dict[str, dict[str, float]] = {}
        fullest = 0.0
        for path, stats in _mounts(self.paths):
            percent = _percent(stats.f_blocks - stats.f_bfree, stats.f_bavail)
            inodes = _percent(stats.f_files - stats.f_ffree, stats.f_favail)
            free_mb = stats.f_bavail * stats.f_frsize / 1e6
            total_mb = usable_mb(stats)
            details[str(path)] = {
                "percent": percent,
                "free_mb": round(free_mb),
                "inodes_percent": inodes,
            }
            fullest = max(fullest, percent)
            found += self._judge_room(path, percent, free_mb, total_mb)
            found += self._judge_inodes(path, inodes)
        return worst(found, ok(observed=fullest, unit="%", details=details))

    def _judge_room(self, path: Path, percent: float, free_mb: float, total_mb: float) -> Iterator[Result]:
        is_little = free_mb < self.error_below_mb and total_mb >= _SMALL * self.error_below_mb
        if percent < self.degraded_from and not is_little:
            return
        is_full = is_little or percent >= self.error_from
        say, code = (error, "disk.full") if is_full else (degraded, "disk.nearly_full")
        yield say(
            f"The disk of {path} is {percent:g} % full: {_size(free_mb)} of {_size(total_mb)} are left.",
            code=code,
            fix=f"See what grows (du -xh {path} | sort -h | tail): logs, uploads, sessions in files, core "
            "dumps; delete or enlarge.",
            observed=percent,
            unit="%",
        )

    def _judge_inodes(self, path: Path, percent: float) -> Iterator[Result]:
        if percent >= self.degraded_from:
            is_full = percent >= self.error_from
            say, code = (error, "disk.full") if is_full else (degraded, "disk.nearly_full")
            yield say(
                f"The disk of {path} has {percent:g} % of its inodes in use: soon no file can be made, "
                "whatever room is left.",
                code=code,
                fix="Look for folders with very many small files (sessions or a cache in files): "
                "clearsessions, or another backend.",
                observed=percent,
                unit="%",
            )


def usable_mb(stats: os.statvfs_result) -> float:
    """What the percentage is of: without what is reserved for root."""
    return (stats.f_blocks - stats.f_bfree + stats.f_bavail) * stats.f_frsize / 1e6


def _size(mb: float) -> str:
    return f"{mb / 1000:,.0f} GB" if mb >= 10_000 else f"{mb:,.0f} MB"


def _paths() -> Iterator[Path]:
    for name in ("MEDIA_ROOT", "BASE_DIR", "FILE_UPLOAD_TEMP_DIR"):
        if given := getattr(settings, name, None):
            yield Path(given)
    for alias in connections:
        if connections.databases[alias]["ENGINE"].endswith("sqlite3"):
            file = file_of(connections[alias])
            if file is not None:
                yield file.parent
    yield Path(tempfile.gettempdir())


def _mounts(paths: Iterable[str]) -> Iterator[tuple[Path, os.statvfs_result]]:
    """Each file system once, by the first of the paths on it. Not those that nobody can fill: mounted
    read-only, or without blocks of their own."""
    seen: set[int] = set()
    for path in map(Path, paths):
        there = next((one for one in (path, *path.parents) if one.exists()), None)
        if there is None or (device := there.stat().st_dev) in seen:
            continue
        seen.add(device)
        stats = os.statvfs(there)
        if stats.f_blocks and not stats.f_flag & os.ST_RDONLY:
            yield there, stats


def _percent(used: int, available: int) -> float:
    total = used + available
    return round(100 * used / total, 1) if total > 0 and used > 0 else 0.0
