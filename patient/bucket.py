"""An object storage as small as can be: PUT, GET, HEAD and DELETE of one object by its path.

``python -m patient.bucket PORT``
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_objects: dict[str, bytes] = {}


class _Handler(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        _objects[self.path] = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(201)

    def do_GET(self) -> None:
        found = _objects.get(self.path)
        self._answer(404 if found is None else 200, found or b"")

    def do_HEAD(self) -> None:
        self._answer(200 if self.path in _objects else 404)

    def do_DELETE(self) -> None:
        _objects.pop(self.path, None)
        self._answer(204)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """It has nothing to tell."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()
