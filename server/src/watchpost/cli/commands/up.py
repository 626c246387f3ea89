"""``watchpost up``: the whole server on one machine."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

from watchpost.cli.command import Command, Out
from watchpost.cli.installation import read_checked_settings


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--listen", metavar="HOST:PORT", help="where the pages are served (default: LISTEN)")


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.supervise import Child, supervise

    if args.listen:
        os.environ["WATCHPOST_LISTEN"] = args.listen
    read_checked_settings()
    me = [sys.executable, "-m", "watchpost.cli.main"]
    return supervise([Child("web", [*me, "web"]), Child("engine", [*me, "engine"])])


COMMAND = Command("up", "migrate, then run web and engine, supervised", configure, run, lists_settings=True)
