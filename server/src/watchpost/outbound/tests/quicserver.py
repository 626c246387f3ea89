"""A real HTTP/3 server (aioquic) on a free loopback UDP port, in a thread and a loop of its own.

It stands beside the loop that looks, so that a busy look never keeps it from answering.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, QuicEvent


@dataclass
class Said:
    """What is answered. ``status`` 0: nothing, ever. ``hang_up``: the connection is closed in its place."""

    status: int = 200
    body: bytes = b"hello"
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


Answer = Callable[[str], Said]


@dataclass
class Asked:
    """One request as it arrived."""

    headers: dict[str, str]
    body: bytes = b""


@dataclass
class QuicSite:
    port: int
    asked: list[Asked]


def _protocol(answer: Answer, asked: list[Asked]) -> type[QuicConnectionProtocol]:
    class Protocol(QuicConnectionProtocol):
        _http: H3Connection | None = None

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._open: dict[int, Asked] = {}

        def quic_event_received(self, event: QuicEvent) -> None:
            if isinstance(event, ProtocolNegotiated):
                self._http = H3Connection(self._quic)
            for one in self._http.handle_event(event) if self._http is not None else ():
                if isinstance(one, HeadersReceived):
                    lines = {name.decode(): value.decode() for name, value in one.headers}
                    self._open[one.stream_id] = Asked(lines)
                elif isinstance(one, DataReceived):
                    self._open[one.stream_id].body += one.data
                if isinstance(one, (HeadersReceived, DataReceived)) and one.stream_ended:
                    self._answer(one.stream_id, self._open.pop(one.stream_id))

        def _answer(self, stream: int, request: Asked) -> None:
            asked.append(request)
            said = answer(request.headers[":path"])
            if said.hang_up:
                self.close(error_code=0x102)  # H3_INTERNAL_ERROR (RFC 9114, 8.1)
            elif said.status:
                assert self._http is not None
                lines = {":status": str(said.status), "content-length": str(len(said.body)), **said.headers}
                self._http.send_headers(stream, [(k.encode(), v.encode()) for k, v in lines.items()])
                self._http.send_data(stream, said.body, end_stream=True)
                self.transmit()

    return Protocol


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nothing listens, neither by TCP nor by UDP."""
    with socket.create_server((host, 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        port: int = tcp.getsockname()[1]
        udp.bind((host, port))
        return port


@contextlib.contextmanager
def run_quic(
    folder: Path,
    certificate: trustme.LeafCert,
    answer: Answer = lambda _path: Said(),
    port: int = 0,
    host: str = "127.0.0.1",
) -> Iterator[QuicSite]:
    """Serves until left. ``answer`` runs in the server's thread."""
    (folder / "quic.pem").write_bytes(b"".join(one.bytes() for one in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(folder / "quic.key")
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(folder / "quic.pem", folder / "quic.key")
    site = QuicSite(port or free_port(host), [])
    loop = asyncio.new_event_loop()
    started = loop.create_future()

    async def listen() -> None:
        made = _protocol(answer, site.asked)
        server = await serve(host, site.port, configuration=configuration, create_protocol=made)
        started.set_result(None)
        await stop.wait()
        server.close()
        await asyncio.sleep(0)

    stop, ready = asyncio.Event(), threading.Event()
    started.add_done_callback(lambda _: ready.set())

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(listen())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(20), "the HTTP/3 server did not start"
    try:
        yield site
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
