"""A real receiver on a real socket, and the real way out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import pytest

from watchpost.outbound.guard import Guard
from watchpost.outbound.send import Sender


@dataclass
class Receiver:
    """Answers every POST the same way and keeps what came."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: bytes = b"thanks"
    hang: bool = False
    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((dict(self.headers), body))
            if receiver.hang:
                receiver.release.wait(10)
                return
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(receiver.answer)))
            self.end_headers()
            self.wfile.write(receiver.answer)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    running: list[tuple[ThreadingHTTPServer, Receiver]] = []

    def start(**wanted: Any) -> Receiver:
        receiver = Receiver(**wanted)
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append((server, receiver))
        return receiver

    yield start
    for server, receiver in running:
        receiver.release.set()
        server.shutdown()
        server.server_close()


def way_out(*networks: str) -> Any:
    sender = Sender(Guard(tuple(ip_network(net) for net in networks)), "Watchpost/test")
    return SimpleNamespace(post=sender.post)


@pytest.fixture
def outbound() -> Any:
    return way_out("127.0.0.0/8")


@pytest.fixture
def guarded() -> Any:
    return way_out()
