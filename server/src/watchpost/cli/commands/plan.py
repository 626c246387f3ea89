"""``watchpost plan FILE``: what ``apply`` would do."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from watchpost.cli.command import Command, Out


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the configuration, YAML; - is standard input")
    parser.add_argument("--prune", action="store_true", help="as apply --prune would")


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.document import read_document
    from watchpost.cli.installation import enter
    from watchpost.cli.wording import show_plan

    document = read_document(args.file)
    enter()
    from watchpost.cli.wanted import make_plan

    show_plan(make_plan(document, os.environ, args.prune), out, done=False, prune=args.prune)
    return 0


COMMAND = Command("plan", "show what apply would change; writes nothing", configure, run)
