"""What a command is. One module in ``cli/commands/`` is one command: it exposes ``COMMAND``.

A command module imports nothing heavy at its top; Django comes in through ``installation.enter()``
inside ``run``, after the global options have been read.
"""

from __future__ import annotations

import json
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

USAGE = 2  # exit code of everything the user can put right
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


# Names, notes and answers of watched sites go to a terminal, which would obey what is written there.
_OURS = "|".join(sorted({*_COLOURS.values(), "0"}))
_CONTROL = re.compile(rf"\x1b(?!\[(?:{_OURS})m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]")
_C1 = re.compile("[\x7f-\x9f]")  # JSON escapes those below by itself


def defused(text: str) -> str:
    """Control characters as ``\\x1b``, but for line ends, tabs and our own colours."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


class Refusal(Exception):
    """What was asked cannot be done. Each line names the field and the fix; there is no traceback."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


@dataclass
class Out:
    """Where a command writes: people read lines, ``--json`` gives one JSON value instead."""

    json: bool = False
    colour: bool = False
    stream: TextIO = field(default_factory=lambda: sys.stdout)
    errors: TextIO = field(default_factory=lambda: sys.stderr)

    def show(self, data: Any, lines: Iterable[str]) -> None:
        """The result: ``data`` with ``--json``, else ``lines``."""
        if self.json:
            text = json.dumps(data, indent=2, default=str, ensure_ascii=False)
            self.stream.write(_C1.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
            return
        for line in lines:
            self.stream.write(defused(line) + "\n")

    def note(self, text: str) -> None:
        """Progress and hints: on stderr, so that they never end up in a file or a pipe."""
        self.errors.write(defused(text) + "\n")
        self.errors.flush()

    def paint(self, text: str, colour: str) -> str:
        return f"\033[{_COLOURS[colour]}m{text}\033[0m" if self.colour and not self.json else text


@dataclass(frozen=True)
class Command:
    """``configure`` adds arguments to the parser; ``run`` returns the exit code and may raise Refusal.
    ``serves``: it runs until it is stopped. Its --help ends with all settings, for it is what reads them,
    and when it fails it is started again by whoever watches it. ``words``: takes all words behind the name as
    they are, because they are another program's, and gives the exit code."""

    name: str
    help: str
    configure: Callable[[ArgumentParser], None]
    run: Callable[[Namespace, Out], int]
    serves: bool = False
    words: Callable[[Sequence[str]], int] | None = None
