"""A real HTTP server on a free loopback port, for the sites and receivers of stories and benches."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Mapping


class Handler(http.server.BaseHTTPRequestHandler):
    """A request handler that prints nothing and answers in one call."""

    def read_body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Serving:
    """Serves in threads until closed; ``url`` ends with ``path``."""

    def __init__(self, handler: type[Handler], path: str = "/") -> None:
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}{path}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
