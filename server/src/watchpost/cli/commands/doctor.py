"""``watchpost doctor``: checks the installation and says what to fix."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from watchpost.cli.command import Command, Out

if TYPE_CHECKING:
    from watchpost.cli.checks import Check

_MARKS = {"ok": ("ok  ", "green"), "warning": ("warn", "yellow"), "error": ("FAIL", "red")}


def configure(parser: ArgumentParser) -> None:  # it has no options
    pass


def run(args: Namespace, out: Out) -> int:
    from watchpost import clock
    from watchpost.cli.checks import examine

    found = list(examine(clock.now()))
    errors = sum(check.state == "error" for check in found)
    out.show(
        {"ok": not errors, "checks": [vars(check) for check in found]},
        _lines(found, out),
    )
    return 1 if errors else 0


def _lines(found: Sequence[Check], out: Out) -> Iterator[str]:
    for check in found:
        mark, colour = _MARKS[check.state]
        yield f"{out.paint(mark, colour)}  {check.name}: {check.sentence}"
        if check.fix:
            yield f"      {check.fix}"
    wrong = sum(check.state != "ok" for check in found)
    yield (
        f"{wrong} of {len(found)} checks {'asks' if wrong == 1 else 'ask'} for something."
        if wrong
        else f"All {len(found)} checks are fine."
    )


COMMAND = Command("doctor", "check the installation and say what to fix", configure, run)
