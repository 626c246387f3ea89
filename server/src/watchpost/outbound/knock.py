"""Is somebody listening, and may we? For our own pages only: an address is said once it answers."""

from __future__ import annotations

import errno
import socket
import time


def wait_until_listening(host: str, port: int, deadline_s: float) -> bool:
    """Whether ``host:port`` took a connection within ``deadline_s`` seconds."""
    there = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        try:
            socket.create_connection((there, port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


_WHY = {
    errno.EADDRINUSE: "another program listens there; stop it",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
    errno.EACCES: "ports below 1024 need more rights",
}


def why_not_listen(host: str, port: int, deadline_s: float = 0.0) -> str:
    """Why nothing can listen at ``host:port``, "" when it can. ``deadline_s``: a former process of ours may
    need a moment to let go."""
    end = time.monotonic() + deadline_s
    while True:
        try:
            family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind(address)
            return ""
        except socket.gaierror:
            return f"the name {host} is not known here"
        except OSError as error:
            if time.monotonic() >= end:
                return _WHY.get(error.errno or 0, str(error.strerror or error).lower())
        time.sleep(0.05)
