"""``watchpost mail``: pings by mail, as a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace

from watchpost.cli.command import Command, Out, Refusal
from watchpost.cli.commands.web import LET_GO_S, SUPERVISED
from watchpost.cli.installation import prepare, read_checked_settings, refuse_taken_port

OFF = "PING_MAIL_LISTEN is not set, so no mail is taken; set it to HOST:PORT, such as 127.0.0.1:2525"


def configure(parser: ArgumentParser) -> None:
    pass


def run(args: Namespace, out: Out) -> int:
    listen = read_checked_settings()["PING_MAIL_LISTEN"]
    if listen is None:
        raise Refusal(OFF)
    host, port = listen
    prepare()
    from django.conf import settings

    from watchpost.ingest.mail import serve

    try:
        refuse_taken_port(host, port, LET_GO_S if SUPERVISED in os.environ else 0.0, "PING_MAIL_LISTEN")
    except Refusal as refusal:
        if SUPERVISED not in os.environ:
            raise
        print(f"watchpost: {refusal}", file=sys.stderr)
        return 1  # tried again later: pages and engine must not end with us
    asyncio.run(serve(host, port, settings.PING_MAIL_DOMAIN, settings.WATCHPOST["PING_RATE"]))
    return 0


COMMAND = Command("mail", "take pings by mail, where PING_MAIL_LISTEN says", configure, run, serves=True)
