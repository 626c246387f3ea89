"""``watchpost run --slug backup -- ./backup.sh``: ``watchpost.run``, which is also copied onto hosts."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from watchpost.cli.command import Command, Out, Refusal
from watchpost.run import main


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("command", metavar="...", nargs="*", help="watchpost run --help says more")


def run(args: Namespace, out: Out) -> int:
    raise Refusal("run: write watchpost run first; what stands behind it belongs to the job")


COMMAND = Command("run", "run a command and tell its heartbeat how it went", configure, run, words=main)
