"""A note from the web process to its first worker: read once, so a worker started later finds none."""

from __future__ import annotations

import os

_PIPE = "WATCHPOST_NOTE"  # the descriptor, for workers that are forks


def leave_note(text: str) -> None:
    """At most what a pipe holds (64 kB)."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.write(writing, text.encode())
    os.close(writing)
    os.environ[_PIPE] = str(reading)


def take_note() -> str:
    """The note, or "" if there is none or another worker took it."""
    try:
        return os.read(int(os.environ.get(_PIPE, "-1")), 65_536).decode()
    except OSError:
        return ""
