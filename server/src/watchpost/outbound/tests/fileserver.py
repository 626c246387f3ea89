"""A web server on loopback that hands out what a test tells it, and remembers who asked for what."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Files:
    """``says`` maps a path to (status, headers, body); ``asked`` is what was asked for, with its headers."""

    def __init__(self) -> None:
        self.says: dict[str, tuple[int, Mapping[str, str], bytes]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.gate = threading.Event()  # cleared: nobody gets an answer
        self.gate.set()
        self.url = ""

    def say(self, path: str, what: Any, status: int = 200, **headers: str) -> None:
        body = what if isinstance(what, bytes) else json.dumps(what).encode()
        self.says[path] = status, {key.replace("_", "-"): value for key, value in headers.items()}, body

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@contextmanager
def file_server() -> Iterator[Files]:
    """An answer with an ``ETag`` is 304 for whoever has it already."""
    one = Files()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = {key.lower(): value for key, value in self.headers.items()}
            one.asked.append((self.path, asked))
            one.gate.wait(30)
            status, headers, body = one.says.get(self.path, (404, {}, b"nothing here"))
            if headers.get("ETag") and asked.get("if-none-match") == headers["ETag"]:
                status, body = 304, b""
            self.send_response(status)
            for key, value in ({"Content-Length": str(len(body))} | dict(headers)).items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        one.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
