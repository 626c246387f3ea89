"""argparse with errors a stranger can act on: one line, the nearest name, where to read on."""

from __future__ import annotations

import re
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from watchpost.cli.command import USAGE
from watchpost.core.words import nearest

_CHOICE = re.compile(r"argument ([^:]+): invalid choice: '?([^' ]*)'?")

_REQUIRED = re.compile(r"the following arguments are required: (.+)")


class Parser(ArgumentParser):
    """Options must be written out: an abbreviation would change its meaning with the next release."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **(more | {"allow_abbrev": False}))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Nothing is left over: what this parser does not know is refused by the one whose help lists
        what it does know, not by its parent."""
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(self._unknown(rest[0]))
        return found, rest

    def _unknown(self, word: str) -> str:
        name = word.split("=", 1)[0]
        if not name.startswith("-"):
            return f"{word!r} is one argument too many"
        return f"unknown option {name}{_hint(name, self._options())}"

    def _options(self) -> Sequence[str]:
        return ["--data-dir", "--json", *(s for action in self._actions for s in action.option_strings)]

    def error(self, message: str) -> NoReturn:
        if (match := _CHOICE.match(message)) and (choices := self._choices()):
            message = f"unknown command {match[2]}{_hint(match[2], choices)}"
        message = _REQUIRED.sub(r"\1 is missing", message)
        command = self.prog.removeprefix("watchpost").strip()
        said = f"{command}: {message}" if command else message
        self.exit(USAGE, f"watchpost: {said}\nwatchpost: {self.prog} --help lists what there is\n")

    def _choices(self) -> Sequence[str]:
        """The names of the commands below this one."""
        for action in self._actions:
            if isinstance(action, _SubParsersAction):
                return sorted(action.choices)
        return ()


def _hint(word: str, names: Iterable[str]) -> str:
    near = nearest(word, names)
    return f"; did you mean {near}?" if near else ""
