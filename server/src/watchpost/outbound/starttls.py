"""What is said in the clear before TLS begins. Nothing is sent but the request for TLS.

SMTP: RFC 3207. IMAP: RFC 9051, 6.2.1. PostgreSQL: SSLRequest in "Message Formats" of its protocol.
"""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable

from watchpost.outbound.failure import Failure
from watchpost.outbound.stream import Broken, Stream

_MOST_LINES = 100
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def _refused(words: str) -> Broken:
    return Broken(Failure("starttls", "starttls", words))


def _said(line: bytes) -> str:
    """A server's own words for a sentence: short and printable."""
    text = line[:80].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


async def _smtp_reply(stream: Stream) -> tuple[int, list[bytes]]:
    """RFC 5321, 4.2.1: lines ``250-...`` until ``250 ...``."""
    lines: list[bytes] = []
    while len(lines) < _MOST_LINES:
        line = await stream.line("starttls")
        if len(line) < 3 or not line[:3].isdigit():
            raise Broken(Failure("starttls", "protocol", f"the server does not speak SMTP: “{_said(line)}”"))
        lines.append(line[4:])
        if line[3:4] != b"-":
            return int(line[:3]), lines
    raise Broken(Failure("starttls", "flood", "the server sends without end instead of answering"))


async def _smtp(stream: Stream) -> None:
    code, lines = await _smtp_reply(stream)
    if code != 220:
        raise _refused(f"the mail server turns us away: {code} {_said(lines[-1])}")
    await stream.send(b"EHLO watchpost.invalid\r\n", "starttls")
    code, lines = await _smtp_reply(stream)
    if code != 250:
        raise _refused(f"the mail server refuses EHLO: {code} {_said(lines[-1])}")
    if not any(line.strip().upper() == b"STARTTLS" for line in lines[1:]):
        raise _refused("the mail server does not offer STARTTLS")
    await stream.send(b"STARTTLS\r\n", "starttls")
    code, lines = await _smtp_reply(stream)
    if code != 220:
        raise _refused(f"the mail server refuses STARTTLS: {code} {_said(lines[-1])}")


async def _imap(stream: Stream) -> None:
    greeting = await stream.line("starttls")
    if not greeting.upper().startswith((b"* OK", b"* PREAUTH")):
        raise Broken(Failure("starttls", "protocol", f"the server does not speak IMAP: “{_said(greeting)}”"))
    await stream.send(b"w1 STARTTLS\r\n", "starttls")
    for _ in range(_MOST_LINES):
        line = await stream.line("starttls")
        if line.upper().startswith(b"W1 OK"):
            return
        if line.upper().startswith(b"W1 "):
            raise _refused(f"the mail server refuses STARTTLS: {_said(line[3:])}")
    raise Broken(Failure("starttls", "flood", "the server sends without end instead of answering"))


async def _postgres(stream: Stream) -> None:
    await stream.send(_SSL_REQUEST, "starttls")
    answer = await stream.exactly(1, "starttls")
    if answer == b"N":
        raise _refused("the PostgreSQL server does not offer TLS")
    if answer != b"S":
        raise Broken(Failure("starttls", "protocol", "the server does not speak PostgreSQL's protocol"))


_PRELUDES: dict[str, Callable[[Stream], Awaitable[None]]] = {
    "none": lambda _: _nothing(),
    "smtp": _smtp,
    "imap": _imap,
    "postgres": _postgres,
}


async def _nothing() -> None:
    return


async def ask_for_tls(stream: Stream, protocol: str) -> None:
    """Brings ``stream`` to where TLS begins; ``protocol``: none | smtp | imap | postgres. Raises Broken."""
    await _PRELUDES[protocol](stream)
    if stream.has_more:  # CVE-2011-0411: what stands in the clear behind the answer is nobody's business
        words = "the server sends plain text where TLS should begin"
        raise Broken(Failure("starttls", "protocol", words))
