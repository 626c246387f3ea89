"""``watchpost up``: the whole server on one machine."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

from watchpost.cli.command import Command, Out, Refusal
from watchpost.cli.commands.web import SUPERVISED
from watchpost.cli.installation import (
    add_listen,
    engine_runs,
    read_checked_settings,
    refuse_missing_folder,
    refuse_taken_port,
)
from watchpost.config.table import find_data_dir


def configure(parser: ArgumentParser) -> None:
    add_listen(parser)


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.supervise import Child, supervise

    if args.listen:
        os.environ["WATCHPOST_LISTEN"] = args.listen
    settings = read_checked_settings()
    if engine_runs():
        raise Refusal(f"an engine runs on {find_data_dir()} already; stop it, or give another --data-dir")
    refuse_missing_folder(settings)
    refuse_taken_port(*settings["LISTEN"])
    mail = settings["PING_MAIL_LISTEN"]
    if mail:
        refuse_taken_port(mail[0], mail[1], setting="PING_MAIL_LISTEN")
    os.environ[SUPERVISED] = "1"
    me = [sys.executable, "-m", "watchpost.cli.main"]
    children = [
        Child("web", [*me, "web"]),
        Child("engine", [*me, "engine"], pulse=find_data_dir() / "engine.lock"),
    ]
    return supervise([*children, Child("mail", [*me, "mail"])] if mail else children)


COMMAND = Command(
    "up", "migrate, then run web and engine (and mail, if it is on), supervised", configure, run, serves=True
)
