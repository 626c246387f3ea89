"""One HTTP exchange on libcurl's multi interface, driven by the asyncio loop.

Every exchange has a fresh connection to one pinned address. Deadlines and cancellation free the
socket. Rules learnt by measurement: pin with CONNECT_TO, never RESOLVE (its cache belongs to the
whole multi handle); one multi handle per trust store (alternating CA files costs milliseconds).
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pycurl

from watchpost.core.types import Phases
from watchpost.outbound.certificate import Certificate, read_chain
from watchpost.outbound.failure import Failure, explain
from watchpost.outbound.guard import Guard
from watchpost.outbound.proxy import Passage, denial_of, explain_by_proxy, prepare_proxy
from watchpost.outbound.request import SPEAKS_HTTP3, Request, prepare

_IDLE_HANDLES = 256
# What every server with TLS speaks. OpenSSL's own first choice, a hybrid with ML-KEM, costs a tenth of a
# look for a secrecy that a look has no use for, and makes a ClientHello that old boxes choke on.
_KEY_EXCHANGES = "X25519:P-256:P-384:P-521"
_VERSION_NAMES = {
    pycurl.CURL_HTTP_VERSION_1_0: "1.0",
    pycurl.CURL_HTTP_VERSION_1_1: "1.1",
    pycurl.CURL_HTTP_VERSION_2_0: "2",
    getattr(pycurl, "CURL_HTTP_VERSION_3", 30): "3",
}
_EVENTS = {pycurl.POLL_IN: (True, False), pycurl.POLL_OUT: (False, True), pycurl.POLL_INOUT: (True, True)}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. ``status`` 0: no answer. ``body`` is decompressed and capped at ``max_body``.

    ``local_address`` is ours, and known only for an error status.
    """

    status: int
    http_version: str
    header_lines: tuple[bytes, ...]
    body: bytes
    truncated: bool
    phases: Phases
    total_ms: float
    address: str
    failure: Failure | None = None
    certificates: tuple[Certificate, ...] = ()
    local_address: str = ""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names in lower case with their values, in the order served."""
        pairs = (line.decode("latin-1").partition(":") for line in self.header_lines)
        return [(name.strip().lower(), value.strip()) for name, colon, value in pairs if colon]

    def header(self, name: str) -> str | None:
        """The first value of a header; ``name`` in lower case."""
        wanted = name.encode("latin-1") + b":"
        for line in self.header_lines:
            if line[: len(wanted)].lower() == wanted:
                return line[len(wanted) :].strip().decode("latin-1")
        return None


class _Handover:
    """A descriptor on its way to libcurl, which takes a copy: ours is closed as soon as that is done.

    A socket object left to the garbage collector would spend microseconds on a resource warning.
    """

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        return self._fd

    def __del__(self) -> None:
        os.close(self._fd)


class _Handle:
    """An easy handle with what its callbacks collect. What never changes is set once.

    Reused without ``reset`` as long as only common options were touched: setting all of them
    anew costs as much as parsing the answer.
    """

    __slots__ = (
        "body", "ca_file", "easy", "future", "guard", "keep", "lines",
        "odd", "passage", "refusal", "request", "room", "truncated",
    )  # fmt: skip

    request: Request
    future: asyncio.Future[int]
    keep: Callable[[bytes], object]

    def __init__(self, guard: Guard, ca_file: str) -> None:
        self.guard = guard
        self.ca_file = ca_file
        self.easy = pycurl.Curl()
        self.lines: list[bytes] = []
        self.body: list[bytes] = []
        self.refusal = ""
        self.room = 0
        self.truncated = False
        self.odd = False
        self.passage: Passage | None = None
        self._set_constants()

    def begin(self, request: Request, future: asyncio.Future[int]) -> None:
        self.request = request
        self.future = future
        self.room = request.max_body
        self.keep = request.sink or self.body.append
        self.odd = prepare(self.easy, request, self.ca_file)
        if request.proxy is not None:
            self.odd = True
            self.passage = prepare_proxy(self.easy, request, request.proxy, self.lines.append)

    def clear(self) -> None:
        """Ready for the next request."""
        self.lines.clear()
        self.body.clear()
        self.keep = self.body.append  # what a sink belongs to may go
        self.refusal = ""
        self.truncated = False
        self.passage = None
        if self.odd:
            self.easy.reset()
            self._set_constants()

    def _set_constants(self) -> None:
        put = self.easy.setopt
        put(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        put(pycurl.PROXY, "")  # a proxy would be what the guard sees instead of the target
        put(pycurl.NOSIGNAL, 1)
        put(pycurl.FRESH_CONNECT, 1)
        put(pycurl.FORBID_REUSE, 1)
        put(pycurl.SSL_SESSIONID_CACHE, 0)
        put(pycurl.SSL_EC_CURVES, _KEY_EXCHANGES)
        if self.ca_file:
            put(pycurl.CAINFO, self.ca_file)
        put(pycurl.ENCODING, "")
        put(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        put(pycurl.HEADERFUNCTION, self.lines.append)  # libcurl itself stops at 300 kB of headers
        put(pycurl.WRITEFUNCTION, self._take)

    def _open_socket(self, _purpose: int, where: tuple[int, int, int, tuple[Any, ...]]) -> object:
        """Asked by libcurl for every socket: the last word on where a look may go."""
        family, kind, protocol, address = where
        ip = address[0]
        why = self.guard.refusal(ip.decode("ascii") if isinstance(ip, bytes) else ip, address[1])
        if why is not None:
            self.refusal = why  # libcurl itself only says "could not connect"
            return pycurl.SOCKET_BAD
        return _Handover(socket.socket(family, kind, protocol).detach())

    def _take(self, chunk: bytes) -> int | None:
        self.room -= len(chunk)
        if self.room >= 0:
            self.keep(chunk)
            return None
        self.keep(chunk[: self.room])
        self.truncated = True
        return 0  # stops the transfer; libcurl calls it a write error


class Multi:
    """One CurlMulti and its sockets on the running loop. ``ca_file``: what it trusts, "" for the default."""

    def __init__(self, guard: Guard, ca_file: str = "") -> None:
        self._guard = guard
        self._ca_file = ca_file
        self._loop = asyncio.get_running_loop()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._timer: asyncio.Handle | None = None
        self._watched: dict[int, int] = {}
        self._running: dict[pycurl.Curl, _Handle] = {}
        self._idle: list[_Handle] = []

    @property
    def open_sockets(self) -> int:
        return len(self._watched)

    @property
    def is_idle(self) -> bool:
        return not self._running

    async def exchange(self, request: Request) -> Reply:
        """Sends one request and collects the answer. Never raises but for cancellation."""
        if request.http_version == "3" and not SPEAKS_HTTP3:
            return _unable(request)
        handle = self._idle.pop() if self._idle else _Handle(self._guard, self._ca_file)
        future: asyncio.Future[int] = self._loop.create_future()
        try:
            handle.begin(request, future)
            self._running[handle.easy] = handle
            self._multi.add_handle(handle.easy)
            return _reply(handle, await future)
        finally:
            self._release(handle)

    def close(self) -> None:
        """Frees every socket. Whoever still waits is cancelled."""
        for easy, handle in list(self._running.items()):
            handle.future.cancel()
            self._multi.remove_handle(easy)
        self._running.clear()
        self._set_timer(-1)
        for fd, events in list(self._watched.items()):
            self._unwatch(fd, events)
        self._watched.clear()
        self._multi.close()
        self._idle.clear()

    def _release(self, handle: _Handle) -> None:
        if self._running.pop(handle.easy, None) is not None:
            self._multi.remove_handle(handle.easy)
        handle.clear()
        if len(self._idle) < _IDLE_HANDLES:
            self._idle.append(handle)

    def _watch(self, event: int, fd: int, _multi: object, _data: object) -> None:
        before = self._watched.pop(fd, 0)
        if event == pycurl.POLL_REMOVE:
            self._unwatch(fd, before)
            return
        self._watched[fd] = event
        was_in, was_out = _EVENTS.get(before, (False, False))
        now_in, now_out = _EVENTS[event]
        if now_in and not was_in:
            self._loop.add_reader(fd, self._act, fd, pycurl.CSELECT_IN)
        elif was_in and not now_in:
            self._loop.remove_reader(fd)
        if now_out and not was_out:
            self._loop.add_writer(fd, self._act, fd, pycurl.CSELECT_OUT)
        elif was_out and not now_out:
            self._loop.remove_writer(fd)

    def _unwatch(self, fd: int, events: int) -> None:
        reads, writes = _EVENTS.get(events, (False, False))
        if reads:
            self._loop.remove_reader(fd)
        if writes:
            self._loop.remove_writer(fd)

    def _set_timer(self, timeout_ms: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if timeout_ms == 0:
            self._timer = self._loop.call_soon(self._time_out)
        elif timeout_ms > 0:
            self._timer = self._loop.call_later(timeout_ms / 1000, self._time_out)

    def _time_out(self) -> None:
        self._timer = None
        self._act(pycurl.SOCKET_TIMEOUT, 0)

    def _act(self, fd: int, events: int) -> None:
        _, running = self._multi.socket_action(fd, events)
        if running < len(self._running):
            self._finish()

    def _finish(self) -> None:
        """Wakes those whose transfers ended. A cancelled one was removed before."""
        more = 1
        while more:
            more, fine, failed = self._multi.info_read()
            for easy in fine:
                self._end(easy, 0)
            for easy, code, _message in failed:
                self._end(easy, code)

    def _end(self, easy: pycurl.Curl, code: int) -> None:
        handle = self._running.get(easy)
        if handle is not None and not handle.future.done():
            handle.future.set_result(code)


def _reply(handle: _Handle, code: int) -> Reply:
    request, easy = handle.request, handle.easy
    if code == pycurl.E_WRITE_ERROR and handle.truncated:
        code = 0  # enough was read on purpose
    if code == pycurl.E_WRITE_ERROR and handle.room < request.max_body:
        code = 0  # something follows the end of the gzip stream: browsers show the page all the same
    phases, total_ms = _phases(easy, handle.passage.opened_ms if handle.passage else 0.0)
    failure = None
    if handle.passage is not None:
        failure = explain_by_proxy(easy, code, handle.refusal, request, handle.passage)
    elif code:
        https, quic = request.url.startswith("https:"), request.http_version == "3"
        failure = explain(easy, code, handle.refusal, https, request.timeout_s, quic)
    certificates: tuple[Certificate, ...] = ()
    if request.certificate and (handle.passage is None or handle.passage.is_open):  # else it is the proxy's
        certificates = read_chain(easy.getinfo_raw(pycurl.INFO_CERTINFO))
    status = easy.getinfo(pycurl.RESPONSE_CODE)
    reply = Reply(
        status,
        _VERSION_NAMES.get(easy.getinfo(pycurl.INFO_HTTP_VERSION), ""),
        _last_headers(handle.lines),
        b"".join(handle.body),
        handle.truncated,
        phases,
        total_ms,
        request.address,
        failure,
        certificates,
        easy.getinfo(pycurl.LOCAL_IP) if status >= 400 else "",
    )
    if handle.passage is None or handle.passage.tunnels or failure is not None:
        return reply
    return replace(reply, failure=denial_of(status, reply.header))


def _unable(request: Request) -> Reply:
    words = f"libcurl {pycurl.version_info()[1]} of this Watchpost server is built without HTTP/3"
    return Reply(0, "", (), b"", False, Phases(), 0.0, request.address, Failure("connect", "unable", words))


def _last_headers(lines: list[bytes]) -> tuple[bytes, ...]:
    """The headers of the final answer: those of a 1xx stand before it and do not count."""
    if lines and lines[0][9:10] != b"1":
        return tuple(lines[1:])
    first = 0
    for index, line in enumerate(lines):
        if line[:5] == b"HTTP/":
            first = index + 1
    return tuple(lines[first:])


def _phases(easy: pycurl.Curl, tunnel_ms: float) -> tuple[Phases, float]:
    """Milliseconds per phase. libcurl counts microseconds from the start and leaves 0 what never came.

    The time up to the name look-up is ours: the address is pinned and was resolved before. Who goes by a
    tunnel has a connection to the page when the tunnel stands, ``tunnel_ms`` after the start.
    """
    get = easy.getinfo
    start = get(pycurl.NAMELOOKUP_TIME_T)
    total = get(pycurl.TOTAL_TIME_T)
    connected = max(get(pycurl.CONNECT_TIME_T), int(tunnel_ms * 1000)) or total
    secured = get(pycurl.APPCONNECT_TIME_T) or (connected if get(pycurl.PRETRANSFER_TIME_T) else total)
    first = get(pycurl.STARTTRANSFER_TIME_T) or total
    phases = Phases(
        0.0,
        max(0, connected - start) / 1000,
        max(0, secured - connected) / 1000,
        max(0, first - secured) / 1000,
        max(0, total - first) / 1000,
    )
    return phases, total / 1000
