"""A real mail server on a real socket, and the real way out."""

from __future__ import annotations

import email
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from watchpost.outbound.mail import Mailer


@dataclass
class Sink:
    """Says yes, or what it was told to say, and keeps what came."""

    rcpt: dict[str, str] = field(default_factory=dict)
    mail: str = ""
    data: str = "250 2.0.0 Ok: queued as 4F2A"
    got: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    port: int = 0

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.mail:
            return self.mail
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        letter = email.message_from_bytes(envelope.content, policy=policy.default)
        self.got.append((list(envelope.rcpt_tos), letter))  # type: ignore[arg-type]
        return self.data


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and data == LoginPassword(b"bot", b"p@ss/word")
    return AuthResult(success=right, handled=False)


def _free_port() -> int:
    """aiosmtpd tries its own port when it starts, so it has to be told one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def sink() -> Iterator[Callable[..., Sink]]:
    running: list[Controller] = []

    def start(auth: bool = False, **wanted: Any) -> Sink:
        handler = Sink(**wanted)
        controller = Controller(
            handler,
            hostname="127.0.0.1",
            port=_free_port(),
            auth_required=auth,
            auth_require_tls=False,
            authenticator=_authenticate,
        )
        controller.start()
        handler.port = controller.port
        running.append(controller)
        return handler

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def way_out() -> Callable[[str], Any]:
    def build(url: str) -> Any:
        return SimpleNamespace(
            mail=Mailer(url).send,
            from_address="watchpost@example.com",
            site_url="https://watch.example.com",
        )

    return build
