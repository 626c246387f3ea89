"""One DNS question to one pinned server: by UDP, and by TCP when the answer is cut off (RFC 1035, 7766).

Under the guard, with a deadline and a bounded answer. An answer counts only from the address that was asked,
with the number and the question that were sent: anybody can send a packet. dnspython builds and reads
messages; its sockets are not used. Failures are values; only cancellation is raised.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from dataclasses import dataclass
from ipaddress import ip_network
from time import monotonic
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode

from watchpost.outbound.failure import Failure
from watchpost.outbound.guard import Guard
from watchpost.outbound.stream import Broken, open_stream

PORT = 53
_PAYLOAD = 1232  # octets that pass everywhere without fragments (DNS flag day 2020)
_MOST_UDP = 4096
_MOST_TCP = 65_535 + 2
_SENT_AT_MOST = 3  # one lost packet is no dead server
_LEAST_TIME_S = 0.05
_NO_EDNS = (dns.rcode.FORMERR, dns.rcode.NOTIMP)  # RFC 6891, 7: servers older than EDNS say so
EVERYWHERE = Guard((ip_network("0.0.0.0/0"), ip_network("::/0")))
_SENDING = {
    errno.ECONNREFUSED: ("refused", "nothing answers on this port"),
    errno.EHOSTUNREACH: ("unreachable", "no route leads to this host"),
    # Our own routing table says so before a packet leaves, as for IPv6 on a machine that has none.
    errno.ENETUNREACH: ("no_route", "this Watchpost server has no route to this network"),
    errno.EADDRNOTAVAIL: ("no_route", "this Watchpost server has no address of this family"),
}


class Question(NamedTuple):
    """``name`` is ASCII, with or without its last dot; ``rdtype`` like ``MX``; ``address`` an IP address."""

    name: str
    rdtype: str
    address: str
    port: int = PORT
    recursion: bool = False  # RD: asked of a resolver, not of a name server
    dnssec: bool = False  # DO: signatures, please (RFC 4035)
    checking: bool = True  # False sets CD: answer though the signatures are wrong
    timeout_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Said:
    """What one server said, or why it said nothing. ``failure`` kinds: timeout | refused | unreachable |
    no_route | refused_by_guard | malformed | mismatched (an answer to another question) | truncated."""

    address: str
    port: int
    message: dns.message.Message | None = None
    failure: Failure | None = None
    ms: float = 0.0
    tcp: bool = False


async def ask(guard: Guard, question: Question) -> Said:
    """Takes no longer than ``question.timeout_s``."""
    began = monotonic()
    ends = began + question.timeout_s
    found = await _ask(guard, question, began, ends, edns=True)
    message = found.message
    if message is not None and message.rcode() in _NO_EDNS and message.edns < 0:
        found = await _ask(guard, question, began, ends, edns=False)
    return found


async def _ask(guard: Guard, question: Question, began: float, ends: float, edns: bool) -> Said:
    sent = _query(question, edns)
    if isinstance(sent, Failure):
        return Said(question.address, question.port, failure=sent)
    refusal = guard.refusal(question.address, question.port)
    if refusal is not None:
        return Said(question.address, question.port, failure=Failure("connect", "refused_by_guard", refusal))
    answer, tcp = await _by_udp(question, sent, ends), False
    if isinstance(answer, dns.message.Message) and answer.flags & dns.flags.TC:
        answer, tcp = await _by_tcp(guard, question, sent, ends), True
    ms = round((monotonic() - began) * 1000, 3)
    if isinstance(answer, Failure):
        return Said(question.address, question.port, failure=answer, ms=ms, tcp=tcp)
    return Said(question.address, question.port, answer, None, ms, tcp)


def _query(question: Question, edns: bool) -> dns.message.QueryMessage | Failure:
    flags = dns.flags.Flag(0)
    if question.recursion:
        flags |= dns.flags.RD
    if not question.checking:
        flags |= dns.flags.CD
    try:
        return dns.message.make_query(
            dns.name.from_text(question.name),
            question.rdtype,
            use_edns=0 if edns else -1,
            want_dnssec=question.dnssec and edns,
            payload=_PAYLOAD if edns else None,
            flags=flags,
        )
    except (dns.exception.DNSException, ValueError) as problem:  # a name that DNS cannot carry
        return Failure("send", "malformed", f"the name {question.name[:80]} cannot be asked for: {problem}")


async def _by_udp(
    question: Question, sent: dns.message.QueryMessage, ends: float
) -> dns.message.Message | Failure:
    family = socket.AF_INET6 if ":" in question.address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((question.address, question.port))  # the kernel drops what others send
            return await _exchange(sock, question, sent, ends)
    except TimeoutError:
        return Failure("wait", "timeout", f"no answer came within {question.timeout_s:.2g} s")
    except OSError as error:
        words = (error.strerror or str(error)).lower()
        return Failure("send", *_SENDING.get(error.errno or 0, ("unreachable", words)))


async def _exchange(
    sock: socket.socket, question: Question, sent: dns.message.QueryMessage, ends: float
) -> dns.message.Message | Failure:
    """Sends, again after a third of the time, and takes the first answer that is one. Raises TimeoutError."""
    loop, wire = asyncio.get_running_loop(), sent.to_wire()
    again_s = max(_LEAST_TIME_S, (ends - monotonic()) / _SENT_AT_MOST)
    for turn in range(_SENT_AT_MOST):
        until = ends if turn == _SENT_AT_MOST - 1 else min(ends, monotonic() + again_s)
        await loop.sock_sendall(sock, wire)
        try:
            async with asyncio.timeout(max(0.0, until - monotonic())):
                while True:
                    answer = _read(await loop.sock_recv(sock, _MOST_UDP), sent)
                    if answer is not None:
                        return answer
        except TimeoutError:
            if monotonic() >= ends - _LEAST_TIME_S:
                raise
    raise TimeoutError


def _read(wire: bytes, sent: dns.message.QueryMessage) -> dns.message.Message | Failure | None:
    """None: no answer to us. A packet with our number that is no answer is the server's own fault."""
    if len(wire) < 12 or wire[:2] != sent.id.to_bytes(2, "big") or not wire[2] & 0x80:
        return None
    try:
        message = dns.message.from_wire(wire, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError) as problem:
        if wire[2] & 0x02:  # cut off in the middle of a record: TCP has the whole
            cut = dns.message.QueryMessage(sent.id)
            cut.flags = dns.flags.Flag(int.from_bytes(wire[2:4], "big"))
            return cut
        said = str(problem)[:100] or type(problem).__name__
        return Failure("wait", "malformed", f"its answer cannot be read ({said})")
    if not sent.is_response(message):
        asked = message.question[0] if message.question else None
        other = f"{asked.name} {asked.rdtype.name}"[:120] if asked is not None else "no question at all"
        return Failure("wait", "mismatched", f"it answers another question than was asked: {other}")
    return message


async def _by_tcp(
    guard: Guard, question: Question, sent: dns.message.QueryMessage, ends: float
) -> dns.message.Message | Failure:
    wire = sent.to_wire()
    stream = await open_stream(guard, question.address, question.port, ends, _MOST_TCP)
    if isinstance(stream, Failure):
        return _cut_off(stream)
    with stream:
        try:
            await stream.send(len(wire).to_bytes(2, "big") + wire, "send")
            size = int.from_bytes(await stream.exactly(2, "wait"), "big")
            answer = _read(await stream.exactly(size, "wait"), sent)
        except Broken as broken:
            return _cut_off(broken.failure)
    return answer or Failure("wait", "mismatched", "by TCP it sends what is no answer to the question")


def _cut_off(failure: Failure) -> Failure:
    words = f"its answer is too long for UDP, and by TCP there is none: {failure.sentence}"
    return Failure(failure.phase, "truncated", words)
