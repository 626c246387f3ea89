"""One TCP connection to one pinned address, under the guard, with a deadline and a budget of bytes.

Driven by the running loop, without a thread. Failures are values; only cancellation is raised.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from time import monotonic
from types import TracebackType
from typing import Self

from watchpost.outbound.failure import Failure
from watchpost.outbound.guard import Guard

_AT_ONCE = 16 * 1024
_UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EALREADY})
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
    """An open connection; ``with`` frees it on every path. ``ends`` is on the monotonic clock.

    What can be done at once is done at once: the loop is asked only to wait, with one timer for the whole
    life of the stream. A task's turn, a timer and a callback for each call cost more than the calls.
    """

    def __init__(self, sock: socket.socket, ends: float, timeout_s: float, most_bytes: int) -> None:
        self._sock, self._number = sock, sock.fileno()
        self._loop = asyncio.get_running_loop()
        self._ends, self._timeout_s, self._left = ends, timeout_s, most_bytes
        self._held = b""
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_late = self._is_watched = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._look_away()
        self._sock.close()

    async def connect(self, address: str, port: int) -> None:
        """Raises OSError, of which TimeoutError is one."""
        where = (address, port)
        code = self._sock.connect_ex(where)
        if code == errno.EINPROGRESS:
            # Who is on this machine or beside it has answered by now: asking again is cheaper than waiting.
            code = self._sock.connect_ex(where)
        if code in _UNDER_WAY:
            await self._until_writable()
            code = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))

    async def receive(self, phase: str) -> bytes:
        """What has come, at least one byte; b"" when the peer has closed. Raises Broken."""
        if self._held:
            held, self._held = self._held, b""
            return held
        if self._left <= 0:
            raise Broken(Failure(phase, "flood", "the server sends without end instead of answering"))
        try:
            data = await self._read(min(_AT_ONCE, self._left))
        except TimeoutError:
            raise Broken(self._too_late(phase)) from None
        except OSError as error:
            raise Broken(_cut(phase, error)) from None
        self._left -= len(data)
        return data

    async def send(self, data: bytes, phase: str) -> None:
        """All of ``data``. Raises Broken."""
        try:
            left = memoryview(data)[self._write(data) :]
            while left:
                await self._until_writable()
                left = left[self._write(left) :]
        except TimeoutError:
            raise Broken(self._too_late(phase)) from None
        except OSError as error:
            raise Broken(_cut(phase, error)) from None

    async def _read(self, most: int) -> bytes:
        """An answer needs its time, so this waits first; it may be woken for nothing."""
        while True:
            if not self._is_watched:
                self._loop.add_reader(self._number, self._wake)
                self._is_watched = True
            await self._wait()
            try:
                return self._sock.recv(most)
            except BlockingIOError:
                continue

    def _write(self, data: bytes | memoryview) -> int:
        """How much of it the system took."""
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0

    async def _until_writable(self) -> None:
        """What comes meanwhile stays where it is: it must not wake us, or we would spin."""
        self._look_away()
        self._loop.add_writer(self._number, self._wake)
        try:
            await self._wait()
        finally:
            self._loop.remove_writer(self._number)

    async def _wait(self) -> None:
        """Until the loop wakes us. Raises TimeoutError when our time is over."""
        left_s = self._ends - monotonic()
        if left_s <= 0 or self._is_late:
            raise TimeoutError
        if self._timer is None:
            self._timer = self._loop.call_later(left_s, self._expire)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._is_late:
            raise TimeoutError

    def _expire(self) -> None:
        self._is_late = True
        self._wake()

    def _wake(self) -> None:
        """The reader stays from one answer to the next; when nobody waits, it would be called without end."""
        if self._waiter is None:
            self._look_away()
        elif not self._waiter.done():
            self._waiter.set_result(None)

    def _look_away(self) -> None:
        if self._is_watched:
            self._loop.remove_reader(self._number)
            self._is_watched = False

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
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    stream = Stream(sock, ends, left_s, most_bytes)
    try:
        await stream.connect(address, port)
    except TimeoutError:
        stream.close()
        return Failure("connect", "timeout", f"no connection was made within {left_s:.2g} s")
    except OSError as error:
        stream.close()
        kind, words = _CONNECT.get(error.errno or 0, ("unreachable", (error.strerror or str(error)).lower()))
        return Failure("connect", kind, words)
    except BaseException:  # cancellation: the socket must not outlive the look
        stream.close()
        raise
    return stream


def _cut(phase: str, error: OSError) -> Failure:
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return Failure(phase, "reset", "the server reset the connection")
    return Failure(phase, "reset", f"the connection broke: {(error.strerror or str(error)).lower()}")


def _closed(phase: str) -> Failure:
    return Failure(phase, "closed", "the server closed the connection without a word")
