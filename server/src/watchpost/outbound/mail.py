"""Hands one e-mail to the operator's mail server: the way out for the e-mail channel, in worker threads.

Synchronous on purpose, with one deadline for everything: the look-up of the name, the connection, and
every line the server says. A server that sends a byte a second is as slow as one that sends none.
EMAIL_URL is set by the operator, so the guard is not asked.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

from watchpost import clock

_PORTS = {"smtp": 25, "smtps": 465, "smtp+tls": 587}
_AUTH_CODES = frozenset({530, 534, 535, 538})
_TOO_BIG = 552
_LINE_BYTES = 8192
_EXAMPLE = "smtp+tls://user:password@mail.example.com:587"
_UNSET = f"EMAIL_URL is not set, so no mail can leave. Set WATCHPOST_EMAIL_URL, for example to {_EXAMPLE}"


@dataclass(frozen=True, slots=True)
class MailAnswer:
    """What the mail server said. ``code`` None: it never got to say anything that counts.

    ``broken``: no other mail would arrive either, until somebody changes EMAIL_URL or the sender.
    """

    ok: bool
    code: int | None
    detail: str
    broken: bool = False


@dataclass(frozen=True, slots=True)
class _Server:
    scheme: str
    host: str
    port: int
    user: str
    password: str


class Mailer:
    """Sends mail through one server. Usable from any thread: every mail has a connection of its own."""

    def __init__(self, email_url: str, tls: ssl.SSLContext | None = None) -> None:
        self._server = _parse(email_url) if email_url else None
        self._tls = tls

    def send(self, message: EmailMessage, deadline_s: float) -> MailAnswer:
        """Hands ``message`` over within ``deadline_s`` seconds. Never raises."""

        def hand_over(connection: _Connection, _: _Server) -> MailAnswer:
            refused = connection.send_message(message)
            return MailAnswer(True, 250, _accepted(connection.receipt, refused))

        return self._try(hand_over, deadline_s)

    def greet(self, deadline_s: float) -> MailAnswer:
        """Everything but a letter: connects, encrypts and logs in. Never raises."""
        return self._try(lambda _, server: MailAnswer(True, 250, _greeted(server)), deadline_s)

    def _try(self, act: Callable[[_Connection, _Server], MailAnswer], deadline_s: float) -> MailAnswer:
        if self._server is None:
            return MailAnswer(False, None, _UNSET)
        budget = _Budget(deadline_s)
        try:
            return self._connected(self._server, budget, act)
        except Exception as problem:  # noqa: BLE001  the outermost shell: a mail server may say anything
            # smtplib hides a timeout while it reads in an error of its own.
            late = isinstance(problem, smtplib.SMTPServerDisconnected) and budget.spent()
            return _failure(TimeoutError() if late else problem, self._server, deadline_s)

    def _connected(
        self, server: _Server, budget: _Budget, act: Callable[[_Connection, _Server], MailAnswer]
    ) -> MailAnswer:
        tls = self._tls or ssl.create_default_context()
        connection = _Connection(server, budget, tls)
        try:
            connection.connect(server.host, server.port)
            if server.scheme == "smtp+tls":
                connection.starttls(context=tls)
            if server.user:
                connection.login(server.user, server.password)
            return act(connection, server)
        finally:
            # No QUIT: the message is accepted by now, and waiting for a goodbye could only lose that.
            connection.close()


def _greeted(server: _Server) -> str:
    where = f"{server.host}:{server.port}"
    return f"{where} lets {server.user} in" if server.user else f"{where} answers"


class _Budget:
    """The time that is left of a deadline."""

    def __init__(self, deadline_s: float) -> None:
        self._until = clock.monotonic() + deadline_s

    def left(self) -> float:
        left = self._until - clock.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left

    def spent(self) -> bool:
        return clock.monotonic() >= self._until


class _Lines:
    """Reads lines from a socket within a budget; the reader of smtplib starts anew with every byte."""

    def __init__(self, sock: socket.socket, budget: _Budget) -> None:
        self._sock = sock
        self._budget = budget
        self._rest = b""

    def readline(self, limit: int = _LINE_BYTES) -> bytes:
        while b"\n" not in self._rest and len(self._rest) < limit:
            self._sock.settimeout(self._budget.left())
            chunk = self._sock.recv(_LINE_BYTES)
            if not chunk:
                break
            self._rest += chunk
        end = self._rest.find(b"\n") + 1 or len(self._rest)
        line, self._rest = self._rest[: min(end, limit)], self._rest[min(end, limit) :]
        return line

    def close(self) -> None:
        """The socket belongs to the connection, which closes it."""


class _Connection(smtplib.SMTP):
    """smtplib, with every wait bounded by one budget."""

    def __init__(self, server: _Server, budget: _Budget, tls: ssl.SSLContext) -> None:
        # The machine's own name, unresolved: getfqdn() would ask the resolver, without a deadline.
        super().__init__(local_hostname=socket.gethostname() or "localhost")
        self._at_once = tls if server.scheme == "smtps" else None
        self._budget = budget
        self._host = server.host  # smtplib checks the certificate of STARTTLS against it
        self.receipt = ""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # smtplib's own
        sock = _connect(host, port, self._budget)
        if self._at_once is None:
            return sock
        sock.settimeout(self._budget.left())
        try:
            return self._at_once.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _Lines(self.sock, self._budget)  # type: ignore[arg-type]
        return super().getreply()

    def send(self, s: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(self._budget.left())
        super().send(s)

    def data(self, msg: Any) -> tuple[int, bytes]:
        code, said = super().data(msg)
        self.receipt = f"{code} {_plain(said)}"
        return code, said


def _connect(host: str, port: int, budget: _Budget) -> socket.socket:
    """The first address that answers. Each has an equal share of what is left."""
    addresses = _look_up(host, port, budget)
    problem: OSError = OSError(f"{host} has no address")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(budget.left() / (len(addresses) - position))
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            problem = error
    raise problem


def _look_up(host: str, port: int, budget: _Budget) -> list[Any]:
    """getaddrinfo knows no timeout, so it runs in a thread that may be left behind."""
    found: list[Any] = []
    errors: list[OSError] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            errors.append(error if isinstance(error, OSError) else OSError(str(error)))

    thread = threading.Thread(target=ask, name="mail-lookup", daemon=True)
    thread.start()
    thread.join(budget.left())
    if thread.is_alive():
        raise TimeoutError(f"the name {host} was not resolved in time")
    if errors:
        raise errors[0]
    return found


def _parse(email_url: str) -> _Server:
    """EMAIL_URL in parts. The error never repeats the value: it holds a password."""
    try:
        parts = urlsplit(email_url)
        port = parts.port
    except ValueError:
        raise _wrong(
            "its host or port cannot be read; encode / : @ # ? in a password as %2F %3A ..."
        ) from None
    if parts.scheme not in _PORTS:
        raise _wrong(f"it must start with {', '.join(f'{name}://' for name in _PORTS)}")
    if not parts.hostname:
        raise _wrong("it names no host")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _wrong("nothing may follow host and port; encode / ? # in a password as %2F %3F %23")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise _wrong("it needs both a user and a password, or neither")
    return _Server(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], user, password)


def _wrong(why: str) -> ValueError:
    return ValueError(f"EMAIL_URL is not usable: {why}. Write it like {_EXAMPLE}")


def _accepted(receipt: str, refused: dict[str, tuple[int, bytes]]) -> str:
    """The receipt; whoever was refused is named, for the others have the mail and must not get it twice."""
    if not refused:
        return receipt[:500]
    names = "; ".join(f"{name}: {code} {_plain(said)}" for name, (code, said) in refused.items())
    return f"{receipt}. Not delivered to {names}"[:500]


def _failure(problem: Exception, server: _Server, deadline_s: float) -> MailAnswer:
    where = f"{server.host}:{server.port}"
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return _refused_recipients(problem)
    if isinstance(problem, smtplib.SMTPResponseException):
        return _refused(problem)
    if isinstance(problem, TimeoutError):
        return MailAnswer(False, None, f"{where} did not finish within {deadline_s:g} s")
    if isinstance(problem, smtplib.SMTPNotSupportedError):
        detail = f"{where}: {_plain(problem)} Check the scheme and the user in EMAIL_URL"
        return MailAnswer(False, None, detail[:500], broken=True)
    if isinstance(problem, ssl.SSLCertVerificationError):
        detail = f"The certificate of {where} is not trusted: {problem.verify_message}. Check EMAIL_URL"
        return MailAnswer(False, None, detail[:500], broken=True)
    return MailAnswer(False, None, f"{where}: {_plain(problem) or type(problem).__name__}"[:500])


def _refused_recipients(problem: smtplib.SMTPRecipientsRefused) -> MailAnswer:
    """All were refused. One temporary refusal makes the whole mail worth another try."""
    answers = problem.recipients
    detail = "; ".join(f"{name}: {code} {_plain(said)}" for name, (code, said) in answers.items())
    code = min(code for code, _ in answers.values())
    return MailAnswer(False, code, detail[:500], broken=code in _AUTH_CODES)


def _refused(problem: smtplib.SMTPResponseException) -> MailAnswer:
    code = problem.smtp_code if problem.smtp_code > 0 else None
    sender = isinstance(problem, smtplib.SMTPSenderRefused) and problem.smtp_code >= 500
    broken = code in _AUTH_CODES or (sender and code != _TOO_BIG)
    return MailAnswer(False, code, f"{code or ''} {_plain(problem.smtp_error)}".strip()[:500], broken)


def _plain(said: object) -> str:
    """What a server said, on one line, without control characters."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:400]
