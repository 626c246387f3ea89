"""``watchpost apply FILE``: makes the installation what the file says."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

from watchpost.cli.command import Command, Out, Refusal


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the configuration, YAML; - is standard input")
    parser.add_argument(
        "--prune",
        action="store_true",
        help="delete what an earlier apply created and the file no longer names",
    )
    parser.add_argument("--yes", action="store_true", help="delete without asking; scripts are never asked")


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.document import read_document
    from watchpost.cli.installation import enter
    from watchpost.cli.wording import show_plan

    document = read_document(args.file)
    enter()
    from watchpost import clock
    from watchpost.cli.wanted import make_plan, write_plan

    if args.prune and not args.yes and not out.json and sys.stdin.isatty() and args.file != "-":
        _ask_to_delete([step.what for step in make_plan(document, os.environ, True) if step.sign == "-"], out)
    show_plan(write_plan(document, os.environ, args.prune, clock.now()), out, done=True, prune=args.prune)
    return 0


def _ask_to_delete(doomed: list[str], out: Out) -> None:
    """Another team's file on the same installation would prune what is not its own."""
    if not doomed:
        return
    for what in doomed:
        out.note(f"- {what}")
    out.note(f"Delete {'this' if len(doomed) == 1 else f'these {len(doomed)}'}, with all history? [y/N]")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Refusal("nothing was changed; without --prune nothing is deleted")


COMMAND = Command(
    "apply", "make the installation what a file says; doing it twice changes nothing", configure, run
)
