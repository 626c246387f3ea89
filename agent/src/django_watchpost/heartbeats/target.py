"""Whom heartbeats are told to, from the settings ``PING_URL`` and ``PING_KEY``, and which are used here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

SLUG = re.compile(r"[a-z0-9_-]{1,100}")
_KEY = re.compile(r"[A-Za-z0-9_-]+")
_MOST = 1000
_used: dict[str, str] = {}  # slug -> what is wrong with how it is used


@dataclass(frozen=True, slots=True)
class Target:
    """``url``: the server, such as ``https://watchpost.example.com``; ``key``: the project's ping key."""

    url: str
    key: str

    def path(self, slug: str, action: str, run: str, create: bool, took_s: float | None = None) -> str:
        """``took_s``: how long the run took by our own clock; the ping of its start may be late or lost."""
        end = f"/{action}" if action else ""
        took = "" if took_s is None else f"&took_ms={round(took_s * 1000)}"
        return f"/ping/{self.key}/{slug}{end}?rid={run}{'&create=1' if create else ''}{took}"


def read_target(url: str, key: str) -> Target:
    """Raises ValueError with what to write."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or any(letter.isspace() for letter in url):
        raise ValueError("must be the address of the server, such as https://watchpost.example.com")
    server, mark, rest = url.split("?")[0].partition("/ping")
    if mark and (named := rest.strip("/")):
        key = key or named
    if not key:
        raise ValueError("is missing: the ping key of the project, on its page")
    if not _KEY.fullmatch(key):
        raise ValueError("holds no ping key; copy it anew from the project's page")
    return Target(server.rstrip("/"), key)


def note_use(slug: str, problem: str = "") -> None:
    """For the system checks."""
    if len(_used) < _MOST:
        _used[slug] = problem or _used.get(slug, "")


def used() -> tuple[str, ...]:
    return tuple(_used)


def misused() -> Iterator[tuple[str, str]]:
    """Slug, and what is wrong."""
    yield from ((slug, problem) for slug, problem in _used.items() if problem)
