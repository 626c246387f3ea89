"""The way out for mail: one deadline, no exception, an honest answer."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller

from watchpost.outbound import mail
from watchpost.outbound.mail import Mailer

CA = trustme.CA()


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "w@example.com", "ops@example.com", "Down"
    message.set_content("It is down.\n.\nReally.")
    return message


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("127.0.0.1").configure_cert(context)
    return context


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    CA.configure_trust(context)
    return context


class Sink:
    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append(envelope.content)
        return "250 queued as 1"


@pytest.fixture
def start_tls() -> Iterator[tuple[Sink, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    sink = Sink()
    controller = Controller(
        sink, hostname="127.0.0.1", port=port, tls_context=server_tls(), require_starttls=True
    )
    controller.start()
    yield sink, port
    controller.stop()


@pytest.fixture
def scripted() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """A server that does with its one connection what the test says."""
    listeners: list[socket.socket] = []

    def start(act: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            try:
                peer, _ = listener.accept()
                with peer:
                    act(peer)
            except OSError:
                pass  # the client has left, as it should

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.close()


def drip(peer: socket.socket) -> None:
    for _ in range(200):
        peer.sendall(b"2")
        time.sleep(0.03)


def endless_lines(peer: socket.socket) -> None:
    for _ in range(200):
        peer.sendall(b"220-still here\r\n")
        time.sleep(0.03)


def silent(peer: socket.socket) -> None:
    peer.recv(1)
    time.sleep(3)


def greet_then_drip(peer: socket.socket) -> None:
    peer.sendall(b"220 hello\r\n")
    peer.recv(1000)
    drip(peer)


@pytest.mark.parametrize("act", [drip, endless_lines, silent, greet_then_drip])
@pytest.mark.parametrize("scheme", ["smtp", "smtps", "smtp+tls"])
def test_the_deadline_is_for_everything(scripted: Any, act: Any, scheme: str) -> None:
    port = scripted(act)
    began = time.monotonic()
    answer = Mailer(f"{scheme}://127.0.0.1:{port}").send(letter(), 0.4)
    assert time.monotonic() - began < 1.5
    assert (answer.ok, answer.code, answer.broken) == (False, None, False)
    assert answer.detail


def test_a_name_that_is_not_resolved_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail.socket, "getaddrinfo", lambda *args, **kwargs: time.sleep(2) or [])
    began = time.monotonic()
    answer = Mailer("smtp://mail.example.com").send(letter(), 0.2)
    assert time.monotonic() - began < 1
    assert answer.detail == "mail.example.com:25 did not finish within 0.2 s"


def test_starttls(start_tls: tuple[Sink, int]) -> None:
    sink, port = start_tls
    answer = Mailer(f"smtp+tls://127.0.0.1:{port}", tls=trusting()).send(letter(), 5)
    assert (answer.ok, answer.code, answer.detail) == (True, 250, "250 queued as 1")
    assert b"\r\n.\r\nReally." in sink.got[0]


def test_a_certificate_nobody_vouches_for(start_tls: tuple[Sink, int]) -> None:
    answer = Mailer(f"smtp+tls://127.0.0.1:{start_tls[1]}").send(letter(), 5)
    assert not answer.ok
    assert answer.broken
    assert "certificate" in answer.detail
    assert "EMAIL_URL" in answer.detail


def test_starttls_that_is_not_offered(scripted: Any) -> None:
    def plain(peer: socket.socket) -> None:
        peer.sendall(b"220 hello\r\n")
        peer.recv(1000)
        peer.sendall(b"250 plain.example\r\n")
        peer.recv(1000)

    answer = Mailer(f"smtp+tls://127.0.0.1:{scripted(plain)}").send(letter(), 5)
    assert answer.broken
    assert "STARTTLS" in answer.detail
    assert "EMAIL_URL" in answer.detail


def test_tls_from_the_first_byte(scripted: Any) -> None:
    said: list[bytes] = []

    def serve(peer: socket.socket) -> None:
        with server_tls().wrap_socket(peer, server_side=True) as secure:
            secure.sendall(b"220 hello\r\n")
            lines = secure.makefile("rb")
            for reply in (b"250 me", b"250 ok", b"250 ok", b"354 go"):
                said.append(lines.readline())
                secure.sendall(reply + b"\r\n")
            while lines.readline() != b".\r\n":
                pass
            secure.sendall(b"250 2.0.0 done\r\n")

    answer = Mailer(f"smtps://127.0.0.1:{scripted(serve)}", tls=trusting()).send(letter(), 5)
    assert said[1].lower().startswith(b"mail from:<w@example.com>")
    assert (answer.ok, answer.detail) == (True, "250 2.0.0 done")


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff\x00\x1b[31m\r\n",
        b"554 go away\r\n",
        b"x" * 20000,
    ],
)
def test_whatever_it_says_is_an_answer(scripted: Any, greeting: bytes) -> None:
    answer = Mailer(f"smtp://127.0.0.1:{scripted(lambda peer: peer.sendall(greeting))}").send(letter(), 2)
    assert not answer.ok
    assert answer.detail
    assert answer.detail.isprintable()
    assert len(answer.detail) <= 500


def test_nobody_listens() -> None:
    answer = Mailer("smtp://127.0.0.1:9").send(letter(), 2)
    assert (answer.ok, answer.code, answer.broken) == (False, None, False)
    assert "127.0.0.1:9" in answer.detail


def test_no_address_is_an_answer_too() -> None:
    answer = Mailer("").send(letter(), 2)
    assert not answer.broken  # it may be set at the next start, and what waits then goes out
    assert "EMAIL_URL is not set" in answer.detail


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mail.example.com", "must start with smtp://"),
        ("https://mail.example.com", "must start with smtp://"),
        ("smtp://", "names no host"),
        ("smtp://mail.example.com:port", "cannot be read"),
        ("smtp://mail.example.com:99999", "cannot be read"),
        ("smtp://bot@mail.example.com", "both a user and a password"),
        ("smtp://mail.example.com/box", "nothing may follow"),
        ("smtp://bot:hush/hush@mail.example.com", "%2F"),
    ],
)
def test_a_wrong_address_is_refused_with_the_fix(url: str, says: str) -> None:
    with pytest.raises(ValueError) as refusal:
        Mailer(url)
    assert says in str(refusal.value)
    assert "smtp+tls://user:password@mail.example.com:587" in str(refusal.value)
    assert "hush" not in str(refusal.value)
