"""Sends one message and waits for the answer: the way out for channels, in worker threads.

Synchronous on purpose, with a hard deadline. The same guard as for probes is asked when the socket
is opened, so a webhook cannot be pointed at the inside of the network. Redirects are never followed.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import idna
import pycurl

from watchpost.outbound.guard import Guard

_ANSWER_BYTES = 4096
_HEADER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``status`` None: nothing did, and ``error`` says why in one sentence.

    Header names are lower case; ``body`` holds at most 4 kB. ``refused``: our own guard said no.
    """

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""
    refused: bool = False


class _Exchange:
    """What the callbacks of one transfer collect."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.refusal = ""
        self.headers: dict[str, str] = {}
        self.header_bytes = 0
        self.body = bytearray()

    def open_socket(self, _purpose: int, address: tuple[int, int, int, tuple[object, ...]]) -> object:
        family, kind, protocol, where = address
        why = self.guard.refusal(_text(where[0]), int(str(where[1])))
        if why is not None:
            self.refusal = why
            return pycurl.SOCKET_BAD
        return socket.socket(family, kind, protocol)

    def take_header(self, line: bytes) -> int | None:
        self.header_bytes += len(line)
        if self.header_bytes > _HEADER_BYTES:
            return 0
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            self.headers[name.strip().lower()] = value.strip()
        elif name.startswith("HTTP/"):
            self.headers.clear()  # the answer after a 100 Continue
        return None

    def take_body(self, chunk: bytes) -> int | None:
        self.body += chunk[: _ANSWER_BYTES - len(self.body)]
        # Enough for a receipt: stop rather than read on for ever.
        return 0 if len(self.body) >= _ANSWER_BYTES else None


def _text(value: object) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


def encode_url(url: str) -> str:
    """The URL with its host in ASCII (IDNA 2008, as browsers do). Raises ValueError with a sentence."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{url!r} is not an http or https address")
    if host.isascii():
        return url
    try:
        ascii_host = idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as problem:
        raise ValueError(f"the name {host!r} is not a valid host name: {problem}") from problem
    userinfo, at, _ = parts.netloc.rpartition("@")
    port = f":{parts.port}" if parts.port is not None else ""
    return urlunsplit(parts._replace(netloc=f"{userinfo}{at}{ascii_host}{port}"))


class Sender:
    """Posts messages with one guard and one name. Usable from any thread."""

    def __init__(self, guard: Guard, user_agent: str) -> None:
        self._guard = guard
        self._user_agent = user_agent

    def post(self, url: str, body: bytes, headers: Mapping[str, str], deadline_s: float) -> Answer:
        """POSTs ``body`` and waits at most ``deadline_s`` seconds. Never raises, never follows redirects."""
        try:
            target = encode_url(url)
            lines = header_lines(headers, self._user_agent)
        except ValueError as problem:
            return Answer(None, error=str(problem))
        exchange = _Exchange(self._guard)
        easy = pycurl.Curl()
        try:
            _prepare(easy, target, body, lines, deadline_s, exchange)
            return _perform(easy, exchange, deadline_s)
        finally:
            easy.close()


def header_lines(headers: Mapping[str, str], user_agent: str) -> list[bytes]:
    """Header lines as libcurl wants them. Raises ValueError on a line break: it would add headers."""
    lines = [b"Expect:"]  # no 100-continue: receivers answer it late or never
    named = {name.lower() for name in headers}
    if "user-agent" not in named:
        lines.append(b"User-Agent: " + user_agent.encode())
    for name, value in headers.items():
        if any(mark in name + value for mark in "\r\n\0"):
            raise ValueError(f"the header {name!r} contains a line break")
        lines.append(f"{name}: {value}".encode() if value else f"{name};".encode())
    return lines


def _prepare(
    easy: pycurl.Curl, url: str, body: bytes, lines: list[bytes], deadline_s: float, exchange: _Exchange
) -> None:
    easy.setopt(pycurl.URL, url.encode())
    easy.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    easy.setopt(pycurl.PROXY, "")  # a proxy would be what the guard sees instead of the target
    easy.setopt(pycurl.NOSIGNAL, 1)
    easy.setopt(pycurl.FOLLOWLOCATION, 0)
    easy.setopt(pycurl.POST, 1)
    easy.setopt(pycurl.POSTFIELDSIZE, len(body))
    easy.setopt(pycurl.COPYPOSTFIELDS, body)
    easy.setopt(pycurl.HTTPHEADER, lines)
    easy.setopt(pycurl.TIMEOUT_MS, max(1, int(deadline_s * 1000)))
    easy.setopt(pycurl.OPENSOCKETFUNCTION, exchange.open_socket)
    easy.setopt(pycurl.HEADERFUNCTION, exchange.take_header)
    easy.setopt(pycurl.WRITEFUNCTION, exchange.take_body)


def _perform(easy: pycurl.Curl, exchange: _Exchange, deadline_s: float) -> Answer:
    try:
        easy.perform()
    except pycurl.error as problem:
        if exchange.refusal:
            sentence = f"our own guard refused to connect: {exchange.refusal}"
            return Answer(None, error=sentence, refused=True)
        full = problem.args[0] == pycurl.E_WRITE_ERROR and len(exchange.body) >= _ANSWER_BYTES
        if not full:
            return Answer(None, error=_sentence(problem, deadline_s))
    return Answer(easy.getinfo(pycurl.RESPONSE_CODE), exchange.headers, bytes(exchange.body))


def _sentence(problem: pycurl.error, deadline_s: float) -> str:
    if problem.args[0] == pycurl.E_OPERATION_TIMEDOUT:
        return f"no answer within {deadline_s:g} s"
    return str(problem.args[1] or pycurl.error(problem.args[0]))[:300]
