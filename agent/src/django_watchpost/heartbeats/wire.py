"""HTTP to the Watchpost server over one connection that is kept: no library, each step has a deadline."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

_AGENT = "django-watchpost"
_MOST_READ = 10_000_000


class Wire:
    """Not for several threads at once. ``url``: the server, such as ``https://watchpost.example.com``."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._parts, self._timeout_s = urlsplit(url), timeout_s
        self._open: http.client.HTTPConnection | None = None

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body of the answer. Raises OSError or HTTPException when there is none. A connection
        that the server closed meanwhile is opened anew."""
        was_open = self._open is not None
        try:
            return self._ask(method, path, body, headers)
        except (ConnectionError, http.client.BadStatusLine, http.client.CannotSendRequest):
            self.close()
            if not was_open:
                raise
            return self._ask(method, path, body, headers)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = None

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str] | None) -> tuple[int, bytes]:
        if self._open is None:
            self._open = self._connect()
        sent = {"User-Agent": _AGENT} | (headers or {})
        if body or method == "POST":
            sent["Content-Length"] = str(len(body))
        self._open.request(method, self._parts.path.rstrip("/") + path, body or None, sent)
        answer = self._open.getresponse()
        return answer.status, answer.read(_MOST_READ)

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout_s)
