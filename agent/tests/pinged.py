"""A real server on loopback that keeps what it is told, for heartbeats and for the management API."""

from __future__ import annotations

import http.server
import json
import threading
import time
from typing import Any


class Pinged:
    """``heard``: method, path, body, in the order of the answers. ``checks``: of the management API."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, bytes]] = []
        self.answers: list[tuple[int, bytes]] = []
        self.checks: dict[str, dict[str, Any]] = {}
        self.keys: set[str] = set()
        self.connections = 0
        pinged = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                pinged.connections += 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, words = pinged._answer(self.command, self.path, body, self.headers)
                pinged.heard.append((self.command, self.path, body))
                self.send_response(status)
                self.send_header("Content-Length", str(len(words)))
                self.end_headers()
                self.wfile.write(words)

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def pings(self) -> list[str]:
        """``slug/action`` of each."""
        paths = [
            path.partition("?")[0].split("/", 3)[3] for _, path, _ in self.heard if path.startswith("/ping/")
        ]
        return paths

    def bodies(self) -> list[str]:
        return [body.decode() for _, path, body in self.heard if path.startswith("/ping/")]

    def wait(self, number: int, within_s: float = 10) -> None:
        """Until so many pings were heard."""
        ends = time.monotonic() + within_s
        while len(self.pings()) < number:
            assert time.monotonic() < ends, f"heard {self.heard}"
            time.sleep(0.01)

    def _answer(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, bytes]:
        if self.answers:
            return self.answers.pop(0)
        if not path.startswith("/api/v3/checks/"):
            return 200, b"OK"
        self.keys.add(headers.get("X-Api-Key", ""))
        return self._manage(method, path.removeprefix("/api/v3/checks/"), body)

    def _manage(self, method: str, rest: str, body: bytes) -> tuple[int, bytes]:
        """As Healthchecks documents: list, create or update by slug, update, pause, resume."""
        if method == "GET":
            return 200, json.dumps({"checks": list(self.checks.values())}).encode()
        given = json.loads(body or b"{}")
        if not rest:
            assert given.pop("unique") == ["slug"]
            same = [one for one in self.checks.values() if one["slug"] == given["slug"]]
            code = same[0]["uuid"] if same else f"00000000-0000-4000-8000-{len(self.checks):012d}"
            known = self.checks.get(code) or {"uuid": code, "status": "new"}
            self.checks[code] = known | given
            return 200 if same else 201, json.dumps(self.checks[code]).encode()
        code, _, action = rest.partition("/")
        if action in ("pause", "resume"):
            self.checks[code]["status"] = {"pause": "paused", "resume": "new"}[action]
        else:
            self.checks[code] |= given
        return 200, json.dumps(self.checks[code]).encode()
