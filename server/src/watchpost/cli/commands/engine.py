"""``watchpost engine``: probing, judging, telling, as a process of its own."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from watchpost.cli.command import Command, Out, Refusal
from watchpost.cli.installation import prepare


def configure(parser: ArgumentParser) -> None:
    pass


def run(args: Namespace, out: Out) -> int:
    prepare()
    from watchpost.config.install import AlreadyRunning
    from watchpost.engine.run import serve

    try:
        serve()
    except AlreadyRunning as error:
        raise Refusal(f"{error}: an engine runs there already; stop it, or give another --data-dir") from None
    return 0


COMMAND = Command("engine", "look, judge and tell, without the pages", configure, run, serves=True)
