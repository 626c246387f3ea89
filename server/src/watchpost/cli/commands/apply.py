"""``watchpost apply FILE``: makes the installation what the file says."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from watchpost.cli.command import Command, Out


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the configuration, YAML; - is standard input")
    parser.add_argument(
        "--prune",
        action="store_true",
        help="delete what an earlier apply created and the file no longer names",
    )


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.document import read_document
    from watchpost.cli.installation import enter
    from watchpost.cli.wording import show_plan

    document = read_document(args.file)
    enter()
    from watchpost import clock
    from watchpost.cli.wanted import write_plan

    show_plan(write_plan(document, os.environ, args.prune, clock.now()), out, done=True, prune=args.prune)
    return 0


COMMAND = Command(
    "apply", "make the installation what a file says; doing it twice changes nothing", configure, run
)
