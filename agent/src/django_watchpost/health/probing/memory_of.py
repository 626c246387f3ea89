"""Reads memory from Linux: control groups (v2, v1), /proc/meminfo, /proc/self/statm.

Sources: Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst and filesystems/proc.rst of the kernel.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NO_LIMIT = 1 << 60  # cgroup v1 writes the largest page-aligned number where there is none


@dataclass(frozen=True, slots=True)
class Memory:
    """In bytes. ``is_limit``: ``total`` is a container's limit; ``whose`` names it."""

    used: int
    total: int
    whose: str
    is_limit: bool

    @property
    def percent(self) -> float:
        return round(100 * self.used / self.total, 1) if self.total else 0.0


def read_memory(root: Path) -> Memory | None:
    """The tightest limit above this process, else the machine's; None where neither can be read. ``root``: of
    the file system, / unless a test has its own."""
    machine = _read_machine(root)
    limits = [
        one for one in _read_limits(root) if machine is None or one.total < machine.total
    ]  # one above what there is limits nothing
    return max(limits, key=lambda one: one.percent, default=machine)


def read_rss(root: Path) -> int:
    """Bytes of this process in memory; 0 where it cannot be read."""
    try:
        return int((root / "proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def _read_limits(root: Path) -> Iterator[Memory]:
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if not controllers:
            base, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            base = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        yield from _read_groups(base, path, names)


def _read_groups(base: Path, path: str, names: tuple[str, str, str]) -> Iterator[Memory]:
    """The group and those above it. Inside a container the path may be that of the host: its own group then
    lies at the mount itself."""
    most, current, cache = names
    group = base / path.strip("/")
    for folder in dict.fromkeys([group, *group.parents, base]):
        if folder != base and not folder.is_relative_to(base):
            continue
        limit, used = _number(folder / most), _number(folder / current)
        if limit is not None and used is not None and 0 < limit < _NO_LIMIT:
            idle = _field(folder / "memory.stat", cache)
            yield Memory(max(0, used - idle), limit, str(folder), True)


def _read_machine(root: Path) -> Memory | None:
    found = {}
    for line in _lines(root / "proc/meminfo"):
        name, _, rest = line.partition(":")
        if rest.split()[:1] and rest.split()[0].isdigit():
            found[name] = int(rest.split()[0]) * 1024
    if "MemTotal" not in found or "MemAvailable" not in found:
        return None
    return Memory(found["MemTotal"] - found["MemAvailable"], found["MemTotal"], "the machine", False)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _number(path: Path) -> int | None:
    """None where there is no such file, or no limit ("max")."""
    words = "".join(_lines(path)).strip()
    return int(words) if words.isdigit() else None


def _field(path: Path, name: str) -> int:
    for line in _lines(path):
        key, _, value = line.partition(" ")
        if key == name and value.isdigit():
            return int(value)
    return 0
