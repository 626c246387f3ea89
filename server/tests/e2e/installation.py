"""A whole installation as a user has it: `watchpost up` as real processes, a site, a mail server, a webhook."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from tests.postgres import free_port
from tests.serving import Handler, Serving


class Site(Serving):
    """A site that can be broken, and a webhook receiver beside it."""

    def __init__(self) -> None:
        self.status, self.body = 200, b"<h1>Add to basket</h1>"
        self.hooks: list[dict[str, Any]] = []
        self.hook_headers: list[dict[str, str]] = []
        site = self

        class SiteHandler(Handler):
            def do_GET(self) -> None:
                self.answer(site.status, site.body)

            def do_POST(self) -> None:
                body = self.read_body()
                site.hooks.append(json.loads(body))
                site.hook_headers.append(dict(self.headers) | {"raw": body.decode()})
                self.answer(200)

        super().__init__(SiteHandler)


class Mailbox:
    """A real SMTP server that keeps what it is given."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        mailbox = self

        class Sink:
            async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
                mailbox.mails.append(envelope.content.decode())
                return "250 kept"

        self.port = free_port()
        self.controller = Controller(Sink(), hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def close(self) -> None:
        self.controller.stop()


class Installation:
    """`watchpost up` in a folder of its own, and the command line beside it."""

    def __init__(self, folder: Path, mail_port: int, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.folder = folder
        self.environment = (
            {
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("WATCHPOST_", "DJANGO_"))
            }
            | {
                "WATCHPOST_DATA_DIR": str(folder / "data"),
                "WATCHPOST_LISTEN": f"127.0.0.1:{self.port}",
                "WATCHPOST_ALLOW_NETWORKS": "127.0.0.0/8",
                "WATCHPOST_EGRESS_REFERENCES": "",
                "WATCHPOST_EMAIL_URL": f"smtp://127.0.0.1:{mail_port}",
            }
            | {f"WATCHPOST_{name}": value for name, value in settings.items()}
        )
        self.log = folder / "up.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "watchpost.cli.main", "up"],
                env=self.environment,
                stderr=log,
                stdout=log,
            )

    def sign_in_link(self) -> str:
        found = wait_for(lambda: re.search(r"http://\S+/signin/\S+", self.log.read_text()), 60)
        return str(found[0])

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "watchpost.cli.main", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def wait_for(condition: Callable[[], Any], seconds: float) -> Any:
    """The first true value of ``condition``; an AssertionError when time runs out."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"did not come true within {seconds:g} s")
