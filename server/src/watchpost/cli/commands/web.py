"""``watchpost web``: the pages and the API, as a process of its own."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from watchpost.cli.command import Command, Out, Refusal
from watchpost.cli.installation import add_listen, prepare, refuse_taken_port, remember_site_url
from watchpost.config.note import leave_note

SUPERVISED = "WATCHPOST_SUPERVISED"  # set by up for its children
LET_GO_S = 5.0
GRACE_S = 3  # for answers under way when we are asked to stop


def configure(parser: ArgumentParser) -> None:
    add_listen(parser)


def run(args: Namespace, out: Out) -> int:
    if args.listen:
        os.environ["WATCHPOST_LISTEN"] = args.listen
    prepare()
    from django.conf import settings
    from django.db import connection

    try:
        refuse_taken_port(*settings.LISTEN, deadline_s=LET_GO_S if SUPERVISED in os.environ else 0.0)
    except Refusal as refusal:
        if SUPERVISED not in os.environ:
            raise
        print(f"watchpost: {refusal}", file=sys.stderr)
        return 1  # tried again later: the engine must not end with us

    remember_site_url()
    lines = [f"Watchpost is at {settings.SITE_URL}", *_first_link()]
    _let_go_of_database(connection)
    # The first worker says it once it listens; a thread here would be cut in half by the fork.
    leave_note("\n".join(lines))
    _serve(*settings.LISTEN)
    return 0


def _let_go_of_database(connection: Any) -> None:
    """The worker is a fork. A pool does not survive that: its threads, which open new connections, stay
    behind, so the first restart of the database would be the last answer of the pages."""
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()


def _first_link() -> list[str]:
    """While nobody can sign in, whoever started the server can."""
    from django.conf import settings

    from watchpost import clock
    from watchpost.accounts.links import make_link
    from watchpost.accounts.models import User

    if User.objects.exists():
        return []
    token = make_link(None, clock.now())
    return [f"Sign in once with this link (good for a day): {settings.SITE_URL}/signin/{token}/"]


def _serve(host: str, port: int) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    os.environ["WATCHPOST_WEB_PROCESS"] = str(os.getpid())  # config/asgi.py: a worker ends with it
    Granian(
        "watchpost.config.asgi:application",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=1,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_S,  # an open page holds a stream that would never end by itself
        websockets=False,
        log_enabled=False,
    ).serve()


COMMAND = Command("web", "serve the pages and the API, without the engine", configure, run, serves=True)
