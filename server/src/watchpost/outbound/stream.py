"""One TCP connection to one pinned address, under the guard, with a deadline and a budget of bytes.

Driven by the running loop, without a thread. Failures are values; only cancellation is raised.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from time import monotonic
from types import TracebackType
from typing import Self

from watchpost.outbound.failure import Failure
from watchpost.outbound.guard import Guard

_AT_ONCE = 16 * 1024
MOST_BYTES = 256 * 1024  # OpenSSL takes a chain of 100 kB at most; whoever sends more is not answering us
_CONNECT = {
    errno.ECONNREFUSED: ("refused", "the connection was refused: nothing listens on this port"),
    errno.EHOSTUNREACH: ("unreachable", "no route leads to this host"),
    # Our own routing table says so before a packet leaves, as for IPv6 on a machine that has none.
    errno.ENETUNREACH: ("no_route", "this Watchpost server has no route to this network"),
    errno.EADDRNOTAVAIL: ("no_route", "this Watchpost server has no address of this family"),
    errno.ECONNRESET: ("reset", "the connection was reset while it was being opened"),
    errno.ETIMEDOUT: ("timeout", "no connection was made before the system gave up"),
}


class Broken(Exception):
    """The stream is of no more use. Does not leave ``outbound``: whoever uses a stream makes it a value."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


class Stream:
    """An open connection; ``with`` frees it on every path. ``ends`` is on the monotonic clock."""

    def __init__(self, sock: socket.socket, ends: float, timeout_s: float, most_bytes: int) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._ends, self._timeout_s, self._left = ends, timeout_s, most_bytes
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._sock.close()

    async def receive(self, phase: str) -> bytes:
        """What has come, at least one byte; b"" when the peer has closed. Raises Broken."""
        if self._held:
            held, self._held = self._held, b""
            return held
        if self._left <= 0:
            raise Broken(Failure(phase, "flood", "the server sends without end instead of answering"))
        try:
            async with asyncio.timeout(self._ends - monotonic()):
                data = await self._loop.sock_recv(self._sock, min(_AT_ONCE, self._left))
        except TimeoutError:
            raise Broken(self._too_late(phase)) from None
        except OSError as error:
            raise Broken(_cut(phase, error)) from None
        self._left -= len(data)
        return data

    async def send(self, data: bytes, phase: str) -> None:
        """All of ``data``. Raises Broken."""
        try:
            async with asyncio.timeout(self._ends - monotonic()):
                await self._loop.sock_sendall(self._sock, data)
        except TimeoutError:
            raise Broken(self._too_late(phase)) from None
        except OSError as error:
            raise Broken(_cut(phase, error)) from None

    async def line(self, phase: str, most: int = 1024) -> bytes:
        """One line without its end. Raises Broken, also when no line ends within ``most`` bytes."""
        got = b""
        while b"\n" not in got:
            if len(got) > most:
                raise Broken(Failure(phase, "protocol", "the server sends a line without end"))
            more = await self.receive(phase)
            if not more:
                raise Broken(_closed(phase))
            got += more
        found, _, self._held = got.partition(b"\n")
        return found.rstrip(b"\r")

    async def exactly(self, count: int, phase: str) -> bytes:
        """So many bytes. Raises Broken."""
        got = b""
        while len(got) < count:
            more = await self.receive(phase)
            if not more:
                raise Broken(_closed(phase))
            got += more
        found, self._held = got[:count], got[count:]
        return found

    @property
    def has_more(self) -> bool:
        """Whether the peer has said more than was asked for: after a STARTTLS that is an injection."""
        return bool(self._held)

    def _too_late(self, phase: str) -> Failure:
        return Failure(phase, "timeout", f"{_WAITING[phase]} within {self._timeout_s:.2g} s")


_WAITING = {
    "connect": "no connection was made",
    "starttls": "the server did not get as far as TLS",
    "tls": "the TLS handshake was not finished",
    "wait": "no answer came",
    "send": "what was said was not taken",
}


async def open_stream(
    guard: Guard, address: str, port: int, ends: float, most_bytes: int = MOST_BYTES
) -> Stream | Failure:
    """Connects to ``address`` (an IP address, nothing is looked up). ``ends`` is on the monotonic clock."""
    refusal = guard.refusal(address, port)
    if refusal is not None:
        return Failure("connect", "refused_by_guard", refusal)
    left_s = max(0.0, ends - monotonic())
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        async with asyncio.timeout(left_s):
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except TimeoutError:
        sock.close()
        return Failure("connect", "timeout", f"no connection was made within {left_s:.2g} s")
    except OSError as error:
        sock.close()
        kind, words = _CONNECT.get(error.errno or 0, ("unreachable", (error.strerror or str(error)).lower()))
        return Failure("connect", kind, words)
    except BaseException:  # cancellation: the socket must not outlive the look
        sock.close()
        raise
    return Stream(sock, ends, left_s, most_bytes)


def _cut(phase: str, error: OSError) -> Failure:
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return Failure(phase, "reset", "the server reset the connection")
    return Failure(phase, "reset", f"the connection broke: {(error.strerror or str(error)).lower()}")


def _closed(phase: str) -> Failure:
    return Failure(phase, "closed", "the server closed the connection without a word")
